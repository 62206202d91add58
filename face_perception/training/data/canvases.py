"""The images that training cuts its crops from, framed as the node will frame faces."""

from __future__ import annotations

import cv2
import numpy as np

from ...core.attributes.classifier import COLOR_CONVERSIONS
from ...core.attributes.crops import crop_face, crop_square
from ...core.types import Box
from .faults import MalformedError

#: A face is no longer than so many times the longer side of its image, as far as it can be seen.
LONGEST_FACE = 3.0
#: Length of a canvas relative to the crop in its middle: room for the jitter of the boxes.
CANVAS = 4 / 3


def canvas(image: np.ndarray, box: Box, margin: float, size: int) -> np.ndarray:
    """
    Return a crop of ``image`` around ``box`` with a border to move in.

    The middle ``size`` x ``size`` pixels are what ``crop_face`` with ``margin`` shows, at the
    same scale within 1 %; the result is ``CANVAS`` times as long on each side.
    """
    length = round(size * CANVAS / 2) * 2
    square = crop_square(box, margin)
    border = round(square.width * (CANVAS - 1) / 2)
    # Whole pixels, as crop_face rounds them: both then have the same centre.
    left, top, side = round(square.x), round(square.y), round(square.width)
    wider = Box(left - border, top - border, side + 2 * border, side + 2 * border)
    return crop_face(image, wider, 0.0, length)


def filling_box(width: int, height: int, margin: float) -> Box:
    """
    Return the face box, in an image that a face fills, whose crop is the whole image.

    Such an image is a crop already; ``margin`` (see ``core.crops``) was measured so that a
    detector's box grows to it.  An image that is not square becomes one by repeating its
    edges, as faces at the border of a camera's image do.
    """
    inner_width, inner_height = width / (1 + 2 * margin), height / (1 + 2 * margin)
    return Box((width - inner_width) / 2, (height - inner_height) / 2, inner_width, inner_height)


def training_canvas(
    image: np.ndarray, box: Box | None, margin: float, size: int, color: str
) -> np.ndarray:
    """
    Return what training keeps of an image: uint8 ``[S, S, C]`` in ``color``, gray or RGB.

    ``image`` is uint8 BGR ``[H, W, 3]``.  Around a ``box`` the result is a ``canvas``; where
    the face fills the image (``None``) there is nothing beyond the crop, and S = ``size``.
    """
    if box is None:
        height, width = image.shape[:2]
        image = crop_face(image, filling_box(width, height, margin), margin, size)
    else:
        image = canvas(image, box, margin, size)
    image = cv2.cvtColor(image, COLOR_CONVERSIONS[color])
    return image.reshape(*image.shape[:2], -1)


def check_box(box: Box, width: int, height: int) -> None:
    """Raise ``MalformedError`` for a box of which an image shows nothing, or next to nothing."""
    is_seen = box.x < width and box.y < height and box.x + box.width > 0 and box.y + box.height > 0
    if not is_seen or max(box.width, box.height) > LONGEST_FACE * max(width, height):
        raise MalformedError(
            f'the box {box.x:g}, {box.y:g}, {box.width:g}, {box.height:g} does not lie in the '
            f'image of {width}x{height} pixels'
        )
