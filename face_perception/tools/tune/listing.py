"""Parameters of nodes as text: a line each, or one with all that is known of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from ...core.text import one_line
from ...core.text import value as shown
from .remote import Known, Value

#: Characters of a column, at most.
WIDEST = 34
#: The last column is left out where it would have fewer.
NARROWEST = 20
GAP = '  '


def listed(nodes: Mapping[str, Mapping[str, Known]], word: str, width: int | None) -> str:
    """
    Return a table of the parameters whose name has ``word``, with the values of each node.

    Lines have at most ``width`` characters, if it is given.
    """
    names = dict.fromkeys(name for known in nodes.values() for name in known if word in name)
    if not names:
        return f"no parameter has '{shown(word)}' in its name"
    rows = [['parameter', *(map(one_line, nodes) if len(nodes) > 1 else ['value']), 'takes', '']]
    for name in names:
        known = next(of_node[name] for of_node in nodes.values() if name in of_node)
        values = [
            text_of(of_node[name].value) if name in of_node else '-' for of_node in nodes.values()
        ]
        words = one_line(known.descriptor.description)
        rows.append([one_line(name), *values, known.takes(), words])
    *columns, _ = zip(*rows)
    widths = [max(map(len, column)) for column in columns]
    if width is not None:
        widths = [min(size, WIDEST) for size in widths]
    return '\n'.join(_line(row, widths, width) for row in rows)


def described(nodes: Mapping[str, Mapping[str, Known]], name: str, width: int | None) -> str:
    """Return all that is known about one parameter, in lines of at most ``width`` characters."""
    lines = [
        f'{node}: {name} is {text_of(known[name].value)}'
        for node, known in nodes.items()
        if name in known
    ]
    known = next(of_node[name] for of_node in nodes.values() if name in of_node)
    for text in (f'takes {known.takes()}', one_line(known.descriptor.description)):
        lines += textwrap.wrap(text, width) if width else [text]
    return '\n'.join(lines)


def text_of(value: Value) -> str:
    """Return a value as it is given to set it."""
    if isinstance(value, bool):
        return str(value).lower()
    return one_line(value) or "''"


def _line(row: list[str], widths: list[int], width: int | None) -> str:
    line = GAP.join(_cut(cell, size).ljust(size) for cell, size in zip(row, widths))
    if width is None:
        # Nothing is cut where nobody looks: it is searched, or kept.
        return f'{line}{GAP}{row[-1]}'.rstrip()
    left = width - len(line) - len(GAP)
    if left >= NARROWEST:
        line += GAP + _cut(row[-1], left)
    return _cut(line.rstrip(), width)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f'{text[: longest - 1]}…'
