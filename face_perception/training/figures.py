"""
What all plots share: figures without a display, colours, axes in per cent.

Matplotlib is loaded on the first call.  No pyplot: nothing global is touched, and no display is
looked for.  The colours are those that people with colour blindness tell apart (Okabe and Ito
2008), and shades of one hue.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter


BLUE, ORANGE, GREEN, GRAY = '#0072B2', '#D55E00', '#009E73', '#777777'
LINES = (BLUE, ORANGE, GREEN, '#CC79A7', '#E69F00', '#56B4E9')


def figure_of(width: float, height: float) -> Figure:
    """Return an empty figure of ``width`` x ``height`` inches, to be drawn by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path | str) -> None:
    """
    Write the PNG file ``path``; somebody who reads it meanwhile sees the old or the new.

    No text is a formula: names of data may be anything.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    for axes in figure.axes:
        axes.spines[['top', 'right']].set_visible(False)
    aside = Path(path).with_name(Path(path).name + '.part')
    figure.savefig(aside, format='png')
    os.replace(aside, path)


def percent() -> FuncFormatter:
    """Return what writes shares (0..1) at an axis as per cent."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, _: f'{100 * share:.4g} %')


def title(*lines: str) -> str:
    """Return a title of those ``lines`` that say something."""
    return '\n'.join(line for line in lines if line)


def percent_axis(axis: Axis) -> None:
    """Write the shares (0..1) at ``axis`` as per cent."""
    axis.set_major_formatter(percent())
