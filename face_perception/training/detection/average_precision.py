"""How well faces were found: average precision, precision-recall curve, false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.detectors.suppression import overlaps
from .scenes import Scene

#: The protocol: images scaled to this long side, faces at least so high there, this overlap.
LONG_SIDE, SMALLEST, OVERLAP = 640, 24.0, 0.5
#: Bins of the height of faces, in pixels at ``LONG_SIDE``.
BINS = ((24.0, 48.0), (48.0, 96.0), (96.0, np.inf))


@dataclass(frozen=True)
class Found:
    """Boxes ``[N, 4]`` (x1, y1, x2, y2 in pixels of the scene) and their scores ``[N]``."""

    boxes: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Curve:
    """Precision at each recall as the threshold falls, float ``[N]`` each, and the scores."""

    recall: np.ndarray
    precision: np.ndarray
    scores: np.ndarray

    @property
    def average(self) -> float:
        """Return the area under the curve made monotonous, as PASCAL VOC 2010 computes it."""
        precision = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.diff(self.recall, prepend=0.0) @ precision) if len(precision) else 0.0


def curve(
    scenes: Sequence[Scene],
    found: Sequence[Found],
    heights: tuple[float, float] = (SMALLEST, np.inf),
) -> Curve:
    """
    Return the precision-recall curve for faces whose height is in ``heights``.

    Heights are in pixels after scaling the image's long side to ``LONG_SIDE``.  Other faces
    and ignored ones count neither as found nor as missed, nor do boxes on them or boxes of
    another height that lie on no face.
    """
    hits, scores, total = [], [], 0
    for scene, predicted in zip(scenes, found, strict=True):
        scale = LONG_SIDE / max(scene.image.shape[:2])
        tall = (scene.boxes[:, 3] - scene.boxes[:, 1]) * scale
        counted = ~scene.ignored & (tall >= heights[0]) & (tall < heights[1])
        total += int(counted.sum())
        verdicts = _verdicts(scene.boxes, counted, predicted)
        sizes = (predicted.boxes[:, 3] - predicted.boxes[:, 1]) * scale
        stray = (verdicts == 0) & ((sizes < heights[0]) | (sizes >= heights[1]))
        kept = (verdicts >= 0) & ~stray
        hits.append(verdicts[kept])
        scores.append(predicted.scores[kept])
    of_all = np.concatenate(scores)
    order = np.argsort(-of_all, kind='stable')
    true = np.concatenate(hits)[order].cumsum()
    return Curve(true / max(total, 1), true / np.arange(1, len(true) + 1), of_all[order])


def _verdicts(faces: np.ndarray, counted: np.ndarray, predicted: Found) -> np.ndarray:
    """Return for each box, best first taken: 1 found, 0 false, -1 on a face that is ignored."""
    verdicts = np.zeros(len(predicted.boxes), dtype=int)
    if len(faces) == 0:
        return verdicts
    shares = overlaps(predicted.boxes, faces)
    free = counted.copy()
    for index in np.argsort(-predicted.scores, kind='stable'):
        open_faces = np.where(free, shares[index], 0)
        if open_faces.max() >= OVERLAP:
            verdicts[index] = 1
            free[open_faces.argmax()] = False
        elif np.where(counted, 0, shares[index]).max() >= OVERLAP:
            verdicts[index] = -1
    return verdicts
