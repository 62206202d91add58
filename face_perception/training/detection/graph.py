"""Write the face detector as an ONNX graph that takes images of any size."""

from __future__ import annotations

import copy

import numpy as np
import torch
from onnx import ModelProto, TensorProto, helper
from torch import nn

from ..folding import fold_normalisations
from ..memory import laid_out
from ..onnx_graph import GraphWriter
from .network import LARGEST_LOG_DISTANCE, PIXEL_CENTER, STRIDES, FaceDetector


def build_detector_model(network: FaceDetector, metadata: dict[str, str]) -> ModelProto:
    """
    Return the served form of ``network``.

    Input ``image`` uint8 ``[1, H, W, 3]`` BGR, H and W multiples of ``network.MULTIPLE``;
    outputs ``boxes`` float32 ``[A, 4]`` (x1, y1, x2, y2 in pixels of the input) and ``scores``
    float32 ``[A]``, one of each per cell: threshold and non-maximum suppression are the
    caller's.  ``metadata`` goes into the file.
    """
    network = _folded(network)
    graph = GraphWriter()
    pixels = graph.add(
        'Cast', [graph.add('Transpose', ['image'], perm=[0, 3, 1, 2])], to=TensorProto.FLOAT
    )
    features = graph.module(
        graph.add('Sub', [pixels, graph.weight(np.float32(PIXEL_CENTER))]), network.stem
    )
    grids = []
    for stage, lateral in zip(network.stages, network.laterals, strict=True):
        features = graph.module(features, stage)
        grids.append(graph.module(features, lateral))
    for finer in (1, 0):
        grids[finer] = graph.add('Add', [grids[finer], _doubled(graph, grids[finer + 1])])
    scores, boxes = [], []
    for grid, head, stride in zip(grids, network.heads, STRIDES, strict=True):
        counts = graph.weight(np.array([1, 4]))
        score, box = graph.add_many('Split', [graph.module(grid, head), counts], 2, axis=1)
        scores.append(_rows(graph, score, 1))
        boxes.append(_boxes(graph, box, stride))
    likely = graph.add('Sigmoid', [graph.add('Concat', scores, axis=0)])
    flat = graph.weight(np.array([-1]))
    graph.nodes += [
        helper.make_node('Reshape', [likely, flat], ['scores'], 'scores'),
        helper.make_node('Concat', boxes, ['boxes'], 'boxes', axis=0),
    ]
    return graph.model(
        'face_detector',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, [1, 'H', 'W', 3])],
        [
            helper.make_tensor_value_info('boxes', TensorProto.FLOAT, ['A', 4]),
            helper.make_tensor_value_info('scores', TensorProto.FLOAT, ['A']),
        ],
        metadata,
    )


def _folded(network: FaceDetector) -> FaceDetector:
    """Return a copy of ``network`` without normalisations, for centred pixels."""
    network = laid_out(copy.deepcopy(network).eval(), torch.contiguous_format)
    fold_normalisations(network)
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        first.weight /= PIXEL_CENTER
    return network


def _doubled(graph: GraphWriter, features: str) -> str:
    """Repeat each cell twice in both directions."""
    scales = graph.weight(np.array([1, 1, 2, 2], dtype=np.float32))
    return graph.add(
        'Resize',
        [features, '', scales],
        mode='nearest',
        nearest_mode='floor',
        coordinate_transformation_mode='asymmetric',
    )


def _rows(graph: GraphWriter, maps: str, channels: int) -> str:
    """Turn ``[1, C, H, W]`` into ``[H W, C]``."""
    shape = graph.weight(np.array([-1, channels]))
    return graph.add('Reshape', [graph.add('Transpose', [maps], perm=[0, 2, 3, 1]), shape])


def _boxes(graph: GraphWriter, maps: str, stride: int) -> str:
    """Turn the distances ``maps [1, 4, H, W]`` into boxes ``[H W, 4]`` in pixels."""
    limit = graph.weight(np.float32(LARGEST_LOG_DISTANCE))
    reach = graph.add('Exp', [graph.add('Min', [maps, limit])])
    # Away from the centre on two sides, then towards the other two.
    signs = np.array([-stride, -stride, stride, stride], dtype=np.float32)
    offsets = graph.add('Mul', [_rows(graph, reach, 4), graph.weight(signs)])
    return graph.add('Add', [offsets, _centers(graph, maps, stride)])


def _centers(graph: GraphWriter, maps: str, stride: int) -> str:
    """Return the centre of each cell, twice over: x, y, x, y as ``[H W, 4]``."""
    shape = graph.add('Shape', [maps])
    one, zero = (graph.weight(np.array(value)) for value in (1, 0))
    axes = []
    for index in (3, 2):
        count = graph.add('Gather', [shape, graph.weight(np.array(index))], axis=0)
        steps = graph.add('Cast', [graph.add('Range', [zero, count, one])], to=TensorProto.FLOAT)
        scaled = graph.add('Mul', [steps, graph.weight(np.float32(stride))])
        axes.append(graph.add('Add', [scaled, graph.weight(np.float32(stride / 2))]))
    size = graph.add('Slice', [shape, *(graph.weight(np.array([value])) for value in (2, 4))])
    columns = graph.add('Expand', [axes[0], size])
    down = graph.add('Unsqueeze', [axes[1], graph.weight(np.array([1]))])
    pair = [
        graph.add('Unsqueeze', [axis, graph.weight(np.array([2]))])
        for axis in (columns, graph.add('Expand', [down, size]))
    ]
    grid = graph.add('Concat', pair * 2, axis=2)
    return graph.add('Reshape', [grid, graph.weight(np.array([-1, 4]))])
