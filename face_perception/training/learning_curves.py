"""How a training run goes, as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from .figures import LINES, figure_of, percent, save


def learning_curves(history: Sequence[Mapping], path: Path | str) -> None:
    """
    Draw a run so far: losses, shares of the validation set and learning rate over epochs.

    ``history`` has one entry per epoch with ``epoch``, ``loss``, ``learning_rate``, ``seconds``
    and what was measured, such as ``accuracy``, the main number first.  Of the keys those that
    end in ``loss`` are drawn as losses and others whose values all are 0..1 as shares; what
    is no number is left out.  The file is replaced whole, to be watched while the run goes on.
    """
    from matplotlib.ticker import MaxNLocator

    keys = list(dict.fromkeys(key for entry in history for key in entry))
    losses = [key for key in keys if key.endswith('loss')]
    shares = [
        key
        for key in keys
        if key not in ('epoch', 'learning_rate', 'seconds', *losses)
        and (values := _numbers(history, key)[1])
        and 0 <= min(values) <= max(values) <= 1
    ]
    figure = figure_of(8, 8)
    figure.suptitle(_run_title(history))
    top, middle, bottom = figure.subplots(
        3, 1, sharex=True, gridspec_kw={'height_ratios': (3, 3, 1.5)}
    )
    _draw_lines(top, history, losses)
    top.set_ylabel('loss')
    _draw_lines(middle, history, shares)
    middle.set_ylabel('on the validation set')
    middle.yaxis.set_major_formatter(percent())
    _mark_best(middle, history, shares[:1])
    _draw_lines(bottom, history, ['learning_rate'])
    bottom.set_ylim(bottom=0)
    bottom.set_xlabel('epoch (passes over the training images)')
    bottom.set_xlim(0.5, max(1, len(history)) + 0.5)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    save(figure, path)


def _numbers(history: Sequence[Mapping], key: str) -> tuple[list[int], list[float]]:
    """Return the epochs that have a finite number under ``key``, and the numbers."""
    found = [
        (entry.get('epoch', number), entry[key])
        for number, entry in enumerate(history, 1)
        if isinstance(entry.get(key), Real) and np.isfinite(entry[key])
    ]
    return [epoch for epoch, _ in found], [value for _, value in found]


def _draw_lines(axes: Axes, history: Sequence[Mapping], keys: Sequence[str]) -> None:
    """Draw the numbers under ``keys`` that there are over the epochs."""
    for key, color in zip(keys, cycle(LINES)):
        epochs, values = _numbers(history, key)
        if values:
            axes.plot(epochs, values, '.-', color=color, markersize=4, label=key.replace('_', ' '))
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(frameon=False, loc='best')


def _mark_best(axes: Axes, history: Sequence[Mapping], keys: Sequence[str]) -> None:
    """Mark where the numbers under each of ``keys`` are highest."""
    for key in keys:
        epochs, values = _numbers(history, key)
        if values:
            best = int(np.argmax(values))
            axes.plot(
                epochs[best], values[best], 'o', color='black', markersize=8, fillstyle='none'
            )
            axes.set_title(
                f'highest {key.replace("_", " ")}: {100 * values[best]:.1f} % '
                f'after epoch {epochs[best]}',
                fontsize=10,
                loc='right',
            )


def _run_title(history: Sequence[Mapping]) -> str:
    seconds = round(sum(_numbers(history, 'seconds')[1]))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    spent = f'{hours} h {minutes} min' if hours else f'{minutes} min {seconds % 60} s'
    return f'Training: epochs {len(history)}, time {spent}'
