"""
Measure which crop margin suits a classifier and a detector, and write it into the file.

``python -m face_perception.training.margin_accuracy MODEL --data DATA [DATA ...]`` asks the
network about the same faces with several margins around the boxes of the data and of the
detector, on images that it has not learned from; to be repeated when the detector changes.
``--write MARGIN`` changes the file's margin, measures it anew and lists its sum.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..console.arguments import number
from ..console.endings import exit_status
from ..core.attributes.classifier import Classifier
from ..core.onnx_models import CROP_MARGINS
from .across_sources import found_boxes, images_of
from .data import DatasetError, Sample
from .exported import graph_of, load, probabilities_of, said_by
from .metrics import accuracy
from .options import add_malformed, print_numbers
from .robustness import near_face
from .served_file import write_measured

MARGINS = (-0.06, -0.03, 0.0, 0.03, 0.06, 0.1)


def accuracies(
    classifier: Classifier, samples: list[Sample], margins: Sequence[float], detector: str
) -> dict[float, dict[str, tuple[float, float]]]:
    """
    Return, by margin and source, the accuracy with the given boxes and the detector's.

    Only faces that ``detector`` finds are counted.
    """
    boxes = found_boxes(samples, detector)
    kept = [(sample, box) for sample, box in zip(samples, boxes) if box is not None]
    if not kept:
        raise DatasetError(f'the detector {detector} finds no face in these images: give others')
    given = [sample for sample, _ in kept]
    own = [replace(near_face(sample), box=box) for sample, box in kept]
    labels = np.array([sample.label for sample in given])
    sources = np.array([sample.source for sample in given])
    table = {}
    for margin in margins:
        served = Classifier(replace(classifier.model, crop_margin=margin))
        as_given, as_found = (probabilities_of(served, asked) for asked in (given, own))
        table[margin] = {
            source: (
                accuracy(as_given[sources == source], labels[sources == source]),
                accuracy(as_found[sources == source], labels[sources == source]),
            )
            for source in dict.fromkeys(sources.tolist())
        }
    return table


def best_margin(table: dict[float, dict[str, tuple[float, float]]]) -> float:
    """Return the margin with the highest accuracy over sources, each counted the same."""
    return max(table, key=lambda margin: np.mean(list(table[margin].values())))


def write_margin(
    path: Path, margin: float, data: Sequence[str], detectors: Sequence[str], malformed: str
) -> dict[str, float]:
    """Write ``margin`` into the file, with its accuracy there, and return the numbers."""
    model = graph_of(path)
    metadata = {**said_by(model), 'crop_margin': str(margin)}
    return write_measured(path, model, metadata, data, detectors, malformed)


def _table_of(table: dict[float, dict[str, tuple[float, float]]], path: Path) -> Table:
    sources = list(next(iter(table.values())))
    caption = escape(f'{path.name}: boxes of the data / of the detector')
    shown = Table('margin', *map(escape, sources), caption=caption)
    for margin, by_source in table.items():
        cells = [f'{100 * given:.1f} / {100 * own:.1f} %' for given, own in by_source.values()]
        shown.add_row(f'{margin:g}', *cells)
    return shown


def run(arguments: argparse.Namespace) -> None:
    """Print a table of margins, or write the one that was asked for."""
    classifier = load(arguments.model)
    if arguments.write is not None:
        numbers = write_margin(
            arguments.model,
            arguments.write,
            arguments.data,
            [arguments.detector],
            arguments.malformed,
        )
        print_numbers(numbers)
        return
    samples = images_of(
        arguments.model,
        classifier.model.task,
        arguments.data,
        classifier.model.crop_margin,
        arguments.malformed,
    )
    table = accuracies(classifier, samples, arguments.margins, arguments.detector)
    Console().print(_table_of(table, arguments.model))
    print(f'best on average: {best_margin(table):g}')


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.margin_accuracy',
        description='Measure which crop margin suits a classifier and a detector.',
    )
    parser.add_argument('model', type=Path, help='ONNX file of a classifier')
    parser.add_argument('--data', required=True, nargs='+', help='files or folders with data sets')
    parser.add_argument('--detector', choices=('onnx', 'haar'), default='onnx')
    margin = number(float, *CROP_MARGINS, 'a margin')
    parser.add_argument(
        '--margins', type=margin, nargs='+', default=MARGINS, help='to compare; not with --write'
    )
    parser.add_argument(
        '--write', type=margin, metavar='MARGIN', help="make this the file's margin instead"
    )
    add_malformed(parser)
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
