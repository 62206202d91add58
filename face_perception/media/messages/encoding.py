"""From BGR images to messages in the encodings that camera drivers publish."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ...core.scaling import recolored, resize
from ..errors import SourceError

#: BGR to Y, U, V as cameras mean them (ITU-R BT.601, limited range).
BGR_TO_YUV = np.array(
    [[0.098, 0.504, 0.257, 16], [0.439, -0.291, -0.148, 128], [-0.071, -0.368, 0.439, 128]],
    np.float32,
)
#: The BGR channels at the upper left, upper right, lower left and lower right of a Bayer cell.
BAYER_CELLS = {
    'rggb': (2, 1, 1, 0),
    'bggr': (0, 1, 1, 2),
    'gbrg': (1, 0, 2, 1),
    'grbg': (1, 2, 0, 1),
}
#: 255 of 8 bits is 65535 of 16.
TO_16_BITS = 257
JPEG_QUALITY = 90


def encode(image: np.ndarray, encoding: str, header: Header) -> Image:
    """
    Return a sensor_msgs/Image for a uint8 ``[H, W, 3]`` BGR image.

    Raises ``SourceError`` when the encoding cannot hold an image of this size.
    """
    height, width = image.shape[:2]
    if encoding in EVEN_WIDTH and width % 2 or encoding in EVEN_HEIGHT and height % 2:
        raise SourceError(
            f"an image of {width}x{height} pixels cannot be encoded as '{encoding}', which needs "
            'even sizes: give --size with even numbers'
        )
    rows = ENCODERS[encoding](image)
    # The rows are bytes here, so their number and length are not always height and width.
    message = image_message(header, rows.view(np.uint8).reshape(rows.shape[0], -1), encoding)
    message.height, message.width = height, width
    return message


def image_message(header: Header, image: np.ndarray, encoding: str = 'bgr8') -> Image:
    """Return an Image message for a uint8 ``[H, W]`` or ``[H, W, C]`` image."""
    image = np.ascontiguousarray(image)
    return Image(
        header=header,
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        step=image.strides[0],
        is_bigendian=0,
        # rclpy takes an array.array as it is; bytes or a list go element by element.
        data=array('B', image.tobytes()),
    )


def compress(image: np.ndarray, kind: str, header: Header) -> CompressedImage:
    """Return a sensor_msgs/CompressedImage (``kind`` is jpeg or png) for a BGR image."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind == 'jpeg' else []
    _, data = cv2.imencode(f'.{kind}', image, options)
    # The format is written as image_transport does it.
    return CompressedImage(
        header=header, format=f'bgr8; {kind} compressed bgr8', data=array('B', data.tobytes())
    )


def _mono16(image: np.ndarray) -> np.ndarray:
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return gray.astype('<u2') * np.uint16(TO_16_BITS)


def _yuv(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return luma ``[H, W]`` and chroma ``[H, W, 2]`` (U, V)."""
    yuv = cv2.transform(image, BGR_TO_YUV)
    return yuv[:, :, 0], yuv[:, :, 1:]


def _packed_422(luma_first: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Return an encoder with one U and V for two pixels: Y U Y V, or U Y V Y."""

    def encoder(image: np.ndarray) -> np.ndarray:
        luma, chroma = _yuv(image)
        height, width = luma.shape
        pairs = resize(chroma, (width // 2, height), cv2.INTER_AREA)
        rows = np.empty((height, width, 2), np.uint8)
        rows[:, :, 0 if luma_first else 1] = luma
        rows[:, :, 1 if luma_first else 0] = pairs.reshape(height, width)
        return rows

    return encoder


def _semiplanar(v_first: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Return an encoder with the luma plane above interleaved chroma of half its height."""

    def encoder(image: np.ndarray) -> np.ndarray:
        luma, chroma = _yuv(image)
        height, width = luma.shape
        cells = resize(chroma, (width // 2, height // 2), cv2.INTER_AREA)
        cells = cells[:, :, ::-1] if v_first else cells
        return np.vstack([luma, cells.reshape(height // 2, width)])

    return encoder


def _nv24(image: np.ndarray) -> np.ndarray:
    """Return the luma plane above interleaved chroma of twice its width, in rows of its width."""
    luma, chroma = _yuv(image)
    height, width = luma.shape
    return np.vstack([luma, chroma.reshape(2 * height, width)])


def _deep(conversion: int | None) -> Callable[[np.ndarray], np.ndarray]:
    """Return an encoder with 16 bits per channel."""

    def encoder(image: np.ndarray) -> np.ndarray:
        converted = image if conversion is None else recolored(image, conversion)
        return converted.astype('<u2') * np.uint16(TO_16_BITS)

    return encoder


def _bayer(cell: tuple[int, int, int, int], bits: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return an encoder that keeps one colour per pixel, as the filter on a sensor does."""

    def encoder(image: np.ndarray) -> np.ndarray:
        mosaic = np.empty(image.shape[:2], np.uint8)
        for number, channel in enumerate(cell):
            row, column = divmod(number, 2)
            mosaic[row::2, column::2] = image[row::2, column::2, channel]
        return mosaic if bits == 8 else mosaic.astype('<u2') * np.uint16(TO_16_BITS)

    return encoder


def _color(conversion: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: recolored(image, conversion)


_GRAY, _BGRA = _color(cv2.COLOR_BGR2GRAY), _color(cv2.COLOR_BGR2BGRA)
_UYVY, _YUYV = _packed_422(luma_first=False), _packed_422(luma_first=True)
#: By encoding: from uint8 ``[H, W, 3]`` BGR to the rows of the message.
ENCODERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'bgr8': np.ascontiguousarray,
    '8UC3': np.ascontiguousarray,
    'rgb8': _color(cv2.COLOR_BGR2RGB),
    'bgra8': _BGRA,
    '8UC4': _BGRA,
    'rgba8': _color(cv2.COLOR_BGR2RGBA),
    'mono8': _GRAY,
    '8UC1': _GRAY,
    'mono16': _mono16,
    'uyvy': _UYVY,
    'yuv422': _UYVY,
    'yuyv': _YUYV,
    'yuv422_yuy2': _YUYV,
    'nv12': _semiplanar(v_first=False),
    'nv21': _semiplanar(v_first=True),
    'nv24': _nv24,
    'bgr16': _deep(None),
    '16UC3': _deep(None),
    'rgb16': _deep(cv2.COLOR_BGR2RGB),
    'bgra16': _deep(cv2.COLOR_BGR2BGRA),
    '16UC4': _deep(cv2.COLOR_BGR2BGRA),
    'rgba16': _deep(cv2.COLOR_BGR2RGBA),
    **{
        f'bayer_{name}{bits}': _bayer(cell, bits)
        for bits in (8, 16)
        for name, cell in BAYER_CELLS.items()
    },
}
EVEN_HEIGHT = ('nv12', 'nv21')
EVEN_WIDTH = (*EVEN_HEIGHT, 'uyvy', 'yuv422', 'yuyv', 'yuv422_yuy2')
