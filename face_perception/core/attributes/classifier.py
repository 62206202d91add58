"""Labels for faces: all faces of an image in one call of the network."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..onnx_models import ClassifierModel
from ..types import Box, Classification
from .crops import crop_face

#: From BGR to the colours that a network may want.
COLOR_CONVERSIONS = {'gray': cv2.COLOR_BGR2GRAY, 'rgb': cv2.COLOR_BGR2RGB}


class Classifier:
    """
    A mini-Xception network (Arriaga et al., "Real-time Convolutional Neural Networks for
    Emotion and Gender Classification", 2017) that answers one question about each face.
    """

    def __init__(self, model: ClassifierModel):
        self.model = model

    def classify(self, image_bgr: np.ndarray, boxes: Sequence[Box]) -> list[Classification]:
        """
        Classify the faces at ``boxes`` of a uint8 ``[H, W, 3]`` BGR image.

        Returns one answer per box, in the order of the boxes; no box costs nothing.
        """
        if not boxes:
            return []
        (probabilities,) = self.model.session.run(
            ['probabilities'], {'image': self.batch(image_bgr, boxes)}
        )
        return [Classification(self.model.labels, row) for row in probabilities]

    def batch(self, image_bgr: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
        """Cut the faces out: uint8 ``[N, S, S, C]`` in the network's colours."""
        size = self.model.input_size
        conversion = COLOR_CONVERSIONS[self.model.color]
        crops = [
            cv2.cvtColor(crop_face(image_bgr, box, self.model.crop_margin, size), conversion)
            for box in boxes
        ]
        return np.stack(crops).reshape(len(boxes), size, size, -1)
