"""
The one crop rule, shared by training, evaluation and the running pipeline.

A classifier sees a square around the centre of the face box. Its side is the longer side
of the box, enlarged by ``margin`` on each of the four sides; what lies outside the image
repeats the image's edge.  ``margin`` is a property of the trained network and is read from
its metadata, so that a network always sees faces framed as it learned them.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..scaling import repeat_edges, resize
from ..types import Box


def crop_square(box: Box, margin: float) -> Box:
    """
    Return the square that a classifier looks at, not clipped to any image.

    ``margin`` is the share of the longer side that is added on every side: 0.1 makes the
    square 1.2 times as long as the box; negative values look inside the box.
    """
    side = max(box.width, box.height) * (1 + 2 * margin)
    center_x, center_y = box.center
    return Box(center_x - side / 2, center_y - side / 2, side, side)


def crop_face(image: np.ndarray, box: Box, margin: float, size: int) -> np.ndarray:
    """
    Cut one face out of ``image`` and scale it to ``size`` x ``size`` pixels.

    ``image`` is uint8 ``[H, W]`` or ``[H, W, 3]``; the result is uint8 with the same
    channels.  Shrinking averages over areas, so that a large face is not aliased.
    """
    height, width = image.shape[:2]
    square = crop_square(box, margin)
    left, top = round(square.x), round(square.y)
    side = max(round(square.width), 1)
    right, bottom = left + side, top + side
    # The box may lie outside the image by any amount: keep at least one pixel to repeat.
    x0, x1 = min(max(left, 0), width - 1), max(min(right, width), 1)
    y0, y1 = min(max(top, 0), height - 1), max(min(bottom, height), 1)
    crop = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    if (left, top, right, bottom) != (x0, y0, x1, y1):
        crop = repeat_edges(
            crop, max(y0 - top, 0), max(bottom - y1, 0), max(x0 - left, 0), max(right - x1, 0)
        )
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return resize(crop, (size, size), interpolation)
