"""
From image messages to BGR images, of whichever library the messages are.

Every message is checked before OpenCV touches it, so that each fault gets its own sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...core.errors import ImageError
from ...core.scaling import recolored
from ...core.text import value
from ..images.decode import MAX_PIXELS, check_pixels, decode_header, message_header
from ..images.depth import in_8_bits

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
    'bgr16': 6,
    'rgb16': 6,
    'bgra16': 8,
    'rgba16': 8,
    '16UC3': 6,
    '16UC4': 8,
    'nv12': 1,
    'nv21': 1,
    'nv24': 1,
    'bayer_rggb8': 1,
    'bayer_bggr8': 1,
    'bayer_gbrg8': 1,
    'bayer_grbg8': 1,
    'bayer_rggb16': 2,
    'bayer_bggr16': 2,
    'bayer_gbrg16': 2,
    'bayer_grbg16': 2,
}
#: OpenCV's own names, under those of ROS.
SYNONYMS = {
    '8UC1': 'mono8',
    '8UC3': 'bgr8',
    '8UC4': 'bgra8',
    '16UC3': 'bgr16',
    '16UC4': 'bgra16',
}
#: OpenCV's conversions to BGR.  Its names of Bayer cells begin one pixel further, down and right.
CONVERSIONS = {
    'bgr8': None,
    'rgb8': cv2.COLOR_RGB2BGR,
    'bgra8': cv2.COLOR_BGRA2BGR,
    'rgba8': cv2.COLOR_RGBA2BGR,
    'mono8': cv2.COLOR_GRAY2BGR,
    'uyvy': cv2.COLOR_YUV2BGR_UYVY,
    'yuv422': cv2.COLOR_YUV2BGR_UYVY,
    'yuyv': cv2.COLOR_YUV2BGR_YUY2,
    'yuv422_yuy2': cv2.COLOR_YUV2BGR_YUY2,
    'bayer_rggb8': cv2.COLOR_BayerBG2BGR,
    'bayer_bggr8': cv2.COLOR_BayerRG2BGR,
    'bayer_gbrg8': cv2.COLOR_BayerGR2BGR,
    'bayer_grbg8': cv2.COLOR_BayerGB2BGR,
}
#: Encodings with one U and one V for two pixels that lie side by side.
PACKED_YUV = ('uyvy', 'yuv422', 'yuyv', 'yuv422_yuy2')
#: A luma plane of the image's height, then U and V (V and U in nv21) of as many pixels, or half
#: as many across and down: rows of a step each per row of the image, and OpenCV's conversion.
SEMIPLANAR = {
    'nv12': (1.5, cv2.COLOR_YUV2BGR_NV12),
    'nv21': (1.5, cv2.COLOR_YUV2BGR_NV21),
    'nv24': (3, None),
}
#: Y, U and V to BGR as cameras mean them (ITU-R BT.601, limited range), which OpenCV does for the
#: other semi-planar encodings.
_YUV_TO_BGR = np.array(
    [[1.164, 2.018, 0, -276.9], [1.164, -0.391, -0.813, 135.6], [1.164, 0, 1.596, -222.9]],
    np.float32,
)
#: Encodings of 16 bits, with the channels of a pixel and those that have its colours.
SIXTEEN_BITS = {
    'mono16': (1, 1),
    'bgr16': (3, 3),
    'rgb16': (3, 3),
    'bgra16': (4, 3),
    'rgba16': (4, 3),
    **{f'bayer_{cell}16': (1, 1) for cell in ('rggb', 'bggr', 'gbrg', 'grbg')},
}
#: Pixels of a side from which on a Bayer mosaic is an image: OpenCV makes smaller ones black.
SMALLEST_MOSAIC = 3
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


class ImageDecoder:
    """Turns Image and CompressedImage messages into uint8 ``[H, W, 3]`` BGR images."""

    def __init__(
        self, max_image_size: int, max_pixels: int = MAX_PIXELS, parameter: str = 'max_image_size'
    ):
        """
        Refuse images whose long side exceeds ``max_image_size``, or that have over ``max_pixels``.

        Compressed ones may claim any size.  ``parameter`` is what raises the first, ``''``
        where nothing does.
        """
        self._max_image_size, self._max_pixels = max_image_size, max_pixels
        self._parameter = parameter

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
            if packed.encoding in SIXTEEN_BITS:
                packed = _in_8_bits(packed)
            if packed.encoding in SEMIPLANAR:
                return _from_planes(packed)
            return _from_pixels(packed)
        except cv2.error as error:
            raise ImageError(
                'conversion',
                f"an image with encoding '{value(message.encoding)}' cannot be converted "
                f'({" ".join(str(error).split())}): set the camera driver to bgr8 or rgb8',
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
                f"an image with encoding '{value(encoding)}' came, which is a depth image: "
                "remap 'image' to the camera's colour topic",
            )
        if encoding not in BYTES_PER_PIXEL:
            raise ImageError(
                'encoding',
                f"an image with the unknown encoding '{value(encoding)}' came: set the "
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
        if encoding.startswith('bayer_') and min(width, height) < SMALLEST_MOSAIC:
            raise ImageError(
                'size',
                f'an image of {width}x{height} pixels has encoding {encoding}, of which colours '
                f'are made from {SMALLEST_MOSAIC} pixels a side on: check the camera driver',
            )
        if encoding in PACKED_YUV and width % 2:
            raise ImageError(
                'size',
                f'an image of {width}x{height} pixels has encoding {encoding}, which needs even '
                'widths: check the camera driver',
            )
        if encoding in SEMIPLANAR:
            if encoding != 'nv24' and (width % 2 or height % 2):
                raise ImageError(
                    'size',
                    f'an image of {width}x{height} pixels has encoding {encoding}, which '
                    'needs even sizes: check the camera driver',
                )
            rows = int(height * SEMIPLANAR[encoding][0])
        if len(message.data) < rows * step:
            raise ImageError(
                'truncated',
                f'an image has {len(message.data)} bytes of data, but {rows} rows of '
                f'{step} bytes take {rows * step}: it was cut on its way or by the driver',
            )
        data = np.frombuffer(message.data, np.uint8, rows * step)
        if step != row and encoding == 'nv24':
            # A row of chroma is twice as long as one of luma, with twice the padding.
            luma, chroma = data[: height * step], data[height * step :]
            data = np.concatenate(
                [
                    luma.reshape(height, step)[:, :row].reshape(-1),
                    chroma.reshape(height, 2 * step)[:, : 2 * row].reshape(-1),
                ]
            )
        elif step != row:
            data = np.ascontiguousarray(data.reshape(rows, step)[:, :row]).reshape(-1)
        return PackedImage(
            SYNONYMS.get(encoding, encoding), height, width, row, message.is_bigendian, data
        )

    def _check_size(self, width: int, height: int) -> None:
        if max(width, height) > self._max_image_size:
            limit, remedy = f'{self._max_image_size} pixels', 'make it smaller'
            if self._parameter:
                limit = f'{self._parameter} ({self._max_image_size})'
                remedy = 'set the camera to a smaller size, or raise the parameter'
            raise ImageError(
                'size', f'an image of {width}x{height} pixels is larger than {limit}: {remedy}'
            )
        check_pixels(width, height, self._max_pixels)

    def _decode_compressed(self, message) -> np.ndarray:
        kind = value(message.format)
        if any(name in message.format for name in ('compressedDepth', *DEPTH_ENCODINGS)):
            raise ImageError(
                'encoding',
                f"a compressed image of format '{kind}' came, which is a depth image: "
                "remap 'image' to the camera's colour topic",
            )
        data = bytes(message.data)
        if not data:
            raise ImageError(
                'truncated', 'a compressed image without data came: check the camera driver'
            )
        header = message_header(data)
        if header is None:
            raise ImageError(
                'corrupt',
                f"a compressed image of format '{kind}' and {len(data)} bytes cannot "
                'be decoded: it is neither JPEG nor PNG, or its beginning is damaged',
            )
        self._check_size(header.width, header.height)
        return decode_header(header)


def _in_8_bits(image: PackedImage) -> PackedImage:
    """Return an image of 16 bits in the encoding of 8 bits that has the same colours."""
    order = '>' if image.is_bigendian else '<'
    channels, colours = SIXTEEN_BITS[image.encoding]
    values = image.data.view(f'{order}u2').reshape(-1, channels)
    brightest = int(values[:, :colours].max())  # an alpha channel may be full
    return PackedImage(
        image.encoding.replace('16', '8'),
        image.height,
        image.width,
        image.step // 2,
        0,
        in_8_bits(values, brightest).reshape(-1),
    )


def _from_pixels(image: PackedImage) -> np.ndarray:
    """Return the image of an image whose bytes follow each other pixel by pixel."""
    channels, conversion = BYTES_PER_PIXEL[image.encoding], CONVERSIONS[image.encoding]
    pixels = image.data.reshape(image.height, image.width, channels)
    return pixels if conversion is None else recolored(pixels, conversion)


def _from_planes(image: PackedImage) -> np.ndarray:
    """Return the image of a semi-planar image."""
    _, conversion = SEMIPLANAR[image.encoding]
    if conversion is not None:
        return cv2.cvtColor(image.data.reshape(-1, image.width), conversion)
    luma, chroma = np.split(image.data, [image.width * image.height])
    size = image.height, image.width
    planes = np.dstack([luma.reshape(size), chroma.reshape(*size, 2)])
    return cv2.transform(planes, _YUV_TO_BGR)
