"""Plots of how a classifier does on other people's images."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import numpy as np

from .figures import BLUE, LINES, ORANGE, figure_of, percent_axis, save


def draw_rows(report: dict, path: Path | str) -> None:
    """
    Draw accuracy by source and group, with the given boxes and the detector's (``measure``).

    The first model is drawn filled, others hollow.
    """
    rows, gap = report['rows'], 0.8
    sources = list(dict.fromkeys(row['source'] for row in rows))
    positions = np.array(
        [position + gap * sources.index(row['source']) for position, row in enumerate(rows)]
    )
    figure = figure_of(8.5, 1.8 + 0.25 * (positions[-1] + 1))
    axes = figure.add_subplot()
    for number, name in enumerate(report['models']):
        for what, color, words in (
            ('accuracy', BLUE, 'boxes of the data'),
            ('own_boxes', ORANGE, f'boxes of the detector ({report["detector"]})'),
        ):
            values = [row['models'][name].get(what, np.nan) for row in rows]
            axes.plot(
                values,
                positions + (0.12 if what == 'own_boxes' else -0.12),
                'os^Dv'[number % 5],
                color=color,
                fillstyle='full' if number == 0 else 'none',
                label=f'{name}, {words}',
            )
    axes.set_yticks(
        positions,
        [f'{row["source"]}, {row["group"]} ({row["pictures"]})' for row in rows],
        fontsize=8,
    )
    axes.set_ylim(positions[-1] + 1, -1)
    axes.grid(axis='x', alpha=0.3)
    percent_axis(axes.xaxis)
    axes.set_xlabel('accuracy on images that the network has not learned from')
    figure.legend(loc='outside upper center', frameon=False, fontsize=8)
    save(figure, path)


def draw_confidence(report: dict, path: Path | str) -> None:
    """Draw, by source, accuracy over the share of faces that a threshold lets be answered."""
    figure = figure_of(7, 5)
    axes = figure.add_subplot()
    for (source, points), color in zip(report['confidence'].items(), cycle(LINES)):
        known = [point for point in points if point['accuracy'] is not None]
        axes.plot(
            [point['answered'] for point in known],
            [point['accuracy'] for point in known],
            'o-',
            color=color,
            label=source,
        )
    for axis in (axes.xaxis, axes.yaxis):
        percent_axis(axis)
    axes.set_xlabel('share of the faces that get a prediction')
    axes.set_ylabel('accuracy of these predictions')
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    thresholds = [f'{point["threshold"]:g}' for point in next(iter(report['confidence'].values()))]
    figure.suptitle(f'{report["models"][0]}: least confidence {", ".join(thresholds)}', fontsize=10)
    save(figure, path)
