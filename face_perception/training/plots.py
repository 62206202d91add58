"""
Images of how training goes and of how good a classifier is.

Matplotlib is loaded on the first call.  No pyplot: nothing global is touched, and no display is
looked for.  The colours are those that people with colour blindness tell apart (Okabe and Ito
2008), and shades of one hue.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import cycle
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    from .data import Sample
    from .robustness import Degradation

BLUE, ORANGE, GREEN, GRAY = '#0072B2', '#D55E00', '#009E73', '#777777'
LINES = (BLUE, ORANGE, GREEN, '#CC79A7', '#E69F00', '#56B4E9')
#: Confidence of the intervals that are drawn around shares.
CONFIDENCE = 0.95
#: Rows and columns of the grid of mistakes.
GRID = (4, 6)


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
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.5))
    _draw_lines(top, history, losses)
    top.set_ylabel('loss')
    _draw_lines(middle, history, shares)
    middle.set_ylabel('on the validation set')
    middle.yaxis.set_major_formatter(_percent())
    _mark_best(middle, history, shares[:1])
    _draw_lines(bottom, history, ['learning_rate'])
    bottom.set_ylim(bottom=0)
    bottom.set_xlabel('epoch (passes over the training images)')
    bottom.set_xlim(0.5, max(1, len(history)) + 0.5)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    save(figure, path)


def confusion_matrix(
    table: np.ndarray, labels: Sequence[str], path: Path | str, subject: str = ''
) -> None:
    """
    Draw counts ``[K, K]`` (row = true label, column = prediction) as shares of each row.

    ``subject`` names, in the title, what was measured; as in all plots of this module.
    """
    totals = table.sum(axis=1)
    shares = table / np.maximum(totals, 1)[:, np.newaxis]
    size = max(5.5, 2.6 + 0.85 * len(labels))
    figure = figure_of(size + 0.8, size)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f'{100 * share:.0f} %\n{table[row, column]}',
            ha='center',
            va='center',
            fontsize=9,
            color='white' if share > 0.55 else 'black',
        )
    positions = np.arange(len(labels))
    axes.set_xticks(positions, labels)
    axes.set_yticks(positions, [f'{label}\n({total})' for label, total in zip(labels, totals)])
    axes.set_xlabel('prediction of the network')
    axes.set_ylabel('label (its number of images)')
    figure.suptitle(_title('What the network predicts for each label', subject))
    bar = figure.colorbar(image, ax=axes, shrink=0.8, format=_percent())
    bar.set_label('share of the images with the label')
    save(figure, path)


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, path: Path | str, subject: str = ''
) -> None:
    """
    Draw accuracy over stated confidence, and how often each confidence is stated.

    ``probabilities`` is ``[N, K]``, ``labels`` int ``[N]``.  Bins and error are those of
    ``metrics.calibration_error``; the whiskers are Wilson's intervals (1927).
    """
    from scipy.stats import binomtest

    from .metrics import CALIBRATION_BINS, calibration_error

    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    counts = np.histogram(confidence, edges)[0]
    hits = np.histogram(confidence[right], edges)[0]
    used = np.flatnonzero(counts)
    mean = np.histogram(confidence, edges, weights=confidence)[0][used] / counts[used]
    share = hits[used] / counts[used]
    limits = np.array(
        [
            binomtest(int(hits[index]), int(counts[index])).proportion_ci(CONFIDENCE, 'wilson')
            for index in used
        ]
    ).T
    figure = figure_of(6.5, 7.5)
    figure.suptitle(
        _title(
            'How far a stated confidence can be trusted',
            subject,
            f'expected calibration error {calibration_error(probabilities, labels):.3f} '
            f'({CALIBRATION_BINS} bins)',
        )
    )
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot([0, 1], [0, 1], '--', color=GRAY, label='as stated')
    top.errorbar(
        mean,
        share,
        np.abs(limits - share),
        fmt='o-',
        color=BLUE,
        capsize=3,
        label=f'measured, with {100 * CONFIDENCE:.0f} % intervals',
    )
    top.set_ylim(0, 1.02)
    top.set_ylabel('accuracy')
    top.yaxis.set_major_formatter(_percent())
    top.legend(frameon=False, loc='upper left')
    bottom.bar(
        edges[:-1],
        counts / len(labels),
        np.diff(edges),
        align='edge',
        color=BLUE,
        edgecolor='white',
    )
    bottom.set_ylabel('share of\nimages')
    bottom.yaxis.set_major_formatter(_percent())
    bottom.set_xlabel('confidence: probability that the network states for its prediction')
    bottom.xaxis.set_major_formatter(_percent())
    bottom.set_xlim(max(0, edges[used[0]] - 0.02), 1.01)
    save(figure, path)


def worst_mistakes(
    samples: Sequence[Sample],
    probabilities: np.ndarray,
    labels: Sequence[str],
    path: Path | str,
    subject: str = '',
) -> None:
    """
    Draw the images that the network is most confidently wrong about, the worst first.

    ``probabilities`` is ``[N, K]``, one row per sample, ``labels`` names its columns.  The file
    shows images of the data set: it is for the eyes of whoever may see that, not to be
    published or put into a repository.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != np.array([sample.label for sample in samples]))
    worst = wrong[np.argsort(-confidence[wrong], kind='stable')][: GRID[0] * GRID[1]]
    figure = figure_of(1.75 * GRID[1], 2.2 * GRID[0] + 0.9)
    figure.suptitle(
        _title(
            f'The {len(worst)} most confident of {len(wrong)} mistakes',
            subject,
            'shows images of the data set: keep this file to yourself',
        )
    )
    for axes in (grid := figure.subplots(*GRID)).flat:
        axes.set_axis_off()
    for axes, index in zip(grid.flat, worst):
        sample = samples[index]
        axes.imshow(sample.image[..., ::-1])
        axes.set_title(
            f'label: {labels[sample.label]}\nprediction: {labels[predicted[index]]} '
            f'({100 * confidence[index]:.0f} %)',
            fontsize=10,
        )
    save(figure, path)


