"""Compare exported classifiers: size, work, time and accuracy.  See README.md beside."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference
from timing import milliseconds, session, show

from face_perception.console.endings import ended
from face_perception.core.types import EMOTIONS
from face_perception.training.architectures import ARCHITECTURES
from face_perception.training.classifier_report import measure
from face_perception.training.data import load_samples
from face_perception.training.exported import load
from face_perception.training.onnx_graph import build_model

#: Side in pixels of the images that an untrained network gets.
SIZE = 48


def multiply_adds(path: Path) -> int:
    """Return the multiply-adds of the convolutions of an ONNX file for one face."""
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [entry.dim_value for entry in value.type.tensor_type.shape.dim]
        for value in graph.value_info
    }
    weights = {entry.name: entry.dims for entry in graph.initializer}
    # A kernel [out, in / groups, h, w] is applied once per pixel (and mirror image) of its output.
    return sum(
        int(np.prod(weights[node.input[1]]))
        * int(np.prod(shapes[node.output[0]]) // shapes[node.output[0]][1])
        for node in graph.node
        if node.op_type == 'Conv'
    )


def parameters(path: Path) -> int:
    """Return how many floating-point numbers the file holds, normalisations folded."""
    return sum(
        numpy_helper.to_array(entry).size
        for entry in onnx.load(str(path)).graph.initializer
        if entry.data_type == onnx.TensorProto.FLOAT
    )


def write_untrained(architecture: str, folder: Path) -> Path:
    """Write an emotion network with random weights: it costs what a trained one does."""
    path = folder / f'{architecture} (untrained)'
    metadata = {
        'task': 'emotion',
        'labels': json.dumps(EMOTIONS),
        'color': 'gray',
        'crop_margin': '0',
        'architecture': architecture,
    }
    network = ARCHITECTURES[architecture](1, len(EMOTIONS)).eval()
    path.write_bytes(build_model(network, 1.0, SIZE, metadata).SerializeToString())
    return path


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('models', type=Path, nargs='*', help='ONNX files of classifiers')
    parser.add_argument(
        '--untrained',
        nargs='+',
        choices=ARCHITECTURES,
        default=[],
        help='networks of which only work and time are of interest',
    )
    parser.add_argument('--data', help='measure accuracy on the validation part of this data')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments.models += [write_untrained(name, Path(folder)) for name in arguments.untrained]
        if not arguments.models:
            parser.error('give ONNX files, or --untrained and names')
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    """Measure in turns and print the table."""
    classifiers = {path: load(path) for path in arguments.models}
    random = np.random.default_rng(0)
    calls = {}
    for path, classifier in classifiers.items():
        shape = [1, *classifier.model.session.get_inputs()[0].shape[1:]]
        face, run = random.integers(0, 256, shape, dtype=np.uint8), session(str(path))
        calls[path] = lambda run=run, face=face: run.run(None, {'image': face})
    times, rows = milliseconds(calls), []
    for path, classifier in classifiers.items():
        accuracy = ''
        if arguments.data and 'untrained' not in path.name:
            samples = load_samples(
                classifier.model.task, arguments.data, classifier.model.crop_margin
            )
            accuracy = f'{100 * measure(classifier, samples)["accuracy"]:.1f} %'
        metadata = classifier.model.session.get_modelmeta().custom_metadata_map
        rows.append(
            [
                path.name,
                metadata['architecture'],
                f'{parameters(path):,}',
                f'{multiply_adds(path) / 1e6:.1f} M',
                accuracy,
                f'{times[path]:.3f}',
                f'{times[path] / times[arguments.models[0]]:.2f}',
            ]
        )
    show(
        'Classifiers, one face, one thread',
        ['file', 'architecture', 'parameters', 'multiply-adds', 'accuracy', 'ms', 'ratio'],
        rows,
    )


if __name__ == '__main__':
    sys.exit(ended(main))
