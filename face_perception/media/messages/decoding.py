"""
From image messages to BGR pictures, of whichever library the messages are.

Every message is checked before a converter touches it, so that each fault gets its own
sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ...core.errors import ImageError

#: Encodings that are converted, with the bytes per pixel of one row.
BYTES_PER_PIXEL = {
    'bgr8': 3,
    'rgb8': 3,
    'bgra8': 4,
    'rgba8': 4,
    '8UC1': 1,
    '8UC3': 3,
    '8UC4': 4,
    'mono8': 1,
    'mono16': 2,
    'uyvy': 2,
    'yuv422': 2,
    'yuyv': 2,
    'yuv422_yuy2': 2,
    'nv12': 1,
    'nv21': 1,
    'bayer_rggb8': 1,
    'bayer_bggr8': 1,
    'bayer_gbrg8': 1,
    'bayer_grbg8': 1,
    'bayer_rggb16': 2,
    'bayer_bggr16': 2,
    'bayer_gbrg16': 2,
    'bayer_grbg16': 2,
}
#: OpenCV's own names, under the one name that every converter knows.
SYNONYMS = {'8UC1': 'mono8', '8UC3': 'bgr8', '8UC4': 'bgra8'}
#: YUV goes straight to OpenCV: which of these names a converter knows depends on its version.
PACKED_YUV = {
    'uyvy': cv2.COLOR_YUV2BGR_UYVY,
    'yuv422': cv2.COLOR_YUV2BGR_UYVY,
    'yuyv': cv2.COLOR_YUV2BGR_YUY2,
    'yuv422_yuy2': cv2.COLOR_YUV2BGR_YUY2,
}
#: A luma plane of the picture's height, then chroma of half that height.
SEMIPLANAR = {'nv12': cv2.COLOR_YUV2BGR_NV12, 'nv21': cv2.COLOR_YUV2BGR_NV21}
DEPTH_ENCODINGS = ('16UC1', '16SC1', '32FC1', '64FC1')


@dataclass(frozen=True)
class PackedImage:
    """A checked sensor_msgs/Image whose rows follow each other without padding."""

    encoding: str
    height: int
    width: int
    step: int
    is_bigendian: int
    data: np.ndarray


Converter = Callable[[PackedImage], np.ndarray]


class ImageDecoder:
    """Turns Image and CompressedImage messages into uint8 ``[H, W, 3]`` BGR pictures."""

    def __init__(self, max_image_size: int, converter: Converter):
        """Refuse pictures whose long side exceeds ``max_image_size`` pixels."""
        self._max_image_size = max_image_size
        self._converter = converter

    def decode(self, message) -> np.ndarray:
        """
        Decode a sensor_msgs/Image or sensor_msgs/CompressedImage.

        The result may share memory with the message; do not write to it.
        Raises ``ImageError`` with what is wrong and what to do.
        """
        if hasattr(message, 'format'):
            return self._decode_compressed(message)
        return self._decode_raw(message)

    def _decode_raw(self, message) -> np.ndarray:
        packed = self._check(message)
        try:
            if packed.encoding in SEMIPLANAR:
                planes = packed.data.reshape(-1, packed.width)
                return cv2.cvtColor(planes, SEMIPLANAR[packed.encoding])
            if packed.encoding in PACKED_YUV:
                pairs = packed.data.reshape(packed.height, packed.width, 2)
                return cv2.cvtColor(pairs, PACKED_YUV[packed.encoding])
            return self._converter(packed)
        except Exception as error:  # the converters raise their own and OpenCV's types
            raise ImageError(
                'conversion',
                f"an image with encoding '{message.encoding}' cannot be converted "
                f'({error}): set the camera driver to bgr8 or rgb8',
            ) from error

    def _check(self, message) -> PackedImage:
        width, height, step, encoding = (
            message.width,
            message.height,
            message.step,
            message.encoding,
        )
        if width == 0 or height == 0:
            raise ImageError(
                'size', f'an image of {width}x{height} pixels came: check the camera driver'
            )
        self._check_size(width, height)
        if encoding in DEPTH_ENCODINGS:
            raise ImageError(
                'encoding',
                f"an image with encoding '{encoding}' came, which is a depth image: "
                "remap 'image' to the camera's colour topic",
            )
        if encoding not in BYTES_PER_PIXEL:
            raise ImageError(
                'encoding',
                f"an image with the unknown encoding '{encoding}' came: set the "
                f'camera driver to one of {", ".join(BYTES_PER_PIXEL)}',
            )
        row = width * BYTES_PER_PIXEL[encoding]
        if step < row:
            raise ImageError(
                'step',
                f'an image has a step of {step} bytes, but a row of {width} pixels in '
                f'{encoding} takes {row}: correct the camera driver',
            )
        rows = height
        if encoding in SEMIPLANAR:
            if width % 2 or height % 2:
                raise ImageError(
                    'size',
                    f'an image of {width}x{height} pixels has encoding {encoding}, which '
                    'needs even sizes: check the camera driver',
                )
            rows = height * 3 // 2
        if len(message.data) < rows * step:
            raise ImageError(
                'truncated',
                f'an image has {len(message.data)} bytes of data, but {rows} rows of '
                f'{step} bytes take {rows * step}: it was cut on its way or by the driver',
            )
        data = np.frombuffer(message.data, np.uint8, rows * step)
        if step != row:
            data = np.ascontiguousarray(data.reshape(rows, step)[:, :row]).reshape(-1)
        return PackedImage(
            SYNONYMS.get(encoding, encoding), height, width, row, message.is_bigendian, data
        )

    def _check_size(self, width: int, height: int) -> None:
        if max(width, height) > self._max_image_size:
            raise ImageError(
                'size',
                f'an image of {width}x{height} pixels is larger than max_image_size '
                f'({self._max_image_size}): set the camera to a smaller size, or raise the '
                'parameter',
            )

    def _decode_compressed(self, message) -> np.ndarray:
        data = np.frombuffer(message.data, np.uint8)
        kind = message.format
        if 'compressedDepth' in kind or any(name in kind for name in DEPTH_ENCODINGS):
            raise ImageError(
                'encoding',
                f"a compressed image of format '{kind}' came, which is a depth image: "
                "remap 'image' to the camera's colour topic",
            )
        if data.size == 0:
            raise ImageError(
                'truncated', 'a compressed image without data came: check the camera driver'
            )
        if data[:2].tobytes() == b'\xff\xd8' and (
            not data[-64:].tobytes().rstrip(b'\0').endswith(b'\xff\xd9')
        ):
            # OpenCV would fill the missing part with gray and say nothing.
            raise ImageError(
                'truncated',
                f'a JPEG image of {data.size} bytes has no end: it was cut on its '
                'way or by the driver',
            )
        try:
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:
            picture = None
        if picture is None:
            raise ImageError(
                'corrupt',
                f"a compressed image of format '{kind}' and {data.size} bytes cannot "
                'be decoded: it is damaged, or neither JPEG nor PNG',
            )
        self._check_size(picture.shape[1], picture.shape[0])
        return picture


def rosbags_converter() -> Converter:
    """Return the conversion of rosbags-image. Raises ``ImportError`` without it."""
    from rosbags.image import image_to_cvimage

    return lambda image: image_to_cvimage(image, 'bgr8')