def robustness(
    table: Mapping[str, float],
    degradations: Sequence[Degradation],
    path: Path | str,
    subject: str = '',
) -> None:
    """Draw the accuracies of ``robustness.accuracies``: what each of ``degradations`` costs."""
    families = list(dict.fromkeys(entry.family for entry in degradations))
    clean = table['clean']
    # A gap between the families.
    positions = [row + 0.8 * families.index(entry.family) for row, entry in enumerate(degradations)]
    values = np.array([table[entry.name] for entry in degradations])
    figure = figure_of(9, 1.6 + 0.27 * (positions[-1] + 1))
    axes = figure.add_subplot()
    axes.axvline(clean, color=GRAY, linestyle='--')
    axes.hlines(positions, values, clean, color=ORANGE, linewidth=2, alpha=0.5)
    axes.plot(values, positions, 'o', color=ORANGE, markersize=6)
    low = min(values.min(), clean)
    span = max(clean, values.max()) - low + 0.01
    for position, value in zip(positions, values):
        axes.annotate(
            f'{100 * value:.1f} %',
            (min(value, clean), position),
            (-8, 0),
            textcoords='offset points',
            ha='right',
            va='center',
            fontsize=9,
        )
    axes.set_yticks(positions, [f'{entry.family}, {entry.meaning}' for entry in degradations])
    axes.set_ylim(positions[-1] + 1, -1)
    axes.set_xlim(low - 0.15 * span, low + 1.02 * span)
    axes.xaxis.set_major_formatter(_percent())
    axes.set_xlabel(f'accuracy (dashed: {100 * clean:.1f} % on the images as they are)')
    figure.suptitle(_title('What cameras and detectors cost', subject))
    save(figure, path)


def precision_recall(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    threshold: tuple[float, float, float],
    path: Path | str,
    subject: str = '',
) -> None:
    """
    Draw precision over recall of detectors: ``curves`` by name, each recalls and precisions.

    ``threshold`` marks one point: the score, and recall and precision of the boxes above it.
    """
    figure = figure_of(7, 5.5)
    axes = figure.add_subplot()
    for (name, (recall, precision)), color in zip(curves.items(), cycle(LINES)):
        axes.plot(recall, precision, color=color, label=name)
    score, recall_there, precision_there = threshold
    axes.plot(
        recall_there,
        precision_there,
        'o',
        color='black',
        markersize=8,
        fillstyle='none',
        label=f'score {score:g}: precision {100 * precision_there:.1f} %, '
        f'recall {100 * recall_there:.1f} %',
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_percent())
    axes.set_xlabel('recall (share of the faces that are found)')
    axes.set_ylabel('precision (share of the boxes that are faces)')
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc='lower left')
    figure.suptitle(_title('Faces found and false alarms', subject))
    save(figure, path)


def figure_of(width: float, height: float) -> Figure:
    """Return an empty figure of ``width`` x ``height`` inches, to be drawn by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path | str) -> None:
    """Write the PNG file ``path``; somebody who reads it meanwhile sees the old or the new."""
    for axes in figure.axes:
        axes.spines[['top', 'right']].set_visible(False)
    aside = Path(path).with_name(Path(path).name + '.part')
    figure.savefig(aside, format='png')
    os.replace(aside, path)


def _percent() -> FuncFormatter:
    """Return what writes shares (0..1) at an axis as per cent."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, _: f'{100 * share:.4g} %')


def _title(*lines: str) -> str:
    return '\n'.join(line for line in lines if line)


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


def percent_axis(axis: Axis) -> None:
    """Write the shares (0..1) at ``axis`` as per cent."""
    axis.set_major_formatter(_percent())
