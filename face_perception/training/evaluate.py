"""Measure an ONNX classifier: ``python -m face_perception.training.evaluate --help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from ..core.crops import crop_face
from ..core.errors import FacePerceptionError, ModelError
from ..core.types import GENDERS, Box
from . import fer2013, metrics, utkface
from .detector_boxes import find_face

#: The largest change of centre and side of a jittered box, as a share of its side.
JITTER = 0.15
#: Ages (from, to, years, both included) that accuracy is given for.
AGE_GROUPS = ((10, 19), (20, 39), (40, 59), (60, 120))


class ServedModel:
    """An ONNX classifier with what its metadata says about its input."""

    def __init__(self, model: bytes | str) -> None:
        """Load ``model`` (a path, or the content of a file); raises ``ModelError``."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self.session = onnxruntime.InferenceSession(
                model, options, providers=['CPUExecutionProvider'])
            metadata = self.session.get_modelmeta().custom_metadata_map
            self.task = metadata['task']
            self.labels = tuple(json.loads(metadata['labels']))
            self.color = metadata['color']
            self.size = int(metadata['input_size'])
            self.margin = float(metadata['crop_margin'])
        except Exception as error:  # ONNX Runtime's own errors share no public base class
            raise ModelError(f'the model cannot be evaluated: {error}') from error

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return probabilities ``[N, K]`` of ``images`` uint8 ``[N, size, size, C]``."""
        batches = np.array_split(images, max(1, len(images) // 64))
        return np.concatenate([self.session.run(None, {'image': batch})[0] for batch in batches])

    def crop(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Return what the model is shown of ``image`` (gray or RGB) around ``box``."""
        if self.color == 'gray' and image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return crop_face(image, box, self.margin, self.size).reshape(self.size, self.size, -1)


@dataclass(frozen=True)
class Sample:
    """A picture to evaluate on: gray or RGB pixels, the face's box, label and groups."""

    image: np.ndarray
    box: Box
    label: int
    groups: dict[str, int]


def samples_of(task: str, folder: Path | str, margin: float) -> list[Sample]:
    """
    Return the validation pictures of ``task`` from the files in ``folder``.

    Emotion: FER-2013 PublicTest.  Gender: the held-out tenth of UTKFace, ten years and more.
    """
    if task == 'emotion':
        faces = fer2013.load_fer2013(Path(folder) / fer2013.PUBLIC_FILE)
        return [Sample(image[..., 0], fer2013.face_box(margin), int(label), {})
                for image, label in zip(faces.images, faces.labels)]
    return [Sample(chip.image, chip.face_box, chip.gender, {'age': chip.age, 'race': chip.race})
            for chip in utkface.read_chips(Path(folder) / utkface.FILE)
            if chip.held_out and chip.age >= utkface.MINIMUM_AGE]


def jittered(box: Box, random: np.random.Generator) -> Box:
    """Return ``box`` moved and scaled by up to ``JITTER`` of its side."""
    scale, right, down = 1 + random.uniform(-JITTER, JITTER, 3) - (0, 1, 1)
    (x, y), width, height = box.center, box.width * scale, box.height * scale
    x, y = x + right * box.width, y + down * box.height
    return Box(x - width / 2, y - height / 2, width, height)


def probabilities_of(model: ServedModel, samples: Iterable[Sample],
                     place: Callable[[Sample], Box] = lambda sample: sample.box) -> np.ndarray:
    """Return the answers ``[N, K]`` for the crops around the boxes that ``place`` returns."""
    return model(np.stack([model.crop(sample.image, place(sample)) for sample in samples]))


def measure(model: ServedModel, samples: list[Sample], haar: bool = False) -> dict[str, float]:
    """
    Return the measured numbers of ``model`` on ``samples``, by name, four decimals.

    With ``haar`` also the accuracy with the boxes that OpenCV's Haar cascade draws.
    """
    labels = np.array([sample.label for sample in samples])
    answers = probabilities_of(model, samples)
    random = np.random.default_rng(0)
    moved = probabilities_of(model, samples, lambda sample: jittered(sample.box, random))
    numbers = {
        'images': len(labels),
        'accuracy': metrics.accuracy(answers, labels),
        'accuracy_jittered_boxes': metrics.accuracy(moved, labels),
        'macro_f1': metrics.macro_f1(answers, labels),
        'calibration_error': metrics.calibration_error(answers, labels)}
    for name, recall in zip(model.labels, metrics.recall_per_class(answers, labels)):
        numbers[f'recall_{name}'] = float(recall)
    if model.task == 'gender':
        numbers.update(_by_group(answers, labels, samples))
    if haar:
        numbers.update(_with_haar(model, samples))
    return {name: round(value, 4) for name, value in numbers.items()}


def _by_group(answers: np.ndarray, labels: np.ndarray, samples: list[Sample]) -> dict[str, float]:
    ages, races = (np.array([sample.groups[name] for sample in samples])
                   for name in ('age', 'race'))
    groups = {f'race_{name.lower()}': races == index for index, name in enumerate(utkface.RACES)}
    groups |= {f'age_{low}_to_{high}': (ages >= low) & (ages <= high)
               for low, high in AGE_GROUPS}
    numbers = {}
    for name, inside in groups.items():
        for gender, chosen in [('', inside)] + [
                (f'_{word}', inside & (labels == index)) for index, word in enumerate(GENDERS)]:
            if chosen.any():
                numbers[f'accuracy_{name}{gender}'] = metrics.accuracy(
                    answers[chosen], labels[chosen])
    return numbers


def _with_haar(model: ServedModel, samples: list[Sample]) -> dict[str, float]:
    boxes = [find_face(sample.image) for sample in samples]
    found = [(sample, box) for sample, box in zip(samples, boxes) if box is not None]
    crops = np.stack([model.crop(sample.image, box) for sample, box in found])
    labels = np.array([sample.label for sample, _ in found])
    return {'haar_found': len(found) / len(samples),
            'accuracy_haar_boxes': metrics.accuracy(model(crops), labels)}


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description='Measure an ONNX classifier.')
    parser.add_argument('model', help='ONNX file')
    parser.add_argument('--data', required=True, help='folder with the data sets')
    parser.add_argument('--haar', action='store_true', help="also with a Haar cascade's boxes")
    arguments = parser.parse_args()
    try:
        model = ServedModel(arguments.model)
        samples = samples_of(model.task, arguments.data, model.margin)
        for name, value in measure(model, samples, arguments.haar).items():
            print(f'{name:32s} {value}')
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
