"""The package's own detector: a network through ONNX Runtime, on any OpenCV."""

from __future__ import annotations

from pathlib import Path
from threading import local

import numpy as np

from ..bounded_run import bounded_run
from ..errors import DetectorError
from ..onnx_files import last_line
from ..onnx_models import load_detector
from ..resources import model_path
from ..text import value
from ..types import Detection
from .detector import INPUT_SIZE, largest_first
from .letterbox import Letterbox
from .suppression import merged, suppress_overlapping

#: The network that the package ships.
MODEL = 'face_detector.onnx'
#: Boxes that are larger than this share of the input are found better where the input is half as
#: large: a network has seen few faces of that many pixels.
LARGE_SHARE = 0.5
#: A box of that size is a reason for a second look down to this share of the file's threshold.
HINT_SHARE = 0.5
#: A box that lies to this share within a large face is a part of it.
PART_SHARE = 0.7


class _Letterboxes(local):
    """Each thread's canvases, which hold its image while the network runs."""

    def __init__(self, multiple: int):
        self.whole, self.half = Letterbox(multiple), Letterbox(multiple)


class OnnxDetector:
    """
    A single-stage detector: one box and one score per cell of a few grids.

    ``model`` says what was loaded.  Several threads may share a detector.
    """

    def __init__(
        self,
        model: Path | None = None,
        input_size: int = INPUT_SIZE,
        score_threshold: float | None = None,
        num_threads: int = 1,
    ):
        """
        Load the network of a file (``None``: the package's own).

        ``input_size`` is the long side in pixels to which larger images are shrunk first; with
        a multiple of ``model.input_multiple`` (32) no work goes into padding.  ``None`` as
        ``score_threshold`` is what the file recommends.  Raises ``ModelError`` for a file that
        is missing, damaged or no face detector.
        """
        self.model = load_detector(model or model_path(MODEL), num_threads)
        self.input_size = input_size
        self._score_threshold = (
            self.model.score_threshold if score_threshold is None else score_threshold
        )
        self._letterboxes = _Letterboxes(self.model.input_multiple)
        # At the size that images will have: a network may fail at that one alone.
        gray = np.full((3 * input_size // 4, input_size, 3), 128, np.uint8)
        self._look(Letterbox(self.model.input_multiple), gray, input_size, 0.0)

    def __reduce__(self):
        """Return what makes the same detector in another process."""
        asked = self.model.path, self.input_size, self._score_threshold, self.model.num_threads
        return type(self), asked

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """
        Return the faces in a uint8 ``[H, W, 3]`` BGR image, in pixels of that image.

        Boxes are clipped to the image, the largest comes first; those below the threshold, down
        to ``faint_share`` of it, are faint.  Raises ``ImageError`` for an array of another kind.
        """
        lowest, hint = self._score_threshold * faint_share, HINT_SHARE * self.model.score_threshold
        whole = self._letterboxes.whole
        boxes, scores = self._look(whole, image_bgr, self.input_size, min(lowest, hint))
        large = self._is_large(boxes, image_bgr)
        if (scores[large] >= hint).any():
            boxes, scores = self._looked_again(image_bgr, boxes[~large], scores[~large], lowest)
        enough = scores >= lowest
        boxes, scores = boxes[enough], scores[enough]
        return largest_first(*merged(boxes, scores), self._score_threshold)

    def _is_large(self, boxes: np.ndarray, image_bgr: np.ndarray) -> np.ndarray:
        """Return which boxes ``[A, 4]`` have many pixels of the input, bool ``[A]``."""
        shrunk = min(self.input_size / max(image_bgr.shape[:2]), 1.0)
        return (boxes[:, 2:] - boxes[:, :2]).max(axis=1) * shrunk > LARGE_SHARE * self.input_size

    def _looked_again(
        self, image_bgr: np.ndarray, boxes: np.ndarray, scores: np.ndarray, lowest: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Return ``boxes`` and the large ones that are found in half the size, and the scores.

        Without those that are a part of a face that is surely there, as an eye or a mouth may be.
        """
        lowest = min(lowest, self.model.score_threshold)
        again, sure = self._look(self._letterboxes.half, image_bgr, self.input_size // 2, lowest)
        chosen = self._is_large(again, image_bgr)
        again, sure = again[chosen], sure[chosen]
        whole = np.ones(len(boxes), bool)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        certain = sure >= self.model.score_threshold
        faces = again[certain]
        for face in faces[suppress_overlapping(faces, sure[certain])]:
            common = np.minimum(boxes[:, 2:], face[2:]) - np.maximum(boxes[:, :2], face[:2])
            whole &= common.clip(min=0).prod(axis=1) <= PART_SHARE * area
        return np.concatenate([boxes[whole], again]), np.concatenate([scores[whole], sure])

    def _look(
        self, letterbox: Letterbox, image_bgr: np.ndarray, input_size: int, lowest: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Return boxes ``[A, 4]`` in pixels of the image, and their scores ``[A]``.

        Those that score below ``lowest``, nearly all, would only cost time.
        """
        image = letterbox.put(image_bgr, input_size)
        boxes, scores = self._run(image)
        enough = scores >= lowest
        return letterbox.to_image(boxes[enough]), scores[enough]

    def _run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            boxes, scores = bounded_run(self.model.session, ['boxes', 'scores'], {'image': image})
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise DetectorError(
                f"the face detector '{value(self.model.path.name)}' fails on an image of "
                f'{image.shape[2]}x{image.shape[1]} pixels ({last_line(error)}): use another '
                'detector.model or detector.input_size'
            ) from None
        return boxes, scores
