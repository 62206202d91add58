"""Labels for faces: the faces of an image together, in one call of the network or few."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..onnx_files import last_line
from ..onnx_models import ClassifierModel, are_probabilities
from ..text import value
from ..types import Box, Classification
from .crops import crop_face

#: From BGR to the colours that a network may want.
COLOR_CONVERSIONS = {'gray': cv2.COLOR_BGR2GRAY, 'rgb': cv2.COLOR_BGR2RGB}


#: Faces that go through a network at once: more cost memory, by up to a gigabyte for hundreds,
#: and no time less.
MOST_AT_ONCE = 32


class Classifier:
    """
    A mini-Xception network (Arriaga et al., "Real-time Convolutional Neural Networks for
    Emotion and Gender Classification", 2017) that answers one question about each face.
    """

    def __init__(self, model: ClassifierModel):
        self.model = model
        self._fault = ''

    def classify(self, image_bgr: np.ndarray, boxes: Sequence[Box]) -> list[Classification | None]:
        """
        Classify the faces at ``boxes`` of a uint8 ``[H, W, 3]`` BGR image.

        Returns one answer per box, in the order of the boxes; no box costs nothing.  A face about
        which the network fails, or says what are no probabilities, has ``None``: the others and
        what else is known of it do not suffer; ``take_fault`` says why.
        """
        answers = []
        for start in range(0, len(boxes), MOST_AT_ONCE):
            answers += self._ask(image_bgr, boxes[start : start + MOST_AT_ONCE])
        return answers

    def take_fault(self) -> str:
        """Return what was wrong with an answer since this was last asked, or ``''``."""
        fault, self._fault = self._fault, ''
        return fault

    def _ask(self, image_bgr: np.ndarray, boxes: Sequence[Box]) -> list[Classification | None]:
        try:
            (said,) = self.model.session.run(
                ['probabilities'], {'image': self.batch(image_bgr, boxes)}
            )
            good = are_probabilities(said)
            if said.shape != (len(boxes), len(self.model.labels)):
                raise ValueError(f'an answer of the shape {list(said.shape)}')
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            self._fault = self._sentence(f'fails ({last_line(error)})')
            return [None] * len(boxes)
        if not good.all():
            self._fault = self._sentence('says of a face what are no probabilities')
        return [
            Classification(self.model.labels, row) if well else None
            for row, well in zip(said, good)
        ]

    def _sentence(self, what: str) -> str:
        return (
            f"the network '{value(self.model.path.name)}' {what}: its faces stay without "
            f'{self.model.task}; export it again, or use another file'
        )

    def batch(self, image_bgr: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
        """Cut the faces out: uint8 ``[N, S, S, C]`` in the network's colours."""
        size = self.model.input_size
        conversion = COLOR_CONVERSIONS[self.model.color]
        crops = [
            cv2.cvtColor(crop_face(image_bgr, box, self.model.crop_margin, size), conversion)
            for box in boxes
        ]
        return np.stack(crops).reshape(len(boxes), size, size, -1)
