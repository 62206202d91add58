"""
Join the two classifiers into one ONNX graph over one batch of crops.

``python -m face_perception.training.joined EMOTION.onnx GENDER.onnx OUTPUT.onnx``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, compose, helper, numpy_helper

from ..console.endings import exit_status
from ..core.errors import ModelError
from ..core.onnx_models import ClassifierModel, load_classifier
from .exported import check, graph_of
from .onnx_graph import image_input

#: Luma of RGB (ITU-R BT.601), as OpenCV computes it.
LUMA = (0.299, 0.587, 0.114)


def joined(emotion: Path, gender: Path) -> ModelProto:
    """
    Return one graph that predicts as both files do of an image without its mirror image.

    Input ``image`` uint8 ``[N, S, S, 3]`` RGB; outputs ``emotion`` float32 ``[N, 7]`` and
    ``gender`` float32 ``[N, 2]``.  A gray network gets the luma of the crop.  Raises
    ``ModelError`` when the two do not see the same crop, another size or margin, or are of versions
    of ONNX that do not go together.
    """
    models = {
        task: load_classifier(Path(path), task)
        for task, path in (('emotion', emotion), ('gender', gender))
    }
    first, second = models.values()
    if (first.input_size, first.crop_margin) != (second.input_size, second.crop_margin):
        raise ModelError(
            f'the crops differ: {first.input_size} px with margin {first.crop_margin} and '
            f'{second.input_size} px with {second.crop_margin}: train both with the same'
        )
    graphs = {task: graph_of(model.path) for task, model in models.items()}
    opsets = _opsets_of(*graphs.values())
    nodes: list[onnx.NodeProto] = []
    weights: list[TensorProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    for task, model in models.items():
        graph = compose.add_prefix(graphs[task], f'{task}_').graph
        nodes += [
            *_input_of(model, f'{task}_image', weights),
            *graph.node,
            helper.make_node('Identity', [f'{task}_probabilities'], [task]),
        ]
        weights += graph.initializer
        outputs.append(
            helper.make_tensor_value_info(task, TensorProto.FLOAT, ['N', len(model.labels)])
        )
    graph = helper.make_graph(nodes, 'faces', [image_input(first.input_size, 3)], outputs, weights)
    result = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*opset) for opset in opsets.items()],
        ir_version=max(each.ir_version for each in graphs.values()),
        producer_name='face_perception',
    )
    check(result, f'{emotion} and {gender} joined')
    return result


def _opsets_of(first: ModelProto, second: ModelProto) -> dict[str, int]:
    """Return the version of each domain of operators, which may mean other things in another."""
    of_first, of_second = (
        {opset.domain: opset.version for opset in model.opset_import} for model in (first, second)
    )
    for domain in of_first.keys() & of_second.keys():
        if of_first[domain] != of_second[domain]:
            raise ModelError(
                f'the opsets differ, {of_first[domain]} and {of_second[domain]}: export both with '
                'the same'
            )
    return of_first | of_second


def _input_of(model: ClassifierModel, name: str, weights: list) -> list[onnx.NodeProto]:
    """Return the nodes that turn RGB ``image`` into what ``model`` sees, called ``name``."""
    if model.color == 'rgb':
        return [helper.make_node('Identity', ['image'], [name])]
    constants = {f'{name}_luma': np.array(LUMA, np.float32), f'{name}_axis': np.array([3])}
    weights += [numpy_helper.from_array(value, key) for key, value in constants.items()]
    return [
        helper.make_node('Cast', ['image'], [f'{name}_float'], to=TensorProto.FLOAT),
        helper.make_node('Mul', [f'{name}_float', f'{name}_luma'], [f'{name}_shares']),
        helper.make_node(
            'ReduceSum', [f'{name}_shares', f'{name}_axis'], [f'{name}_sum'], keepdims=1
        ),
        helper.make_node('Round', [f'{name}_sum'], [f'{name}_gray']),
        helper.make_node('Cast', [f'{name}_gray'], [name], to=TensorProto.UINT8),
    ]


def run(arguments: argparse.Namespace) -> None:
    """Write the joined file."""
    model = joined(arguments.emotion, arguments.gender)
    arguments.output.write_bytes(model.SerializeToString(deterministic=True))


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description='Join two classifiers into one ONNX file.')
    for name in ('emotion', 'gender', 'output'):
        parser.add_argument(name, type=Path, help=f'ONNX file ({name})')
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
