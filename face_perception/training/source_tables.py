"""What was measured across sources, as tables."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from .confidence import THRESHOLDS

ALL = 'all'


def markdown_of(report: dict) -> str:
    """Return the table of ``measure`` as Markdown, as the model card shows it."""
    names = report['models']
    heads = [
        'source',
        'faces',
        'images',
        *(head for name in names for head in (name, 'own boxes')),
    ]
    lines = [f'| {" | ".join(heads)} |', '|---' * len(heads) + '|']
    for row in report['rows']:
        cells = [row['source'] if row['group'] == ALL else '', row['group'], str(row['pictures'])]
        for name in names:
            numbers = row['models'][name]
            cells += [_percent(numbers['accuracy']), _percent(numbers.get('own_boxes'))]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def confidence_markdown_of(report: dict) -> str:
    """Return accuracy over the share answered, per source, as Markdown."""
    sources = report['confidence']
    lines = [
        f'| at least | {" | ".join(sources)} |',
        '|---' * (len(sources) + 1) + '|',
    ]
    for index, threshold in enumerate(THRESHOLDS):
        cells = [
            f'{_percent(points[index]["accuracy"])} of {_percent(points[index]["answered"])}'
            for points in sources.values()
        ]
        lines.append(f'| {threshold:g} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def table_of(report: dict) -> Table:
    """Return the table of ``measure`` to read in a terminal."""
    table = Table('source', 'faces', 'images', 'found')
    for name in report['models']:
        table.add_column(Text(name))  # names may be anything: they are no markup
        table.add_column('own boxes')
    for row in report['rows']:
        table.add_row(
            Text(row['source'] if row['group'] == ALL else ''),
            Text(row['group']),
            str(row['pictures']),
            _percent(row['found']),
            *(
                _percent(row['models'][name].get(what))
                for name in report['models']
                for what in ('accuracy', 'own_boxes')
            ),
            end_section=False,
        )
    return table


def _percent(share: float | None) -> str:
    return '' if share is None else f'{100 * share:.1f} %'
