"""
Measure classifiers on images of several sources, group by group, in one table.

``python -m face_perception.training.across_sources MODEL [OTHER ...] --data DATA [DATA ...]``

``MODEL`` is an ONNX file; further ones of the same task, such as a published network that was
brought into the form of this package, are measured on the same images beside it.  A source
that one of the files has learned from, as it says itself, is measured on what is held out of it,
any other one on all its images.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from ..console.endings import exit_status
from ..core.attributes.classifier import Classifier
from ..core.errors import ModelError
from ..core.types import Box
from .checkpoints import writable_folder
from .classifier_report import AGE_GROUPS
from .confidence import THRESHOLDS, answered
from .data import RACES, Data, DatasetError, Sample, load_samples
from .data.entries import SPLITS, VALIDATION
from .detector_boxes import find_face
from .exported import load, metadata_of, probabilities_of
from .metrics import accuracy
from .options import add_malformed
from .provenance import warn_of_other_copies
from .robustness import near_face
from .source_plots import draw_confidence, draw_rows
from .source_tables import ALL, confidence_markdown_of, markdown_of, table_of

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """Who is counted: the images of ``source`` where ``members`` (bool ``[N]``) says so."""

    source: str
    group: str
    members: np.ndarray


@dataclass(frozen=True)
class Predictions:
    """What a network says: probabilities ``[N, K]`` with the given boxes and with found ones."""

    given: np.ndarray
    own: np.ndarray


def images_of(
    path: Path, task: str, data: Data, margin: float, malformed: str, others: Sequence[Path] = ()
) -> list[Sample]:
    """
    Return the images to measure the file at ``path`` on, and ``others`` beside it.

    None of them has learned from these.  Sources of which nothing is left are named in warnings.
    Raises ``DatasetError`` when there are no images at all.
    """
    learned = set().union(*map(learned_from, (path, *others)))
    samples = []
    sources: set[str] = set()
    for split in SPLITS:
        try:
            found = load_samples(task, data, margin, split, malformed)
        except DatasetError as error:
            if 'has no usable image' not in str(error):
                raise
            continue
        sources |= {sample.source for sample in found}
        for each in (path, *others) if split == VALIDATION else ():
            warn_of_other_copies(each, (sample.source for sample in found))
        samples += [
            sample for sample in found if split == VALIDATION or sample.source not in learned
        ]
    for source in sorted(sources - {sample.source for sample in samples}):
        _logger.warning(
            '%s: not measured, as the network learned from it and none of its images is held out',
            source,
        )
    if not samples:
        raise DatasetError('there are no images to measure on')
    return samples


def learned_from(path: Path) -> set[str]:
    """Return the sources that the file at ``path`` says it, or what it began with, learned from."""
    try:
        said = json.loads(metadata_of(path).get('training', '{}'))
    except ValueError:
        return set()
    sources: set[str] = set()
    queue = [said]
    while queue:
        entry = queue.pop()
        if not isinstance(entry, dict):
            continue
        sets = entry.get('data_sets')
        named = sets if isinstance(sets, (dict, list)) else ()
        sources |= {name for name in named if isinstance(name, str)}
        queue.append(entry.get('started_from'))
        for several in (entry.get('teachers'), entry.get('mean_of')):
            queue += several if isinstance(several, list) else ()
    return sources


def rows_of(samples: Sequence[Sample], labels: Sequence[str]) -> list[Row]:
    """
    Return the rows of the table: by source all, each label, age band, race and other group.

    A group that is called as one of the others is told apart by a word behind its name.
    """
    sources, truths, ages, races = (
        np.array(values)
        for values in zip(
            *(
                (
                    sample.source,
                    sample.label,
                    sample.groups.get('age', -1),
                    sample.groups.get('race', -1),
                )
                for sample in samples
            )
        )
    )
    groups = np.array(
        ['' if sample.groups.get('race', -1) >= 0 else sample.group for sample in samples]
    )
    rows = []
    for source in dict.fromkeys(sources.tolist()):
        inside = sources == source
        named = [(ALL, inside)]
        named += [(name, inside & (truths == index)) for index, name in enumerate(labels)]
        named += [
            (f'{low} to {high} years', inside & (ages >= low) & (ages <= high))
            for low, high in AGE_GROUPS
        ]
        named += [(name, inside & (races == index)) for index, name in enumerate(RACES)]
        taken = {name for name, _ in named}
        named += [
            (f'{name} (group)' if name in taken else name, inside & (groups == name))
            for name in np.unique(groups).tolist()
            if name
        ]
        rows += [Row(source, name, members) for name, members in named if members.any()]
    return rows


def measure(classifiers: Sequence[Classifier], samples: list[Sample], detector: str) -> dict:
    """
    Return what ``classifiers`` of one task get right on ``samples``, as plain data.

    ``rows``: by source and group the number of images, the share in which ``detector``
    (``onnx``, ``haar``) finds the face, and per model ``accuracy`` with the given boxes,
    ``same_faces`` the same where a face was found, and ``own_boxes`` with the detector's.
    ``confidence``: of the first model, by source, accuracy and share answered by threshold.
    """
    labels = np.array([sample.label for sample in samples])
    near = [near_face(sample) for sample in samples]
    boxes = found_boxes(samples, detector)
    found = np.array([box is not None for box in boxes])
    served = [replace(sample, box=box or sample.box) for sample, box in zip(near, boxes)]
    names = _names(classifiers)
    predictions = {
        name: Predictions(probabilities_of(model, samples), probabilities_of(model, served))
        for name, model in zip(names, classifiers)
    }
    rows = rows_of(samples, classifiers[0].model.labels)
    return {
        'detector': detector,
        'models': names,
        'rows': [
            {
                'source': row.source,
                'group': row.group,
                'pictures': int(row.members.sum()),  # of files that exist: sources.json
                'found': round(float(found[row.members].mean()), 4),
                'models': {
                    name: _numbers(predictions[name], labels, row.members, found) for name in names
                },
            }
            for row in rows
        ],
        'confidence': {
            row.source: answered(
                predictions[names[0]].given[row.members], labels[row.members], THRESHOLDS
            )
            for row in rows
            if row.group == ALL
        },
    }


def found_boxes(samples: Sequence[Sample], detector: str) -> list[Box | None]:
    """Return the box that ``detector`` draws in each image as ``near_face`` shows it."""
    shown = track(samples, 'detecting', console=Console(stderr=True), transient=True)
    return [find_face(near_face(sample).image, detector) for sample in shown]


def _names(classifiers: Sequence[Classifier]) -> list[str]:
    """Return the names of the files, told apart by their folders where they are the same."""
    paths = [classifier.model.path for classifier in classifiers]
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _numbers(
    predictions: Predictions, labels: np.ndarray, members: np.ndarray, found: np.ndarray
) -> dict[str, float]:
    numbers = {'accuracy': accuracy(predictions.given[members], labels[members])}
    both = members & found
    if both.any():
        numbers['same_faces'] = accuracy(predictions.given[both], labels[both])
        numbers['own_boxes'] = accuracy(predictions.own[both], labels[both])
    return {name: round(value, 4) for name, value in numbers.items()}


def parse_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.across_sources',
        description='Measure classifiers source by source and group by group.',
    )
    parser.add_argument(
        'model', nargs='+', type=Path, help='ONNX file; further ones are measured beside it'
    )
    parser.add_argument(
        '--data', required=True, nargs='+', help='files or folders with the data sets'
    )
    parser.add_argument(
        '--detector',
        choices=('onnx', 'haar'),
        default='onnx',
        help='whose boxes to use beside the given ones (default: %(default)s)',
    )
    parser.add_argument(
        '--output', type=Path, metavar='DIR', help='write the table (JSON, Markdown) and plots here'
    )
    add_malformed(parser)
    return parser.parse_args()


def write(report: dict, folder: Path) -> None:
    """Write ``sources.json``, ``sources.md``, ``sources.png`` and ``confidence.png``."""
    text = json.dumps(report, indent=2) + '\n'
    (folder / 'sources.json').write_text(text, encoding='utf-8')
    tables = markdown_of(report) + '\n' + confidence_markdown_of(report)
    (folder / 'sources.md').write_text(tables, encoding='utf-8')
    draw_rows(report, folder / 'sources.png')
    draw_confidence(report, folder / 'confidence.png')


def run(arguments: argparse.Namespace) -> None:
    """Print the table, and write it where that was asked for."""
    if arguments.output:  # found out before the measuring if it cannot be used
        writable_folder(arguments.output)
    classifiers = [load(path) for path in arguments.model]
    first = classifiers[0].model
    for classifier in classifiers[1:]:
        if classifier.model.task != first.task:
            raise ModelError(
                f'{classifier.model.path} is for {classifier.model.task}, '
                f'{first.path} for {first.task}: measure one task at a time'
            )
    samples = images_of(
        arguments.model[0],
        first.task,
        arguments.data,
        first.crop_margin,
        arguments.malformed,
        arguments.model[1:],
    )
    report = measure(classifiers, samples, arguments.detector)
    Console().print(table_of(report))
    if arguments.output:
        write(report, arguments.output)
        print(f'written: {arguments.output}')


def main() -> int:
    """Run the command line; returns the exit status."""
    return exit_status(run, parse_arguments())


if __name__ == '__main__':
    sys.exit(main())
