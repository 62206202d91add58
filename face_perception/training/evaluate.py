"""Measure an ONNX classifier: ``python -m face_perception.training.evaluate --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnx

from ..core.classifier import Classifier
from ..core.errors import FacePerceptionError, ModelError
from ..core.models import load_classifier
from ..core.types import GENDERS, Box
from . import fer2013, metrics, utkface
from .detector_boxes import find_face

#: The largest change of centre and side of a jittered box, as a share of its side.
JITTER = 0.15
#: Ages (from, to, years, both included) that accuracy is given for.
AGE_GROUPS = ((10, 19), (20, 39), (40, 59), (60, 120))
#: Faces per call of the network.
BATCH = 64


@dataclass(frozen=True)
class Sample:
    """A picture to evaluate on: uint8 BGR pixels, the face's box in it, label, groups."""

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
        box = fer2013.face_box(margin)
        return [Sample(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), box, int(label), {})
                for image, label in zip(faces.images, faces.labels, strict=True)]
    return [Sample(chip.image, chip.face_box, chip.gender, {'age': chip.age, 'race': chip.race})
            for chip in utkface.read_chips(Path(folder) / utkface.FILE)
            if chip.held_out and chip.age >= utkface.MINIMUM_AGE]


def jittered(box: Box, random: np.random.Generator) -> Box:
    """Return ``box`` moved and scaled by up to ``JITTER`` of its side."""
    scale, right, down = 1 + random.uniform(-JITTER, JITTER, 3) - (0, 1, 1)
    (x, y), width, height = box.center, box.width * scale, box.height * scale
    x, y = x + right * box.width, y + down * box.height
    return Box(x - width / 2, y - height / 2, width, height)


def load(path: Path | str) -> Classifier:
    """Load a classifier as the node does; raises ``ModelError`` when it cannot be used."""
    try:
        properties = onnx.load(str(path)).metadata_props
    except Exception as error:  # whatever the file makes protobuf stumble over
        raise ModelError(f'{path} cannot be read as an ONNX file: {error}') from error
    task = {entry.key: entry.value for entry in properties}.get('task', '')
    return Classifier(load_classifier(Path(path), task))


def probabilities_of(classifier: Classifier, samples: list[Sample],
                     place: Callable[[Sample], Box] = lambda sample: sample.box) -> np.ndarray:
    """Return the answers ``[N, K]`` for the crops around the boxes that ``place`` returns."""
    crops = np.concatenate([classifier.batch(sample.image, [place(sample)])
                            for sample in samples])
    session = classifier.model.session
    return np.concatenate([session.run(['probabilities'], {'image': crops[start:start + BATCH]})[0]
                           for start in range(0, len(crops), BATCH)])


def measure(classifier: Classifier, samples: list[Sample], haar: bool = False) -> dict[str, float]:
    """
    Return the measured numbers of ``classifier`` on ``samples``, by name, four decimals.

    With ``haar`` also the accuracy with the boxes that OpenCV's Haar cascade draws.
    """
    labels = np.array([sample.label for sample in samples])
    answers = probabilities_of(classifier, samples)
    random = np.random.default_rng(0)
    moved = probabilities_of(classifier, samples, lambda sample: jittered(sample.box, random))
    numbers = {
        'images': len(labels),
        'accuracy': metrics.accuracy(answers, labels),
        'accuracy_jittered_boxes': metrics.accuracy(moved, labels),
        'macro_f1': metrics.macro_f1(answers, labels),
        'calibration_error': metrics.calibration_error(answers, labels)}
    for name, recall in zip(classifier.model.labels,
                            metrics.recall_per_class(answers, labels), strict=True):
        numbers[f'recall_{name}'] = float(recall)
    if classifier.model.task == 'gender':
        numbers.update(_by_group(answers, labels, samples))
    if haar:
        numbers.update(_with_haar(classifier, samples))
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


def _with_haar(classifier: Classifier, samples: list[Sample]) -> dict[str, float]:
    boxes = [find_face(sample.image) for sample in samples]
    found = [replace(sample, box=box) for sample, box in zip(samples, boxes, strict=True)
             if box is not None]
    if not found:
        return {'haar_found': 0.0}
    labels = np.array([sample.label for sample in found])
    return {'haar_found': len(found) / len(samples),
            'accuracy_haar_boxes': metrics.accuracy(probabilities_of(classifier, found), labels)}


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description='Measure an ONNX classifier.')
    parser.add_argument('model', help='ONNX file')
    parser.add_argument('--data', required=True, help='folder with the data sets')
    parser.add_argument('--haar', action='store_true', help="also with a Haar cascade's boxes")
    arguments = parser.parse_args()
    try:
        classifier = load(arguments.model)
        model = classifier.model
        samples = samples_of(model.task, arguments.data, model.crop_margin)
        for name, value in measure(classifier, samples, arguments.haar).items():
            print(f'{name:32s} {value}')
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
