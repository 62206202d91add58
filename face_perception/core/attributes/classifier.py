"""Labels for faces: the faces of an image together, in one call of the network or few."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..bounded_run import bounded_run
from ..onnx_files import last_line
from ..onnx_models import ClassifierModel, are_probabilities
from ..text import value
from ..types import Box, Classification
from .crops import crop_face
from .mirror import Shown, one_per_face, with_mirrors

#: From BGR to the colours that a network may want.
COLOR_CONVERSIONS = {'gray': cv2.COLOR_BGR2GRAY, 'rgb': cv2.COLOR_BGR2RGB}


#: Faces that go through a network at once: more cost memory, by up to a gigabyte for hundreds,
#: and no time less.
MOST_AT_ONCE = 32


class Classifier:
    """
    A mini-Xception network that tells one attribute of each face.

    Arriaga et al., "Real-time Convolutional Neural Networks for Emotion and Gender
    Classification", 2017.
    """

    def __init__(self, model: ClassifierModel):
        self.model = model
        self._fault = ''

    @property
    def mirror(self) -> bool:
        """Return whether the network wants to be shown the mirror image too."""
        return self.model.mirror

    def classify(
        self,
        image_bgr: np.ndarray,
        boxes: Sequence[Box],
        shown: Sequence[Shown] | None = None,
    ) -> list[Classification | None]:
        """
        Classify the faces at ``boxes`` of a uint8 ``[H, W, 3]`` BGR image.

        ``shown`` says for each how it is shown to a network that wants its mirror image too
        (default: with it).  Returns one prediction per box, in their order; no box costs
        nothing.  A face about which the network fails, or says what are no probabilities, has
        ``None``: the others and what else is known of it do not suffer; ``take_fault`` says why.
        """
        predictions = []
        for start in range(0, len(boxes), MOST_AT_ONCE):
            chunk = slice(start, start + MOST_AT_ONCE)
            predictions += self._classify_chunk(image_bgr, boxes[chunk], shown and shown[chunk])
        return predictions

    def take_fault(self) -> str:
        """Return what was wrong with a prediction since this was last called, or ``''``."""
        fault, self._fault = self._fault, ''
        return fault

    def predict(self, crops: np.ndarray, shown: Sequence[Shown] | None = None) -> np.ndarray:
        """
        Return the probabilities, float32 ``[N, K]``, of faces that are cut out as by ``batch``.

        ``shown`` is as of ``classify``.  Raises what ONNX Runtime raises.
        """
        images = self.images(crops, shown)
        (said,) = bounded_run(self.model.session, ['probabilities'], {'image': images})
        if said.shape != (len(images), len(self.model.labels)):
            raise ValueError(f'an output of the shape {list(said.shape)}')
        return one_per_face(said, shown or [Shown.BOTH] * len(crops)) if self.mirror else said

    def images(self, crops: np.ndarray, shown: Sequence[Shown] | None = None) -> np.ndarray:
        """Return what the network is given about ``crops``: with mirror images if it wants them."""
        if not self.mirror:
            return crops
        return np.stack(with_mirrors(crops, shown or [Shown.BOTH] * len(crops)))

    def _classify_chunk(
        self, image_bgr: np.ndarray, boxes: Sequence[Box], shown: Sequence[Shown] | None
    ) -> list[Classification | None]:
        try:
            said = self.predict(self.batch(image_bgr, boxes), shown)
            good = are_probabilities(said)
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
