"""A plot of where the time goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.timing import STAGES, SUMS
from ...visuals.stage_bars import COLORS, NAMES, plot_stages
from .monitor import Statistics


def plot_latency(statistics: Statistics, path: Path) -> None:
    """
    Draw the stages of every result over time, and percentiles per stage, into a PNG file.

    Needs at least one result.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # No pyplot: nothing global is touched, and no display is looked for.
    figure = Figure(figsize=(10, 7.5), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    width, height = statistics.image_size
    figure.suptitle(
        f'Where the time goes: {len(statistics.latency_times)} results, {width}x{height} pixels, '
        f'{statistics.rate:.1f} per second',
        fontsize=13,
    )
    over_time, per_stage = figure.subplots(2, 1, gridspec_kw={'height_ratios': (3, 2)})
    _plot_over_time(over_time, statistics)
    plot_stages(
        per_stage, {name: statistics.percentiles(name, 50, 95, 99) for name in (*STAGES, *SUMS)}
    )
    figure.savefig(path)


def _plot_over_time(axes, statistics: Statistics) -> None:
    stages = {name: 1e3 * np.maximum(statistics.latencies[name], 0) for name in STAGES}
    whole = 1e3 * np.array(statistics.latencies['end_to_end'])
    if not whole.any():  # the images carry no stamp
        whole = 1e3 * np.array(statistics.latencies['processing'])
    stages['other'] = np.maximum(whole - sum(stages.values()), 0)
    # Each result is a step from its arrival to the next one's.
    axes.stackplot(
        statistics.latency_times,
        stages.values(),
        step='post',
        labels=[NAMES.get(name, name) for name in stages],
        colors=[COLORS[name] for name in stages],
        linewidth=0,
    )
    # One slow result must not flatten all others.
    top = 1.3 * np.percentile(whole, 98)
    beyond = int((whole > top).sum())
    axes.set_ylim(0, max(top, 1e-3))
    if beyond:
        axes.text(
            0.005,
            0.98,
            f'{beyond} of {len(whole)} go beyond the top, up to {whole.max():.0f} ms',
            transform=axes.transAxes,
            va='top',
            fontsize=9,
        )
    axes.set_xlim(0, max(statistics.latency_times[-1], 1e-3))
    axes.set_xlabel('seconds since the first result')
    axes.set_ylabel('milliseconds')
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], loc='center left', bbox_to_anchor=(1.0, 0.5), frameon=False
    )
