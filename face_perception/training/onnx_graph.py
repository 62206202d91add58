"""
Write a network as an ONNX graph, node by node.

Written out rather than traced: the file then depends on the weights alone, not on the
version of an exporter, and holds nothing but the layers.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper
from torch import nn

from .architectures import PIXEL_MEAN, Classifier, Residual
from .folding import folded

#: Old versions, which ONNX Runtime loads from 1.10 on.
OPSET, IR_VERSION = 15, 8


def build_model(
    network: Classifier, temperature: float, size: int, metadata: dict[str, str]
) -> ModelProto:
    """
    Return the served form of ``network``.

    Input ``image`` uint8 ``[N, size, size, C]``, output ``probabilities`` float32 ``[N, K]``:
    the softmax of the logits divided by ``temperature``.  ``metadata`` goes into the file.
    """
    network = folded(network, temperature)
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    classes = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
    graph = GraphWriter()
    pixels = graph.centered_pixels('image', first.in_channels, size)
    probabilities = graph.classifier(pixels, network)
    graph.nodes.append(helper.make_node('Identity', [probabilities], ['probabilities']))
    return graph.model(
        'classifier',
        [image_input(size, first.in_channels)],
        [
            helper.make_tensor_value_info(
                'probabilities', TensorProto.FLOAT, ['N', classes.out_channels]
            )
        ],
        metadata,
    )


def image_input(size: int, channels: int) -> ValueInfoProto:
    """Return the declaration of the input ``image``: uint8 ``[N, size, size, channels]``."""
    return helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', size, size, channels])


def set_metadata(model: ModelProto, metadata: dict[str, str]) -> None:
    """Replace the metadata of ``model``, in a fixed order."""
    del model.metadata_props[:]
    helper.set_model_props(model, dict(sorted(metadata.items())))


class GraphWriter:
    """Collects nodes and weights; its methods return the name of their output."""

    def __init__(self) -> None:
        """Start an empty graph."""
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def model(
        self,
        name: str,
        inputs: list[ValueInfoProto],
        outputs: list[ValueInfoProto],
        metadata: dict[str, str],
    ) -> ModelProto:
        """Return what was written as a checked model."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid('', OPSET)],
            ir_version=IR_VERSION,
            producer_name='face_perception',
        )
        set_metadata(model, metadata)
        checker.check_model(model, full_check=True)
        return model

    def add(self, operator: str, inputs: list[str], **attributes) -> str:
        """Append a node with one output."""
        return self.add_many(operator, inputs, 1, **attributes)[0]

    def add_many(self, operator: str, inputs: list[str], outputs: int, **attributes) -> list[str]:
        """Append a node with several outputs; its name is its own, as some runtimes need it."""
        name = f'{operator.lower()}_{len(self.nodes)}'
        names = [name] if outputs == 1 else [f'{name}_{index}' for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, name, **attributes))
        return names

    def weight(self, array: np.ndarray | np.float32) -> str:
        """Store ``array`` in the file."""
        name = f'weight_{len(self.weights)}'
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def centered_pixels(self, image: str, channels: int, size: int) -> str:
        """Turn uint8 ``[N, S, S, C]`` into float ``[N, C, S, S]`` around zero."""
        pixels = self.add('Cast', [image], to=TensorProto.FLOAT)
        if channels > 1:
            pixels = self.add('Transpose', [pixels], perm=[0, 3, 1, 2])
        else:
            # One channel lies the same in memory either way: no pixel needs to move.
            shape = self.weight(np.array([-1, 1, size, size], dtype=np.int64))
            pixels = self.add('Reshape', [pixels, shape])
        return self.add('Sub', [pixels, self.weight(np.float32(PIXEL_MEAN))])

    def classifier(self, pixels: str, network: Classifier) -> str:
        """Write a folded ``network`` that sees centred ``pixels``; returns probabilities."""
        return self.add('Softmax', [self.module(pixels, network.layers)], axis=1)

    def module(self, features: str, module: nn.Module) -> str:
        """Write ``module``; raises ``TypeError`` for a kind of layer that is not known here."""
        match module:
            case nn.Identity() | nn.Dropout():
                return features
            case nn.Sequential():
                for layer in module:
                    features = self.module(features, layer)
                return features
            case Residual():
                shortcut = self.module(features, module.shortcut)
                branch = self.module(features, module.branch)
                return self.add('Relu', [self.add('Add', [shortcut, branch])])
            case nn.Conv2d():
                return self.convolution(features, module)
            case nn.ReLU():
                return self.add('Relu', [features])
            case nn.MaxPool2d():
                return self.add(
                    'MaxPool',
                    [features],
                    kernel_shape=[module.kernel_size] * 2,
                    strides=[module.stride] * 2,
                    pads=[module.padding] * 4,
                )
            case nn.AvgPool2d():
                return self.add(
                    'AveragePool',
                    [features],
                    kernel_shape=[module.kernel_size] * 2,
                    strides=[module.stride] * 2,
                )
            case nn.AdaptiveAvgPool2d():
                return self.add('GlobalAveragePool', [features])
            case nn.Flatten():
                return self.add('Flatten', [features], axis=1)
        raise TypeError(f'{type(module).__name__} cannot be written as ONNX yet: add it here')

    def convolution(self, features: str, layer: nn.Conv2d) -> str:
        """Write a convolution with its bias."""
        inputs = [features, self.weight(layer.weight.detach().numpy())]
        if layer.bias is not None:
            inputs.append(self.weight(layer.bias.detach().numpy()))
        return self.add(
            'Conv',
            inputs,
            kernel_shape=list(layer.kernel_size),
            strides=list(layer.stride),
            dilations=list(layer.dilation),
            pads=list(layer.padding) * 2,
            group=layer.groups,
        )
