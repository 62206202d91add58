"""What is measured of a classifier, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.progress import track

from ..core.attributes.classifier import Classifier
from ..core.types import GENDERS
from . import metrics
from .data import RACES, DatasetError, Sample
from .detector_boxes import find_face
from .exported import probabilities_of
from .robustness import DEGRADATIONS, accuracies, jittered, near_face

#: Ages (from, to, years, both included) that accuracy is given for.
AGE_GROUPS = ((10, 19), (20, 39), (40, 59), (60, 120))


def measure(
    classifier: Classifier, samples: list[Sample], detectors: Sequence[str] = ()
) -> dict[str, float]:
    """
    Return the measured numbers of ``classifier`` on ``samples``, by name, four decimals.

    Of each of ``detectors`` (``onnx``, ``haar``) also the accuracy with its boxes.  A class or
    a group without images has no number.  Raises ``DatasetError`` when there are no samples.
    """
    if not samples:
        raise DatasetError('there are no images to measure on')
    labels = np.array([sample.label for sample in samples])
    probabilities = probabilities_of(classifier, samples)
    random = np.random.default_rng(0)
    moved = probabilities_of(
        classifier, (replace(sample, box=jittered(sample.box, random)) for sample in samples)
    )
    recall = metrics.recall_per_class(probabilities, labels)
    numbers = {
        'images': len(labels),
        'accuracy': metrics.accuracy(probabilities, labels),
        'accuracy_jittered_boxes': metrics.accuracy(moved, labels),
        'macro_f1': metrics.macro_f1(probabilities, labels),
        'calibration_error': metrics.calibration_error(probabilities, labels),
        'log_loss': metrics.log_loss(np.log(probabilities.clip(1e-12)), labels),
        **{
            f'recall_{name}': float(value)
            for name, value in zip(classifier.model.labels, recall)
            if not np.isnan(value)
        },
    }
    if classifier.model.task == 'gender':
        numbers |= _by_group(probabilities, labels, samples)
        numbers |= _gaps(numbers)
    for kind in detectors:
        numbers |= _with_boxes_of(kind, classifier, samples)
    return {name: round(value, 4) for name, value in numbers.items()}


def group_members(samples: list[Sample]) -> dict[str, np.ndarray]:
    """Return, by group of race, age and gender (the label), bool ``[N]``: who belongs to it."""
    ages, races = (
        np.array([sample.groups.get(name, -1) for sample in samples]) for name in ('age', 'race')
    )
    labels = np.array([sample.label for sample in samples])
    groups = {f'race_{name.lower()}': races == index for index, name in enumerate(RACES)}
    groups |= {f'age_{low}_to_{high}': (ages >= low) & (ages <= high) for low, high in AGE_GROUPS}
    members = {}
    for name, inside in groups.items():
        members[name] = inside
        for index, gender in enumerate(GENDERS):
            members[f'{name}_{gender}'] = inside & (labels == index)
    return {name: inside for name, inside in members.items() if inside.any()}


def _by_group(
    probabilities: np.ndarray, labels: np.ndarray, samples: list[Sample]
) -> dict[str, float]:
    return {
        f'accuracy_{name}': metrics.accuracy(probabilities[inside], labels[inside])
        for name, inside in group_members(samples).items()
    }


def _gaps(numbers: dict[str, float]) -> dict[str, float]:
    """
    Return how unevenly the errors of a gender classifier are spread, as far as is known.

    ``gap_recall``: the difference between the two genders.  ``worst_race_gap``: by how much the
    race with the lowest accuracy lies below all images.
    """
    gaps = {}
    recall = [numbers[f'recall_{gender}'] for gender in GENDERS if f'recall_{gender}' in numbers]
    if len(recall) == len(GENDERS):
        gaps['gap_recall'] = max(recall) - min(recall)
    races = [
        value
        for name, value in numbers.items()
        if name in {f'accuracy_race_{race.lower()}' for race in RACES}
    ]
    if races:
        gaps['worst_race_gap'] = numbers['accuracy'] - min(races)
    return gaps


def _with_boxes_of(kind: str, classifier: Classifier, samples: list[Sample]) -> dict[str, float]:
    found = [
        replace(sample, box=box)
        for sample in map(near_face, samples)
        if (box := find_face(sample.image, kind)) is not None
    ]
    if not found:
        return {f'found_by_{kind}': 0.0}
    labels = np.array([sample.label for sample in found])
    return {
        f'found_by_{kind}': len(found) / len(samples),
        f'accuracy_{kind}_boxes': metrics.accuracy(probabilities_of(classifier, found), labels),
    }


def measure_robustness(classifier: Classifier, samples: list[Sample]) -> dict[str, float]:
    """Return the accuracy under each degradation (see ``robustness``), with four decimals."""
    degradations = track(DEGRADATIONS, 'degrading', console=Console(stderr=True), transient=True)
    table = accuracies(lambda changed: probabilities_of(classifier, changed), samples, degradations)
    return {name: round(value, 4) for name, value in table.items()}


def report_of(
    classifier: Classifier,
    samples: list[Sample],
    detectors: Sequence[str] = (),
    degraded: bool = False,
) -> dict:
    """
    Return all that is measured, as it is written to ``evaluation.json``.

    ``numbers`` as of ``measure``; ``confusion`` counts ``[K][K]`` (row = label, column =
    prediction); of a gender classifier ``images_of_group``; with ``degraded`` also
    ``robustness``, accuracy by name.
    """
    model = classifier.model
    report = {
        'model': {
            'file': model.path.name,
            'sha256': model.sha256,
            'task': model.task,
            'version': model.version,
            'labels': list(model.labels),
        },
        'numbers': measure(classifier, samples, detectors),
        'confusion': metrics.confusion(
            probabilities_of(classifier, samples), np.array([sample.label for sample in samples])
        ).tolist(),
    }
    if model.task == 'gender':
        report['images_of_group'] = {
            name: int(inside.sum()) for name, inside in group_members(samples).items()
        }
    if degraded:
        report['robustness'] = measure_robustness(classifier, samples)
    return report
