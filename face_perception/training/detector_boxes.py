"""Where a face detector sees the face in a data set's tight image."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ..core.detectors import OnnxDetector, load_cascade
from ..core.detectors.haar import faces_in_squares
from ..core.types import Box

SCALE_FACTOR, MIN_NEIGHBORS = 1.1, 5
#: Side that an image is enlarged to, in pixels: the cascade sees no face under 24 pixels.
ENLARGED = 192
#: The edge is repeated around the image by this share of its side, as faces fill it.
BORDER = 0.25
#: Smaller finds, as a share of the image's side, are not the face the image shows.
SMALLEST = 0.4

#: Loaded once, on first use.
_cascade = cache(load_cascade)
# A low threshold: the repeated edges make an image strange, and that it shows a face is known.
_network = cache(
    lambda: OnnxDetector(input_size=round(ENLARGED * (1 + 2 * BORDER)), score_threshold=0.3)
)


def find_face(image: np.ndarray, detector: str = 'haar') -> Box | None:
    """
    Return the largest box that a detector draws.

    ``detector`` is ``haar``, OpenCV's frontal-face cascade (Viola and Jones 2001), or ``onnx``,
    the package's own.

    ``image`` is a square uint8 image, gray ``[S, S]`` or BGR ``[S, S, 3]``, that one face
    fills; the box is in its pixels and may reach beyond it.  ``None``: no face was found.
    """
    border = round(BORDER * len(image))
    zoom = ENLARGED / len(image)
    image = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    boxes = _found_by_cascade(image) if detector == 'haar' else _found_by_network(image)
    large = [box for box in boxes if box[3] >= SMALLEST * ENLARGED]
    if not large:
        return None
    x, y, width, height = max(large, key=lambda box: (box[3], box))
    return Box(x / zoom - border, y / zoom - border, width / zoom, height / zoom)


def _found_by_cascade(image: np.ndarray) -> list[list[float]]:
    """Return boxes (x, y, width, height) in a gray or BGR image."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    smallest = round(SMALLEST * ENLARGED)
    squares = _cascade().detectMultiScale(
        gray, SCALE_FACTOR, MIN_NEIGHBORS, minSize=(smallest, smallest)
    )
    boxes = faces_in_squares(np.reshape(squares, (-1, 4)).astype(float))
    return [[x, y, right - x, bottom - y] for x, y, right, bottom in boxes.tolist()]


def _found_by_network(image: np.ndarray) -> list[list[float]]:
    """Return boxes (x, y, width, height) in a gray or BGR image."""
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return [
        [box.x, box.y, box.width, box.height]
        for box in (detection.box for detection in _network().detect(image))
    ]
