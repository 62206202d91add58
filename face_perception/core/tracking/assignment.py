"""Which detection is given to which track."""

from __future__ import annotations

import numpy as np


def assign(affinity: np.ndarray) -> dict[int, int]:
    """
    Pair the columns of ``affinity`` ``[rows, columns]`` with rows: ``{column: row}``.

    The best pair first, then partners are exchanged wherever that raises the sum, which is what
    two crossing faces need; -inf is never paired.
    """
    rows, columns = affinity.shape
    if not rows or not columns:
        return {}
    values = affinity.tolist()
    links: dict[int, int] = {}
    taken: set[int] = set()
    for pair in np.argsort(-affinity, axis=None, kind='stable').tolist():
        row, column = divmod(pair, columns)
        if values[row][column] == -np.inf or len(links) == min(rows, columns):
            break
        if column not in links and row not in taken:
            links[column] = row
            taken.add(row)
    pairs = list(links)
    for position, first in enumerate(pairs):
        for second in pairs[position + 1 :]:
            a, b = links[first], links[second]
            if values[a][second] + values[b][first] > values[a][first] + values[b][second]:
                links[first], links[second] = b, a
    return links
