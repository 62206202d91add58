"""One box for each face, of the many that a network gives."""

from __future__ import annotations

import cv2
import numpy as np

#: Of two boxes whose intersection over union is larger, the better one is kept.
MOST_OVERLAP = 0.45
#: What overlaps the best box at least so much has a say in where the face is.
VOTING_OVERLAP = 0.75
#: How many boxes at most are compared with each other, the best: more than any crowd needs, few
#: enough that an image of noise costs no time.
MOST_CANDIDATES = 2000


def merged(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Return one box ``[K, 4]`` and score ``[K]`` for each face, the best first.

    ``boxes`` are ``[N, 4]`` (x1, y1, x2, y2 in pixels), ``scores`` ``[N]``.  Where a face is say
    all boxes that overlap its best one almost wholly, weighted by their scores (Gidaris and
    Komodakis, "Object detection via a multi-region and semantic segmentation-aware CNN model",
    2015): that lies nearer to the face, and trembles less from image to image.
    """
    finite = np.flatnonzero(np.isfinite(boxes).all(axis=1) & (scores > 0))
    if len(finite) > MOST_CANDIDATES:
        finite = finite[np.argsort(-scores[finite], kind='stable')[:MOST_CANDIDATES]]
    boxes, scores = boxes[finite], scores[finite]
    kept = suppress_overlapping(boxes, scores)
    votes = np.where(overlaps(boxes[kept], boxes) >= VOTING_OVERLAP, scores, 0)
    votes[np.arange(len(kept)), kept] = scores[kept]  # of a box of no area too
    return votes @ boxes / votes.sum(axis=1, keepdims=True), scores[kept]


def suppress_overlapping(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """
    Return the indices of the boxes that no better one overlaps, the best first.

    ``boxes`` are ``[N, 4]`` (x1, y1, x2, y2 in pixels), ``scores`` ``[N]``.  Empty boxes, and
    those that are not numbers, are never kept.
    """
    sizes = boxes[:, 2:] - boxes[:, :2]
    visible = np.flatnonzero((sizes > 0).all(axis=1))
    if not visible.size:
        return visible
    rectangles = np.hstack([boxes[:, :2], sizes])[visible]
    # Lists, because OpenCV's bindings differ in the arrays that they take.
    kept = cv2.dnn.NMSBoxes(
        rectangles.tolist(), scores[visible].tolist(), 0.0, MOST_OVERLAP, 1.0, MOST_CANDIDATES
    )
    return visible[np.asarray(kept, int).reshape(-1)]


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union ``[N, M]`` of boxes ``[N, 4]`` and ``[M, 4]``."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = (high - low).clip(0).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, others)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-9)
