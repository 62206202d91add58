"""YuNet through ONNX Runtime, so that two networks are compared and not two runtimes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from timing import session

from face_perception.core.detectors.detector import largest_first
from face_perception.core.detectors.letterbox import Letterbox
from face_perception.core.detectors.suppression import suppress_overlapping
from face_perception.core.types import Detection

#: Pixels between the cells of its three grids.
STRIDES = (8, 16, 32)


class YuNetInRuntime:
    """
    A YuNet file whose input may have any size (Wu et al. 2023), such as ``yunet_s_dynamic.onnx``.

    The authors' repository has such files; what is before and behind the network is as for the
    package's own detector.  Files whose input has one size run at that size alone.
    """

    def __init__(self, model: Path, input_size: int, score_threshold: float) -> None:
        """Load ``model``; ``input_size`` is the long side in pixels, a multiple of 32."""
        self.input_size, self._threshold = input_size, score_threshold
        self._session = session(str(model))
        self._input = self._session.get_inputs()[0].name
        self._outputs = [
            f'{kind}_{stride}' for kind in ('cls', 'obj', 'bbox') for stride in STRIDES
        ]
        self._letterbox = Letterbox(STRIDES[-1])

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """Return the faces in a uint8 ``[H, W, 3]`` BGR image, the largest first."""
        canvas = self._letterbox.put(image_bgr, self.input_size)
        pixels = canvas.transpose(0, 3, 1, 2).astype(np.float32)
        found = self._session.run(self._outputs, {self._input: pixels})
        faces, objects, places = (
            np.concatenate([each[0] for each in found[start : start + 3]]) for start in (0, 3, 6)
        )
        scores = (faces * objects)[:, 0]
        enough = scores >= self._threshold * faint_share
        corners, strides = _cells(*canvas.shape[1:3])
        centers = (places[:, :2] * strides + corners)[enough]
        halves = (np.exp(places[:, 2:]) * strides / 2)[enough]
        boxes = self._letterbox.to_image(np.hstack([centers - halves, centers + halves]))
        kept = suppress_overlapping(boxes, scores[enough])
        return largest_first(boxes[kept], scores[enough][kept], self._threshold)


def _cells(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper left corners ``[A, 2]`` and strides ``[A, 1]`` of all cells, in pixels."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride] * stride
        corners.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        strides.append(np.full((len(corners[-1]), 1), stride))
    return np.concatenate(corners), np.concatenate(strides)
