"""What a soak has shown: the slope of each quantity with its error, and a plot over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from plots import BLUE, GREEN, ORANGE

#: Seconds at the start that do not count: caches and allocators fill.
WARM_UP_S = 600.0
QUANTITIES = {
    'rss': 'memory (MiB)',
    'shared': 'shared memory in use (MiB)',
    'segments': 'shared segments',
    'threads': 'threads',
    'handles': 'file handles',
    'results': 'answers in 10 s',
    'p50': 'processing, median (ms)',
    'p95': 'processing, p95 (ms)',
}
COLORS = {'left': BLUE, 'right': ORANGE, 'replay': GREEN}
LABELS = {'left': 'camera', 'right': 'camera, disturbed', 'replay': 'replay in a loop'}


@dataclass
class Sample:
    """
    What one node had at a moment; memory in MiB, latencies in milliseconds.

    ``processor_s`` is what the node has used so far, ``all_s`` what all processes have.
    """

    time_s: float
    camera: str
    rss: float
    shared: float
    segments: int
    threads: int
    handles: int
    results: int
    p50: float
    p95: float
    p99: float
    processor_s: float
    all_s: float
    load: float


@dataclass
class Slope:
    """How a quantity rises per hour, and the standard error of that."""

    per_hour: float
    error: float


def slope(samples: Sequence[Sample], what: str) -> Slope:
    """
    Return how a quantity rises, after the warm-up.

    What memory is at a moment it mostly is ten seconds later too, so that samples tell less than
    their number promises: the error of a straight line is widened by how alike the neighbours of
    its residuals are (a first-order autoregressive process).
    """
    late = [each for each in samples if each.time_s >= min(WARM_UP_S, samples[-1].time_s / 3)]
    if len(late) < 4:
        return Slope(0.0, float('inf'))
    hours = np.array([each.time_s / 3600 for each in late])
    values = np.array([getattr(each, what) for each in late], float)
    (rise, start), covariance = np.polyfit(hours, values, 1, cov=True)
    rest = values - (rise * hours + start)
    power = float(rest @ rest)
    if power < 1e-9:
        return Slope(float(rise), 0.0)
    alike = float(np.clip(rest[1:] @ rest[:-1] / power, 0, 0.999))
    widened = np.sqrt(covariance[0, 0] * (1 + alike) / (1 - alike))
    return Slope(float(rise), float(widened))


def plot(samples: Sequence[Sample], path: Path) -> None:
    """Draw each quantity over time, a line per node, and its median of every five minutes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 10), layout='constrained')
    FigureCanvasAgg(figure)
    for axes, (what, label) in zip(figure.subplots(4, 2, sharex=True).flat, QUANTITIES.items()):
        for camera, color in COLORS.items():
            own = [each for each in samples if each.camera == camera]
            minutes = [each.time_s / 60 for each in own]
            values = [getattr(each, what) for each in own]
            axes.plot(minutes, values, color=color, lw=0.8, alpha=0.8, label=LABELS[camera])
        axes.set_title(label, loc='left', fontsize=10)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    for axes in figure.axes[-2:]:
        axes.set_xlabel('minutes')
    figure.savefig(path, dpi=110)


def report(samples: Sequence[Sample], path: Path) -> None:
    """Print the slopes as a table, and draw the plot."""
    plot(samples, path)
    own = [each for each in samples if each.camera == 'left']
    used = sum(max(b.all_s - a.all_s, 0) for a, b in zip(own, own[1:]))
    print(f'\n{own[-1].time_s / 60:.0f} min, {used / (own[-1].time_s - own[0].time_s):.0%} of a')
    print(f'core for all processes, load of the machine {np.mean([e.load for e in own]):.1f}')
    print('\n| node | quantity | after warm-up | at the end | slope per hour |')
    print('|---|---|---|---|---|')
    for camera, label in LABELS.items():
        own = [each for each in samples if each.camera == camera]
        late = [each for each in own if each.time_s >= min(WARM_UP_S, own[-1].time_s / 3)]
        for what in QUANTITIES:
            rise = slope(own, what)
            first, last = (
                np.mean([getattr(e, what) for e in part]) for part in (late[:30], late[-30:])
            )
            print(
                f'| {label} | {QUANTITIES[what]} | {first:.1f} | {last:.1f} | '
                f'{rise.per_hour:+.2f} ± {rise.error:.2f} |'
            )
