"""
The network as an ONNX graph, node by node.

Written out rather than traced: the file then depends on the weights alone, not on the
version of an exporter, and holds nothing but the layers.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper
from torch import nn

from .architectures import MiniXception, ResidualBlock
from .folding import folded

#: Old versions, which ONNX Runtime loads from 1.10 on.
OPSET, IR_VERSION = 15, 8


def build_model(network: MiniXception, temperature: float, size: int,
                metadata: dict[str, str]) -> ModelProto:
    """
    Return the served form of ``network``.

    Input ``image`` uint8 ``[N, size, size, C]``, output ``probabilities`` float32 ``[N, K]``:
    the softmax of the logits divided by ``temperature``.  ``metadata`` goes into the file.
    """
    writer = _Writer()
    network = folded(network, temperature)
    channels, classes = network.stem[0].in_channels, network.head.out_channels
    features = writer.channels_first(writer.add('Cast', ['image'], to=TensorProto.FLOAT),
                                     channels, size)
    for layer in (network.stem[0], network.stem[3]):
        features = writer.relu(writer.convolution(features, layer))
    for block in network.blocks:
        features = writer.block(features, block)
    maps = writer.convolution(features, network.head)
    logits = writer.add('Flatten', [writer.add('GlobalAveragePool', [maps])], axis=1)
    writer.nodes.append(helper.make_node('Softmax', [logits], ['probabilities'], axis=1))
    graph = helper.make_graph(
        writer.nodes, 'mini_xception',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', size, size, channels])],
        [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, ['N', classes])],
        writer.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET)],
                              ir_version=IR_VERSION, producer_name='face_perception')
    set_metadata(model, metadata)
    checker.check_model(model, full_check=True)
    return model


def set_metadata(model: ModelProto, metadata: dict[str, str]) -> None:
    """Replace the metadata of ``model``, in a fixed order."""
    del model.metadata_props[:]
    helper.set_model_props(model, dict(sorted(metadata.items())))


class _Writer:
    """Collects nodes and weights; each method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def add(self, operator: str, inputs: list[str], **attributes) -> str:
        output = f'{operator.lower()}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def weight(self, array: np.ndarray) -> str:
        name = f'weight_{len(self.weights)}'
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def channels_first(self, image: str, channels: int, size: int) -> str:
        if channels > 1:
            return self.add('Transpose', [image], perm=[0, 3, 1, 2])
        # One channel lies the same in memory either way: no pixel needs to move.
        shape = self.weight(np.array([-1, 1, size, size], dtype=np.int64))
        return self.add('Reshape', [image, shape])

    def convolution(self, features: str, layer: nn.Conv2d) -> str:
        inputs = [features, self.weight(layer.weight.detach().numpy())]
        if layer.bias is not None:
            inputs.append(self.weight(layer.bias.detach().numpy()))
        return self.add('Conv', inputs, kernel_shape=list(layer.kernel_size),
                        strides=list(layer.stride), pads=list(layer.padding) * 2,
                        group=layer.groups)

    def relu(self, features: str) -> str:
        return self.add('Relu', [features])

    def block(self, features: str, block: ResidualBlock) -> str:
        first, _, second, pool = block.residual
        residual = self.convolution(self.convolution(features, first[0]), first[1])
        residual = self.relu(residual)
        residual = self.convolution(self.convolution(residual, second[0]), second[1])
        residual = self.add('MaxPool', [residual], kernel_shape=[pool.kernel_size] * 2,
                            strides=[pool.stride] * 2, pads=[pool.padding] * 4)
        shortcut = self.convolution(features, block.shortcut[0])
        return self.relu(self.add('Add', [shortcut, residual]))
