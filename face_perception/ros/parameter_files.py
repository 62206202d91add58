"""Files of parameters that hold nothing for the node that is started with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import yaml
from rclpy.node import Node

from ..core.files import read_bounded
from ..core.text import file_path, value
from .cameras import flat

#: Bytes of a file at most that is looked into.
MOST_BYTES = 2**20
#: Nodes that a sentence names at most.
MOST_NAMES = 3


def files_for_others(arguments: Sequence[str], node: Node) -> list[str]:
    """
    Return a sentence for each parameter file of a command line that is for other nodes alone.

    ROS passes over them without a word, and the node would work with its defaults.
    """
    given = node._parameter_overrides  # what was meant for this node
    sentences = []
    for option, path in pairwise(arguments):
        if option != '--params-file':
            continue
        entries = dict(_entries(_content(path)))
        names = set().union(*entries.values())
        if names and names.isdisjoint(given):
            others = ', '.join(map(value, list(entries)[:MOST_NAMES]))
            sentences.append(
                f"nothing in the parameter file '{file_path(path)}' is for this node, "
                f'{node.get_fully_qualified_name()}, but for {others}: put it under that name, or '
                "under '/**', which is any"
            )
    return sentences


def _content(path: str) -> object:
    try:
        return yaml.safe_load(read_bounded(Path(path), MOST_BYTES))
    except (OSError, ValueError, yaml.YAMLError):
        return None  # ROS has read it: it is no fault


def _entries(content: object, name: str = '') -> Iterator[tuple[str, set[str]]]:
    """Give the names of nodes, which may be parted into namespaces, and of their parameters."""
    for key, values in content.items() if isinstance(content, Mapping) else ():
        if key != 'ros__parameters':
            yield from _entries(values, f'{name}/{str(key).strip("/")}')
        elif isinstance(values, Mapping):
            yield name, set(flat(values))
