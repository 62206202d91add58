"""The plots of pipeline.py, node.py and live_view.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: Colours that people with colour blindness tell apart (Okabe and Ito, 2008).
GRAY, BLUE, SKY, ORANGE, GREEN, RED = (
    '#999999',
    '#0072B2',
    '#56B4E9',
    '#E69F00',
    '#009E73',
    '#D55E00',
)


def plot_pipeline(results: Sequence[dict], path: Path) -> None:
    """Draw bars per number of faces, a panel per size of the image, into a PNG file."""
    sizes = list(dict.fromkeys((each['width'], each['height']) for each in results))
    figure = _figure(4.3 * len(sizes), 4.6)
    figure.suptitle('One image through the pipeline, one thread')
    ways = {
        'original': ('Haar, then face by face', ORANGE),
        'pipeline': ('this pipeline', BLUE),
        'floor': ('bare networks', SKY),
    }
    for axes, size in zip(np.atleast_1d(figure.subplots(1, len(sizes))), sizes):
        rows = [each for each in results if (each['width'], each['height']) == size]
        positions = np.arange(len(rows))
        for number, (way, (label, color)) in enumerate(ways.items()):
            bars = axes.bar(
                positions + 0.28 * (number - 1),
                [row[f'{way}_ms'] for row in rows],
                width=0.27,
                color=color,
                label=label,
            )
            axes.bar_label(bars, fmt='%.0f', fontsize=7)
        axes.set_xticks(
            positions,
            [f'{row["faces"]}\n({row["found"]} | {row["found_original"]})' for row in rows],
        )
        axes.set_title(f'{size[0]}x{size[1]}')
        axes.set_xlabel('faces (found by this pipeline | by Haar)')
        _plain(axes)
    figure.axes[0].set_ylabel('milliseconds (median)')
    figure.axes[0].legend(frameon=False, loc='upper left')
    figure.savefig(path)


def plot_node(cases: Sequence[dict], path: Path) -> None:
    """Draw where each case's latency goes, and what the node costs, into a PNG file."""
    figure = _figure(11, 8)
    figure.suptitle('From camera process to subscriber process')
    latency, costs = figure.subplots(2, 1, gridspec_kw={'height_ratios': (3, 2)})
    positions = np.arange(len(cases))
    names = [
        f'{case["rate"]:g} Hz\n{"jpeg" if case["compressed"] else "raw"}\n'
        f'{case["faces"]} face{"s" * (case["faces"] != 1)}'
        for case in cases
    ]
    bottom = np.zeros(len(cases))
    for key, label, color in (
        ('transport_ms', 'bare transport', GRAY),
        ('networks_ms', 'bare networks', SKY),
        ('overhead_ms', 'everything else of the node', ORANGE),
    ):
        # An overhead below zero is noise of the floors: there is nothing to draw.
        values = np.maximum([case[key] for case in cases], 0)
        latency.bar(positions, values, bottom=bottom, color=color, label=label, width=0.6)
        bottom += values
    for key, marker, label in (
        ('p50_ms', '_', 'p50'),
        ('p95_ms', '^', 'p95'),
        ('p99_ms', 'v', 'p99'),
    ):
        latency.scatter(
            positions,
            [case[key] for case in cases],
            marker=marker,
            color='black',
            s=60 if marker == '_' else 18,
            label=label,
            zorder=3,
        )
    latency.set_ylabel('milliseconds')
    latency.set_ylim(0, 1.25 * latency.dataLim.ymax)  # room for the legend
    latency.legend(frameon=False, ncols=3, fontsize=9)
    bars = costs.bar(positions, [case['cpu_percent'] for case in cases], color=BLUE, width=0.6)
    costs.bar_label(
        bars,
        [
            f'{case["cpu_percent"]:.0f} %\n{case["rate_processed"]:.0f}/s\n{case["rss_mb"]:.0f} MB'
            for case in cases
        ],
        fontsize=8,
    )
    costs.set_ylabel('node: % of one core')
    costs.margins(y=0.35)
    for axes in (latency, costs):
        axes.set_xticks(positions, names, fontsize=8)
        _plain(axes)
    figure.savefig(path)


def plot_overload(overload: dict, path: Path) -> None:
    """Draw the latency of every result while the camera is too fast, into a PNG file."""
    figure = _figure(10, 3.8)
    axes = figure.subplots()
    figure.suptitle(
        f'Overload: {overload["width"]}x{overload["height"]}, {overload["rate"]:g} Hz, '
        f'{overload["faces"]} faces; {overload["processed"]} of {overload["sent"]} images have a '
        'result'
    )
    times, latency = np.array(overload['time_s']), np.array(overload['latency_ms'])
    axes.plot(times, latency, '.', color=BLUE, markersize=2, alpha=0.4)
    parts = np.array_split(np.arange(len(times)), len(overload['quarters_ms']))
    for part, median in zip(parts, overload['quarters_ms']):
        axes.plot(times[part[[0, -1]]], [median, median], color=RED, linewidth=2)
        axes.annotate(
            f'{median:.1f}',
            (times[part].mean(), median),
            ha='center',
            va='bottom',
            color=RED,
            xytext=(0, 3),
            textcoords='offset points',
        )
    top = 1.5 * float(np.percentile(latency, 99))
    axes.set_ylim(0, top)
    if beyond := int((latency > top).sum()):
        axes.text(
            0.005,
            0.97,
            f'{beyond} go beyond the top, up to {latency.max():.0f} ms',
            transform=axes.transAxes,
            va='top',
            fontsize=9,
        )
    axes.set_xlabel('seconds (red: median of each quarter)')
    axes.set_ylabel('end to end, ms')
    _plain(axes)
    figure.savefig(path)


def plot_live_view(samples: Sequence[dict], alone: Sequence[float], path: Path) -> None:
    """Draw memory and the node's latency over time, and latency before and after, into a file."""
    figure = _figure(8, 5)
    memory, latency = figure.subplots(2, 1, sharex=True)
    minutes = [sample['minute'] for sample in samples]
    for name, label, color in (
        ('feeds', 'what feeds the viewer', BLUE),
        ('serves', 'its server', ORANGE),
        ('browser', 'the browser', GREEN),
    ):
        if name in samples[0]:
            memory.plot(minutes, [sample[name] for sample in samples], color=color, label=label)
    memory.set_ylabel('memory, MB')
    memory.legend(frameon=False)
    latency.plot(minutes, [sample['median'] for sample in samples], color=BLUE, label='looked at')
    latency.plot([-0.5, minutes[-1] + 1], alone, 'o', color=GRAY, label='before and after')
    latency.set_ylabel("the node's latency,\nmedian, ms")
    latency.set_xlabel('minutes')
    latency.legend(frameon=False)
    for axes in (memory, latency):
        axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
        _plain(axes)
    figure.savefig(path)


def _figure(width: float, height: float) -> Figure:
    # No pyplot: nothing global is touched, and no display is looked for.
    figure = Figure(figsize=(width, height), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _plain(axes) -> None:
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
