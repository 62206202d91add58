"""Where a face detector sees the face in a data set's tight picture."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ..core.detectors import load_cascade
from ..core.types import Box

SCALE_FACTOR, MIN_NEIGHBORS = 1.1, 5
#: Side that a picture is enlarged to, in pixels: the cascade sees no face under 24 pixels.
ENLARGED = 192
#: The edge is repeated around the picture by this share of its side, as faces fill it.
BORDER = 0.25
#: Smaller finds, as a share of the picture's side, are not the face the picture shows.
SMALLEST = 0.4

#: Loaded once, on first use.
_cascade = cache(load_cascade)


def find_face(image: np.ndarray) -> Box | None:
    """
    Return the largest box that OpenCV's frontal-face cascade draws (Viola and Jones 2001).

    ``image`` is a square uint8 picture, gray ``[S, S]`` or BGR ``[S, S, 3]``, that one face
    fills; the box is in its pixels and may reach beyond it.  ``None``: no face was found.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    border = round(BORDER * len(gray))
    zoom = ENLARGED / len(gray)
    gray = cv2.copyMakeBorder(gray, border, border, border, border, cv2.BORDER_REPLICATE)
    gray = cv2.resize(gray, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    smallest = round(SMALLEST * ENLARGED)
    boxes = _cascade().detectMultiScale(gray, SCALE_FACTOR, MIN_NEIGHBORS,
                                        minSize=(smallest, smallest))
    if len(boxes) == 0:
        return None
    x, y, width, height = max(boxes.tolist(), key=lambda box: (box[2], box))
    return Box(x / zoom - border, y / zoom - border, width / zoom, height / zoom)
