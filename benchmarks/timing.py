"""Time alternatives in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import onnxruntime as ort
from rich.console import Console
from rich.progress import track
from rich.table import Table


def milliseconds(
    alternatives: Mapping[str, Callable[[], object]],
    turns: int = 60,
    warm_up: int = 5,
    label: str = 'timing',
) -> dict[str, float]:
    """Return the median time of a call of each alternative, in milliseconds."""
    taken = {name: [] for name in alternatives}
    for turn in track(range(warm_up + turns), label, transient=True, console=Console(stderr=True)):
        for name, call in alternatives.items():
            started = time.perf_counter()
            call()
            if turn >= warm_up:
                taken[name].append(1000 * (time.perf_counter() - started))
    return {name: float(np.median(values)) for name, values in taken.items()}


def session(model: str | bytes) -> ort.InferenceSession:
    """Return a session on one thread of the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=['CPUExecutionProvider'])


def show(title: str, columns: list[str], rows: list[list[str]], width: int = 120) -> None:
    """Print a table."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    Console(width=width).print(table)
