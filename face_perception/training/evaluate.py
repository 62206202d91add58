"""Measure a classifier or a face detector: ``face_perception_evaluate --help``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from ..console.endings import exit_status
from ..core.errors import ModelError
from ..core.onnx_models import DETECTION
from .checkpoints import writable_folder
from .classifier_report import report_of
from .classifier_tables import tables_of, write_plots
from .data import load_samples
from .data.datasets import single
from .data.entries import SPLITS, VALIDATION
from .detection.commands import detector_report, detector_tables, draw_curve
from .exported import load, metadata_of
from .options import add_detectors, add_malformed
from .provenance import warn_of_other_copies


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
    add_malformed(parser)
    add_detectors(
        parser,
        'measure a classifier also with the boxes that these draw, or a detector beside haar',
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
    if arguments.split == VALIDATION:
        warn_of_other_copies(Path(arguments.model), (sample.source for sample in samples))
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
            ('--detectors onnx', 'onnx' in arguments.detectors),  # it may have learned from these
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
    if arguments.output:  # found out before the measuring if it cannot be used
        writable_folder(arguments.output)
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
