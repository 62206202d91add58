"""What was measured of a classifier, as tables and plots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table

from ..core.attributes.classifier import Classifier
from ..core.types import GENDERS
from . import plots
from .data import Sample
from .exported import probabilities_of
from .robustness import DEGRADATIONS, near_face

#: Beginnings of the names of numbers that read best as per cent.
SHARES = ('accuracy', 'recall', 'found', 'gap', 'worst')


def tables_of(report: dict) -> list[Table]:
    """Return what ``report_of`` found as tables to read in a terminal."""
    numbers, counts = report['numbers'], report.get('images_of_group')
    model, data = report['model'], report['data']
    overall = Table('number', 'value', caption=escape(f'{model["file"]}, {data["split"]} set'))
    for name, value in numbers.items():
        if not name.startswith(('recall_', 'accuracy_race_', 'accuracy_age_')):
            overall.add_row(name, _readable(name, value))
    classes = Table('label', 'images', 'recall', 'most often taken for', title='Labels')
    for index, (label, row) in enumerate(zip(model['labels'], report['confusion'])):
        others = [
            (count, model['labels'][predicted])
            for predicted, count in enumerate(row)
            if predicted != index and count
        ]
        count, other = max(others, default=(0, ''))
        classes.add_row(
            label,
            str(sum(row)),
            _percent(numbers.get(f'recall_{label}')),
            f'{other} ({_percent(count / sum(row))})' if count else '',
        )
    tables = [overall, classes]
    if counts:
        groups = Table('group', 'images', 'all', *GENDERS, title='Accuracy of groups')
        for name in [name for name in counts if not name.endswith(GENDERS)]:
            groups.add_row(
                name,
                str(counts[name]),
                *(
                    _percent(numbers.get(f'accuracy_{name}{which}'))
                    for which in ('', *(f'_{gender}' for gender in GENDERS))
                ),
            )
        tables.append(groups)
    if 'robustness' in report:
        meanings = {entry.name: entry.meaning for entry in DEGRADATIONS}
        degraded = Table('degradation', 'meaning', 'accuracy', title='Degraded images')
        for name, value in report['robustness'].items():
            degraded.add_row(name, meanings.get(name, 'as it is'), _percent(value))
        tables.append(degraded)
    return tables


def _percent(share: float | None) -> str:
    return '' if share is None else f'{100 * share:.1f} %'


def _readable(name: str, value: float) -> str:
    return _percent(value) if name.startswith(SHARES) else f'{value:g}'


def write_plots(classifier: Classifier, samples: list[Sample], report: dict, folder: Path) -> None:
    """
    Draw what ``report_of`` found, and the worst mistakes, as PNG files in ``folder``.

    ``worst_mistakes.png`` shows images of the data set: a local file, not to be published.
    """
    labels = np.array([sample.label for sample in samples])
    names, probabilities = classifier.model.labels, probabilities_of(classifier, samples)
    subject = f'{report["model"]["file"]}, {report["data"]["split"]} set, {len(samples)} images'
    plots.confusion_matrix(np.array(report['confusion']), names, folder / 'confusion.png', subject)
    plots.reliability(probabilities, labels, folder / 'reliability.png', subject)
    plots.worst_mistakes(
        [near_face(sample) for sample in samples],
        probabilities,
        names,
        folder / 'worst_mistakes.png',
        subject,
    )
    if 'robustness' in report:
        plots.robustness(report['robustness'], DEGRADATIONS, folder / 'robustness.png', subject)
