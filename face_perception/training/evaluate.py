"""Measure a classifier or a face detector: ``face_perception_evaluate --help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from ..console.endings import exit_status
from ..core.attributes.classifier import Classifier
from ..core.errors import ModelError
from ..core.onnx_models import DETECTION, load_classifier
from ..core.types import GENDERS
from . import metrics, plots
from .data import RACES, DatasetError, Sample, load_samples
from .data.datasets import single
from .data.entries import SPLITS, VALIDATION
from .data.forms import LABELS
from .detection.commands import detector_report, detector_tables, draw_curve
from .detector_boxes import find_face
from .robustness import DEGRADATIONS, accuracies, jittered, near_face

#: Ages (from, to, years, both included) that accuracy is given for.
AGE_GROUPS = ((10, 19), (20, 39), (40, 59), (60, 120))
#: Faces per call of the network.
BATCH = 64
#: Beginnings of the names of numbers that read best as per cent.
SHARES = ('accuracy', 'recall', 'found', 'gap', 'worst')


def load(path: Path | str) -> Classifier:
    """
    Load a classifier as the node does.

    Raises ``ModelError`` when it cannot be used, or has other labels than the data.
    """
    path = Path(path)
    task = metadata_of(path).get('task', '')
    model = load_classifier(path, task)
    if model.labels != LABELS.get(task):
        raise ModelError(
            f'{path} predicts {", ".join(model.labels)}; what can be measured is '
            f'{" or ".join(", ".join(labels) for labels in LABELS.values())}'
        )
    return Classifier(model)


def metadata_of(path: Path) -> dict[str, str]:
    """Return what an ONNX file says about itself; raises ``ModelError`` when it is none."""
    if not path.is_file():
        raise ModelError(f"model file '{path}' does not exist")
    try:
        properties = onnx.load(str(path)).metadata_props
    except Exception as error:  # whatever the file makes protobuf stumble over
        raise ModelError(f'{path} cannot be read as an ONNX file: {error}') from error
    return {entry.key: entry.value for entry in properties}


def probabilities_of(classifier: Classifier, samples: Iterable[Sample]) -> np.ndarray:
    """Return probabilities, float32 ``[N, K]``, of the faces of ``samples``, cut out as served."""
    crops = np.concatenate([classifier.batch(sample.image, [sample.box]) for sample in samples])
    return np.concatenate(
        [classifier.predict(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    )


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


def tables_of(report: dict) -> list[Table]:
    """Return what ``report_of`` found as tables to read in a terminal."""
    numbers, counts = report['numbers'], report.get('images_of_group')
    model, data = report['model'], report['data']
    overall = Table('number', 'value', caption=escape(f'{model["file"]}, {data["split"]} set'))
    for name, value in numbers.items():
        if not name.startswith(('recall_', 'accuracy_race_', 'accuracy_age_')):
            overall.add_row(name, _readable(name, value))
    classes = Table('label', 'images', 'recall', 'most often taken for', title='Labels')
    for index, (label, row) in enumerate(zip(model['labels'], report['confusion'])):
        others = [
            (count, model['labels'][predicted])
            for predicted, count in enumerate(row)
            if predicted != index and count
        ]
        count, other = max(others, default=(0, ''))
        classes.add_row(
            label,
            str(sum(row)),
            _percent(numbers.get(f'recall_{label}')),
            f'{other} ({_percent(count / sum(row))})' if count else '',
        )
    tables = [overall, classes]
    if counts:
        groups = Table('group', 'images', 'all', *GENDERS, title='Accuracy of groups')
        for name in [name for name in counts if not name.endswith(GENDERS)]:
            groups.add_row(
                name,
                str(counts[name]),
                *(
                    _percent(numbers.get(f'accuracy_{name}{which}'))
                    for which in ('', *(f'_{gender}' for gender in GENDERS))
                ),
            )
        tables.append(groups)
    if 'robustness' in report:
        meanings = {entry.name: entry.meaning for entry in DEGRADATIONS}
        degraded = Table('degradation', 'meaning', 'accuracy', title='Degraded images')
        for name, value in report['robustness'].items():
            degraded.add_row(name, meanings.get(name, 'as it is'), _percent(value))
        tables.append(degraded)
    return tables


def _percent(share: float | None) -> str:
    return '' if share is None else f'{100 * share:.1f} %'


def _readable(name: str, value: float) -> str:
    return _percent(value) if name.startswith(SHARES) else f'{value:g}'


def write_plots(classifier: Classifier, samples: list[Sample], report: dict, folder: Path) -> None:
    """
    Draw what ``report_of`` found, and the worst mistakes, as PNG files in ``folder``.

    ``worst_mistakes.png`` shows images of the data set: a local file, not to be published.
    """
    labels = np.array([sample.label for sample in samples])
    names, probabilities = classifier.model.labels, probabilities_of(classifier, samples)
    subject = f'{report["model"]["file"]}, {report["data"]["split"]} set, {len(samples)} images'
    plots.confusion_matrix(np.array(report['confusion']), names, folder / 'confusion.png', subject)
    plots.reliability(probabilities, labels, folder / 'reliability.png', subject)
    plots.worst_mistakes(
        [near_face(sample) for sample in samples],
        probabilities,
        names,
        folder / 'worst_mistakes.png',
        subject,
    )
    if 'robustness' in report:
        plots.robustness(report['robustness'], DEGRADATIONS, folder / 'robustness.png', subject)


def parse_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog='face_perception_evaluate', description='Measure an ONNX file.'
    )
    parser.add_argument('model', help='ONNX file')
    parser.add_argument(
        '--data', required=True, nargs='+', help='files or folders with the data sets'
    )
    parser.add_argument(
        '--output',
        type=Path,
        metavar='DIR',
        help='write evaluation.json and plots into this folder; '
        'worst_mistakes.png shows images of the data set: do not publish it',
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default=VALIDATION,
        help='part of the data to measure on (default: %(default)s)',
    )
    parser.add_argument(
        '--malformed',
        choices=('stop', 'skip'),
        default='stop',
        help='what to do at a row or image that cannot be read',
    )
    parser.add_argument(
        '--detectors',
        nargs='*',
        choices=('onnx', 'haar'),
        default=[],
        help='measure a classifier also with the boxes that these draw, or a detector beside them',
    )
    parser.add_argument(
        '--robustness',
        action='store_true',
        help='measure also on degraded images (takes a minute or two)',
    )
    return parser.parse_args()


def evaluate_classifier(arguments: argparse.Namespace) -> dict:
    """Measure a classifier, print tables and draw plots; returns what was measured."""
    classifier = load(arguments.model)
    samples = load_samples(
        classifier.model.task,
        arguments.data,
        classifier.model.crop_margin,
        split=arguments.split,
        malformed=arguments.malformed,
    )
    report = report_of(classifier, samples, arguments.detectors, arguments.robustness)
    report['data'] = {'path': ' '.join(arguments.data), 'split': arguments.split}
    for table in tables_of(report):
        Console().print(table)
    if arguments.output:
        write_plots(classifier, samples, report, arguments.output)
    return report


def evaluate_detector(arguments: argparse.Namespace) -> dict:
    """Measure a face detector, print tables and draw its curve; returns what was measured."""
    ignored = [
        option
        for option, given in (
            ('--robustness', arguments.robustness),
            (f'--split {arguments.split}', arguments.split != VALIDATION),
        )
        if given
    ]
    if ignored:
        raise ModelError(
            f'{arguments.model} is a face detector: it is measured on the scenes that its recipe '
            f'held out, and {" and ".join(ignored)} is for classifiers; leave it out'
        )
    report = detector_report(
        arguments.model, single(arguments.data), arguments.malformed, 'haar' in arguments.detectors
    )
    for table in detector_tables(report):
        Console().print(table)
    if arguments.output:
        draw_curve(report, arguments.output / 'precision_recall.png')
    return report


def run(arguments: argparse.Namespace) -> None:
    """Measure a file of either kind, and write the report where that was asked for."""
    if arguments.output:  # found out before the measuring if it cannot be made
        arguments.output.mkdir(parents=True, exist_ok=True)
    detector = metadata_of(Path(arguments.model)).get('task') == DETECTION
    report = (evaluate_detector if detector else evaluate_classifier)(arguments)
    if arguments.output:
        text = json.dumps(report, indent=2) + '\n'
        (arguments.output / 'evaluation.json').write_text(text, encoding='utf-8')
        print(f'written: {arguments.output}')


def main() -> int:
    """Run the command line; returns the exit status."""
    return exit_status(run, parse_arguments())


if __name__ == '__main__':
    sys.exit(main())
