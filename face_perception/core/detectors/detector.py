"""What all detectors have in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..types import Box, Detection

#: Long side in pixels to which images are shrunk, unless told otherwise.
INPUT_SIZE = 480
#: Faces of one image at most, the surest: more than any crowd that a detector resolves, few enough
#: that noise taken for faces costs neither memory nor seconds.
MOST_FACES = 1000


class Detector(Protocol):
    """
    What the pipeline asks of a detector.

    ``input_size`` is the long side in pixels to which larger images are shrunk first.  It may be
    changed between two images, which costs next to nothing.
    """

    input_size: int

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """
        Return the faces in a uint8 ``[H, W, 3]`` BGR image, in pixels of that image.

        The largest comes first.  With a ``faint_share`` below 1 a detector may give faces too
        that score only that share of the threshold, marked as faint.  Raises ``ImageError`` for an
        array of another kind.
        """


def largest_first(boxes: np.ndarray, scores: np.ndarray, threshold: float = 0.0) -> list[Detection]:
    """
    Return boxes ``[N, 4]`` (x1, y1, x2, y2 in pixels) with scores ``[N]`` as detections.

    Those that score below ``threshold`` are faint.  Their order is total, so that the same image
    gives the same list; empty boxes, and what is not finite, are left out, and so are the least
    sure of more than ``MOST_FACES``.
    """
    if len(scores) > MOST_FACES:
        best = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind='stable')[:MOST_FACES]
        boxes, scores = boxes[best], scores[best]
    scores = np.minimum(scores, 1.0)  # the contract; NaN stays NaN
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    found = [
        Detection(Box(x1, y1, x2 - x1, y2 - y1), score, score < threshold)
        for (x1, y1, x2, y2), score in zip(boxes[finite].tolist(), scores[finite].tolist())
        if x2 > x1 and y2 > y1
    ]
    return sorted(
        found,
        key=lambda face: (-face.box.area, face.box.x, face.box.y, face.box.width, -face.score),
    )
