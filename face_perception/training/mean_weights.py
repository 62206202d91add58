"""
Write one file with the mean of the weights of several ("model soup", Wortsman et al. 2022).

``python -m face_perception.training.mean_weights FILE FILE [FILE ...] --data DATA --output OUTPUT``

Networks that were trained on from the same weights often lie around a better one: it costs nothing
at run time.  Networks from different random weights have nothing to do with each other, and their
mean predicts nonsense.  The file that is written is measured anew and says what it is the mean of;
everything else in its metadata is that of the first file, the recommended threshold and calibration
of a detector are its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, numpy_helper

from ..console.endings import exit_status
from ..core.errors import ModelError
from ..core.onnx_models import load_detector
from .checkpoints import check_output
from .data.datasets import single
from .exported import graph_of, load, metadata_of, said_by
from .options import add_detectors, add_malformed, print_numbers
from .provenance import origin, training_of
from .recipe import DetectorRecipe
from .served_file import write_measured

#: Layers with weights that this package exports none of: they would stay those of the first file.
OTHER_LAYERS = {'BatchNormalization', 'ConvTranspose', 'Gemm', 'InstanceNormalization'}
OTHER_LAYERS |= {'LayerNormalization', 'MatMul', 'PRelu'}
#: The largest share: above, others count for nothing.
LARGEST = 1000


def mean_of(paths: Sequence[Path], shares: Sequence[float]) -> ModelProto:
    """
    Return the first file's graph with the mean of all files' weights.

    ``shares`` say how much each counts.  Raises ``ModelError`` where a file cannot be read, is
    of another architecture than the first, or has learned more than convolutions.
    """
    models = [graph_of(path) for path in paths]
    weights = [_weights_of(model) for model in models]
    for path, model, each in zip(paths, models, weights, strict=True):
        if kinds := sorted({node.op_type for node in model.graph.node} & OTHER_LAYERS):
            raise ModelError(
                f'{path} has layers of which no mean is made ({", ".join(kinds)}): only files of '
                'face_perception_export have one'
            )
        if [one.shape for one in each] != [one.shape for one in weights[0]]:
            raise ModelError(f'{path} is of another architecture than {paths[0]}')
    parts = np.array(shares, float) / sum(shares)
    for tensor, values in zip(_tensors_of(models[0]), zip(*weights, strict=True), strict=True):
        mean = sum(part * value.astype(float) for part, value in zip(parts, values, strict=True))
        tensor.CopyFrom(numpy_helper.from_array(np.asarray(mean, np.float32), tensor.name))
    return models[0]


def _check(path: Path) -> None:
    """Raise ``ModelError`` for what is no file of this package's."""
    is_detector = metadata_of(path).get('task') == DetectorRecipe.task
    load_detector(path) if is_detector else load(path)


def _tensors_of(model: ModelProto) -> list:
    """Return the weights that are learned: those of convolutions, in the order of the graph."""
    stored = {entry.name: entry for entry in model.graph.initializer}
    return [
        stored[name]
        for node in model.graph.node
        if node.op_type == 'Conv'
        for name in node.input[1:]
        if name in stored
    ]


def _weights_of(model: ModelProto) -> list[np.ndarray]:
    return [numpy_helper.to_array(tensor) for tensor in _tensors_of(model)]


def run(arguments: argparse.Namespace) -> None:
    """Write the mean and print what was measured of it."""
    shares = arguments.shares or [1.0] * len(arguments.files)
    if len(shares) != len(arguments.files) or not all(0 < share <= LARGEST for share in shares):
        raise ModelError(
            f'--shares must be {len(arguments.files)} numbers above 0 and up to {LARGEST}, one per '
            'file'
        )
    check_output(arguments.output)
    for path in arguments.files:
        _check(path)
    model = mean_of(arguments.files, shares)
    metadata = said_by(model)
    training = {
        **training_of(arguments.files[0]),
        'mean_of': [
            {'share': round(share / sum(shares), 4), **origin(path)}
            for share, path in zip(shares, arguments.files, strict=True)
        ],
    }
    metadata['training'] = json.dumps(training, sort_keys=True)
    if metadata.get('task') == DetectorRecipe.task:
        from .detection.commands import finish_detector, recipe_of

        if arguments.detectors:
            raise ModelError('these are face detectors, and --detectors is for classifiers')
        recipe = recipe_of(load_detector(arguments.files[0]))
        numbers = finish_detector(
            model, metadata, recipe, single(arguments.data), arguments.output, arguments.malformed
        )
    else:
        numbers = write_measured(
            arguments.output,
            model,
            metadata,
            arguments.data,
            arguments.detectors,
            arguments.malformed,
        )
    print_numbers(numbers)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.mean_weights',
        description='Write a file with the mean of the weights of several.',
    )
    parser.add_argument('files', nargs='+', type=Path, metavar='FILE', help='exported ONNX files')
    parser.add_argument('--shares', nargs='+', type=float, help='how much each counts (None: same)')
    parser.add_argument('--data', required=True, nargs='+', help='files or folders with data sets')
    parser.add_argument('--output', required=True, type=Path, help='the file to write')
    add_detectors(parser, 'measure a classifier also with the boxes that these draw')
    add_malformed(parser)
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
