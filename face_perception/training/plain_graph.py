"""
Take the mirror image out of a classifier's file, and say in its metadata that it wants one.

``python -m face_perception.training.plain_graph MODEL [MODEL ...]``

Files of before have it inside their graph: each face costs twice, also where its predictions are
averaged over time.  The weights stay, and so do the predictions for image and mirror image.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import onnx
from onnx import ModelProto

from ..console.endings import exit_status
from .checkpoints import write_model
from .exported import check, graph_of, said_by
from .onnx_graph import set_metadata

#: What doubles the batch, and what joins its halves again, as they were written.
DOUBLES, JOINS = ['Slice', 'Concat'], ['Reshape', 'ReduceMean']


def without_mirror(model: ModelProto) -> bool:
    """Take the mirror image out of ``model``; return whether there was one."""
    nodes = list(model.graph.node)
    kinds = [node.op_type for node in nodes]
    if 'Slice' not in kinds or 'ReduceMean' not in kinds:
        return False
    first, last = kinds.index('Slice'), kinds.index('ReduceMean') - 1
    if kinds[first : first + 2] != DOUBLES or kinds[last : last + 2] != JOINS:
        return False
    _leave_out(nodes, first)
    _leave_out(nodes, last)
    del model.graph.node[:]
    model.graph.node.extend(
        node for index, node in enumerate(nodes) if index not in (first, first + 1, last, last + 1)
    )
    used = {name for node in model.graph.node for name in node.input}
    weights = [entry for entry in model.graph.initializer if entry.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(weights)
    return True


def _leave_out(nodes: list[onnx.NodeProto], start: int) -> None:
    """Let what follows the two nodes at ``start`` take what goes into them."""
    before, after = nodes[start].input[0], nodes[start + 1].output[0]
    for node in nodes[start + 2 :]:
        for index, name in enumerate(node.input):
            if name == after:
                node.input[index] = before


def make_plain(path: Path) -> bool:
    """Change the file at ``path``, with its sum in ``SHA256SUMS``; return whether it was needed."""
    model = graph_of(path)
    metadata = said_by(model)
    if not without_mirror(model):
        return False
    set_metadata(model, {**metadata, 'mirror': 'true'})
    check(model, path)
    write_model(path, model)
    return True


def run(arguments: argparse.Namespace) -> None:
    """Change the files, and say which."""
    for path in arguments.models:
        said = 'is plain now' if make_plain(path) else 'has no mirror image inside'
        print(f'{path} {said}')


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.plain_graph',
        description='Take the mirror image out of the graph of classifiers.',
    )
    parser.add_argument('models', type=Path, nargs='+', help='ONNX files of classifiers')
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
