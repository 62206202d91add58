"""
Lean a classifier's file towards some labels, or away from them, and write that into it.

``python -m face_perception.training.label_offsets MODEL --data DATA [DATA ...] --offsets fear=0.3``

A network whose predictions are as sure as they are right may still name a rare or unclear label too
seldom: it is seldom the likeliest one.  An offset is added to the label's logit.  Shown are the
accuracy, macro F1 and recall on the training images, where an offset is to be chosen, and on
held-out ones, source by source; ``--write`` changes the file, measures it anew and lists its sum.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, numpy_helper
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..console.endings import exit_status
from ..core.errors import ModelError
from .data import Sample, load_samples
from .data.entries import TRAIN, VALIDATION
from .exported import graph_of, load, probabilities_of, said_by
from .metrics import accuracy, calibration_error, macro_f1, recall_per_class
from .options import add_detectors, add_malformed, print_numbers
from .provenance import training_of
from .served_file import write_measured

#: The largest offset: by it a label becomes 55 times as likely beside another.
LARGEST = 4.0
#: Added before the logarithm of a probability.
EPSILON = 1e-9


def parse_offset(text: str) -> tuple[str, float]:
    """Return label and offset of ``label=number``, for ``argparse``."""
    label, _, number = text.partition('=')
    try:
        offset = float(number)
    except ValueError:
        offset = math.nan
    if not label or not abs(offset) <= LARGEST:
        raise argparse.ArgumentTypeError(
            f'{text} should be a label and a number from -{LARGEST:g} to {LARGEST:g}, as fear=0.3'
        )
    return label, offset


def vector_of(offsets: Sequence[tuple[str, float]], labels: Sequence[str]) -> np.ndarray:
    """
    Return float64 ``[K]`` in the order of ``labels``.

    Raises ``ModelError`` for a label that is unknown or has two offsets.
    """
    vector = np.zeros(len(labels))
    for label, offset in offsets:
        if label not in labels:
            raise ModelError(f'{label} is none of the labels {", ".join(labels)}')
        if [each for each, _ in offsets].count(label) > 1:
            raise ModelError(f'{label} has more than one offset: give one')
        vector[list(labels).index(label)] = offset
    return vector


def shifted(probabilities: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return ``probabilities [N, K]`` as they are when ``vector [K]`` is added to the logits."""
    odds = np.log(probabilities + EPSILON) + vector
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def add_to_logits(model: ModelProto, vector: np.ndarray) -> None:
    """
    Add ``vector [K]`` to the bias of the last convolution of a classifier's ``model``.

    Raises ``ModelError`` where its logits do not come from there, as in files of other programs.
    """
    last = [node.input[2:] for node in model.graph.node if node.op_type == 'Conv'][-1:]
    bias = next((entry for entry in model.graph.initializer if [entry.name] in last), None)
    if bias is None or list(bias.dims) != [len(vector)]:
        raise ModelError(
            'the network does not end in a convolution with a bias per label: only files of '
            'face_perception_export can be leaned'
        )
    changed = numpy_helper.to_array(bias) + vector.astype(np.float32)
    bias.CopyFrom(numpy_helper.from_array(changed, bias.name))


def write_offsets(
    path: Path,
    offsets: Sequence[tuple[str, float]],
    data: Sequence[str],
    detectors: Sequence[str],
    malformed: str,
) -> dict[str, float]:
    """
    Write ``offsets`` into the file, with its accuracy then, and return the numbers.

    The metadata keep, in ``training``, what was added to each label altogether.
    """
    model = graph_of(path)
    metadata = said_by(model)
    add_to_logits(model, vector_of(offsets, json.loads(metadata['labels'])))
    training = training_of(path)
    total = training.get('offsets', {})
    for label, offset in offsets:
        total[label] = round(total.get(label, 0.0) + offset, 6)
    metadata['training'] = json.dumps({**training, 'offsets': total}, sort_keys=True)
    return write_measured(path, model, metadata, data, detectors, malformed)


def report(
    samples: Sequence[Sample], probabilities: np.ndarray, vector: np.ndarray, labels: Sequence[str]
) -> Iterator[tuple[str, str, str, str]]:
    """
    Yield, by source of ``samples``, what each number is as it is and with the offsets ``vector``.

    Source (in its first row alone), name of the number, and both as text.
    """
    truths = np.array([sample.label for sample in samples])
    sources = np.array([sample.source for sample in samples])
    for source in dict.fromkeys(sources.tolist()):
        said, right = probabilities[sources == source], truths[sources == source]
        both = (_numbers(each, right, labels) for each in (said, shifted(said, vector)))
        for number, (before, after) in enumerate(zip(*both, strict=True)):
            yield (source if number == 0 else '', before[0], before[1], after[1])


def _numbers(
    said: np.ndarray, right: np.ndarray, labels: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield names and values; a label without images has no recall."""
    yield 'accuracy %', f'{100 * accuracy(said, right):.1f}'
    yield 'macro F1', f'{macro_f1(said, right):.3f}'
    yield 'ECE %', f'{100 * calibration_error(said.astype(np.float32), right):.1f}'
    for label, recall in zip(labels, recall_per_class(said, right).tolist(), strict=True):
        if not math.isnan(recall):
            yield f'recall of {label} %', f'{100 * recall:.1f}'


def run(arguments: argparse.Namespace) -> None:
    """Print what the offsets change, and write them where that was asked for."""
    if arguments.detectors and not arguments.write:
        raise ModelError('--detectors goes with --write: add that, or leave it out')
    classifier = load(arguments.model)
    model = classifier.model
    vector = vector_of(arguments.offsets, model.labels)
    add_to_logits(graph_of(arguments.model), vector)  # found out before the measuring
    table = Table('images', 'source', 'number', 'as it is', 'with the offsets')
    for split in (TRAIN, VALIDATION):
        samples = load_samples(
            model.task, arguments.data, model.crop_margin, split, arguments.malformed
        )
        said = probabilities_of(classifier, samples)
        for source, *cells in report(samples, said, vector, model.labels):
            table.add_row(split if source else '', Text(source), *cells)
    Console().print(table)
    if arguments.write:
        numbers = write_offsets(
            arguments.model,
            arguments.offsets,
            arguments.data,
            arguments.detectors,
            arguments.malformed,
        )
        print_numbers(numbers)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.label_offsets',
        description="Lean a classifier's file towards some labels.",
    )
    parser.add_argument('model', type=Path, help='ONNX file of a classifier')
    parser.add_argument('--data', required=True, nargs='+', help='files or folders with data sets')
    parser.add_argument(
        '--offsets', required=True, nargs='+', type=parse_offset, metavar='LABEL=NUMBER'
    )
    parser.add_argument('--write', action='store_true', help='change the file')
    add_detectors(parser, 'with --write: measure it also with the boxes that these draw')
    add_malformed(parser)
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
