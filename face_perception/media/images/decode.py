"""From encoded images to images, no larger than is bearable."""

from __future__ import annotations

import cv2
import numpy as np

from ...core.errors import ImageError
from . import jpeg, png
from .depth import in_8_bits
from .header import ImageHeader
from .others import read_other

#: Pixels of an encoded image that are decoded at most. As BGR they take 0.2 GB, and a progressive
#: JPEG three times that meanwhile; cameras with a sensor of 24x36 mm stay below. A few hundred
#: bytes may claim more than any machine has.
MEGAPIXEL = 1_000_000
MAX_PIXELS = 67 * MEGAPIXEL


def image_header(data: bytes) -> ImageHeader | None:
    """
    Return kind and size of an encoded image by what it begins with, ``None`` for what is none.

    Raises ``ImageError`` for a JPEG or PNG that is not whole, and for sizes that cannot be.
    """
    return message_header(data) or read_other(data)


def message_header(data: bytes) -> ImageHeader | None:
    """Return the same for the two formats that image messages have, JPEG and PNG."""
    if data.startswith(jpeg.MAGIC):
        return jpeg.read_jpeg(data)
    if data.startswith(png.MAGIC):
        return png.read_png(data)
    return None


def check_pixels(width: int, height: int, limit: int = MAX_PIXELS) -> None:
    """Raise ``ImageError`` for an image that has more than ``limit`` pixels."""
    if width * height > limit:
        raise ImageError(
            'size',
            f'an image of {width}x{height} pixels has more than the {limit / MEGAPIXEL:.0f} '
            'megapixels that are decoded at most: make it smaller, or raise --max-megapixels of '
            'face_perception_annotate',
        )


def decode_header(header: ImageHeader) -> np.ndarray:
    """Return the image as uint8 ``[H, W, 3]`` BGR; raises ``ImageError``."""
    colour = cv2.IMREAD_COLOR
    if header.turns or header.mirror is not None:
        # OpenCV up to 4.14 turns an AVIF only by what its Exif may say of the same once more; this
        # keeps it, and any later one, from turning what is turned here.
        colour |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        data = np.frombuffer(header.data, np.uint8)
        image = cv2.imdecode(data, colour | cv2.IMREAD_ANYDEPTH)
        if image is not None and image.dtype == np.uint16:
            image = 255 - in_8_bits(image) if header.inverted else in_8_bits(image)
        elif image is not None and image.dtype != np.uint8:
            image = cv2.imdecode(data, colour)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(
            'corrupt',
            f'a {header.kind} image of {len(header.data)} bytes cannot be decoded: it is damaged, '
            'or of a variety that this OpenCV does not know; save it as JPEG or PNG',
        )
    if header.turns:
        image = np.ascontiguousarray(np.rot90(image, header.turns))
    return image if header.mirror is None else cv2.flip(image, header.mirror)


def checked_header(data: bytes, limit: int = MAX_PIXELS) -> ImageHeader:
    """
    Return the header of an image file's bytes.

    Raises ``ImageError`` with what is wrong: no image, cut, damaged, or more than ``limit`` pixels.
    """
    header = image_header(data)
    if header is None:
        raise ImageError('corrupt', 'it is no image of a kind that is known')
    check_pixels(header.width, header.height, limit)
    return header


def decode_image(data: bytes, limit: int = MAX_PIXELS) -> np.ndarray:
    """
    Return an image file's bytes as uint8 ``[H, W, 3]`` BGR.

    Raises ``ImageError`` as ``checked_header`` does.
    """
    return decode_header(checked_header(data, limit))
