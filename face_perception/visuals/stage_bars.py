"""How long each stage takes, as bars: what all plots of latency have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

#: Colours that people with colour blindness tell apart (Okabe and Ito, 2008).
COLORS = {
    'transport': '#999999',
    'decode': '#56B4E9',
    'detect': '#0072B2',
    'track': '#009E73',
    'classify': '#E69F00',
    'publish': '#CC79A7',
    'other': '#DDDDDD',
    'processing': '#444444',
    'total': '#444444',
    'end_to_end': '#000000',
}
NAMES = {'end_to_end': 'end to end', 'transport': 'transport (and waiting)'}


def plot_stages(axes, percentiles: Mapping[str, Sequence[float]]) -> None:
    """Draw p50, p95 and p99 of each stage, in milliseconds, into Matplotlib's ``axes``."""
    names = list(percentiles)
    positions = np.arange(len(names))
    p50, p95, p99 = np.array([percentiles[name] for name in names]).T
    colors = [COLORS[name] for name in names]
    axes.barh(positions, p95, color=colors, alpha=0.35, height=0.7)
    axes.barh(positions, p50, color=colors, height=0.7)
    right = max(float(p95.max()), 1e-3)
    for position, low, high, higher in zip(positions, p50, p95, p99):
        axes.text(
            max(high, 0) + 0.01 * right,
            position,
            f'{low:.1f} | {high:.1f} | {higher:.1f}',
            va='center',
            fontsize=9,
        )
    axes.set_yticks(positions, [NAMES.get(name, name) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * right)
    axes.set_xlabel(
        'milliseconds: median (solid) and 95th percentile (pale); the numbers are p50 | p95 | p99'
    )
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
