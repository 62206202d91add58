"""How good a classifier or a detector is, as plots; Matplotlib is loaded on the first call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .figures import BLUE, GRAY, LINES, ORANGE, figure_of, percent, save, title

if TYPE_CHECKING:
    from .data import Sample
    from .robustness import Degradation

#: Confidence of the intervals that are drawn around shares.
CONFIDENCE = 0.95
#: Rows and columns of the grid of mistakes.
GRID = (4, 6)


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
    figure.suptitle(title('What the network predicts for each label', subject))
    bar = figure.colorbar(image, ax=axes, shrink=0.8, format=percent())
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
        title(
            'How far a stated confidence can be trusted',
            subject,
            f'expected calibration error {calibration_error(probabilities, labels):.3f} '
            f'({CALIBRATION_BINS} bins)',
        )
    )
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={'height_ratios': (3, 1)})
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
    top.yaxis.set_major_formatter(percent())
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
    bottom.yaxis.set_major_formatter(percent())
    bottom.set_xlabel('confidence: probability that the network states for its prediction')
    bottom.xaxis.set_major_formatter(percent())
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
        title(
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
    axes.xaxis.set_major_formatter(percent())
    axes.set_xlabel(f'accuracy (dashed: {100 * clean:.1f} % on the images as they are)')
    figure.suptitle(title('What cameras and detectors cost', subject))
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
        axis.set_major_formatter(percent())
    axes.set_xlabel('recall (share of the faces that are found)')
    axes.set_ylabel('precision (share of the boxes that are faces)')
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc='lower left')
    figure.suptitle(title('Faces found and false alarms', subject))
    save(figure, path)
