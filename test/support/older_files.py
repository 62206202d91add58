"""Classifier files as they were written before: with the mirror image inside their graph."""

import numpy as np
from onnx import helper, numpy_helper


def with_mirror_inside(model):
    """Change a classifier's ``model`` to average its logits over image and mirror image."""
    nodes, classes = list(model.graph.node), model.graph.output[0].type.tensor_type.shape.dim[1]
    first = next(index for index, node in enumerate(nodes) if node.op_type == 'Conv')
    last = next(index for index, node in enumerate(nodes) if node.op_type == 'Softmax')
    pixels, logits = nodes[first].input[0], nodes[last].input[0]
    for name, value in (
        ('start', [-1]),
        ('end', [np.iinfo(np.int64).min]),
        ('axis', [3]),
        ('step', [-1]),
        ('pair', [2, -1, classes.dim_value]),
    ):
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    nodes[first].input[0], nodes[last].input[0] = 'doubled', 'mean'
    nodes[last:last] = [
        helper.make_node('Reshape', [logits, 'pair'], ['pairs'], 'pairs'),
        helper.make_node('ReduceMean', ['pairs'], ['mean'], 'mean', axes=[0], keepdims=0),
    ]
    nodes[first:first] = [
        helper.make_node('Slice', [pixels, 'start', 'end', 'axis', 'step'], ['back'], 'back'),
        helper.make_node('Concat', [pixels, 'back'], ['doubled'], 'doubled', axis=0),
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
