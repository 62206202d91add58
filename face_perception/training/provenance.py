"""What a network was made from: the images it saw, and the networks it began with or heard."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..core.errors import ModelError
from .checkpoints import finished_checkpoint
from .exported import metadata_of
from .recipe import RecipeError

_logger = logging.getLogger(__name__)

#: What a checkpoint and an exported file keep of it.
KEPT = ('data_sets', 'started_from', 'teachers', 'mean_of')


def provenance(learner: object, start: str | None = None, teachers: Sequence[str] = ()) -> dict:
    """
    Return what a checkpoint keeps of where its network comes from, as plain data.

    ``data_sets``: by source the numbers of images, as the readers found them
    (``Learner.data_sets``; absent where a learner does not tell).  ``started_from`` and
    ``teachers``: the same of the runs or exported files that it goes on from or learns from.
    Raises ``RecipeError`` or ``ModelError`` when one of these cannot be read.
    """
    made_from = {}
    if (data_sets := getattr(learner, 'data_sets', None)) is not None:
        made_from['data_sets'] = data_sets
    if start:
        made_from['started_from'] = origin(start)
    if teachers:
        made_from['teachers'] = [origin(teacher) for teacher in teachers]
    return made_from


def same_origin(checkpoint: dict, made_from: dict, folder: Path) -> dict:
    """
    Return what the run in ``folder``, of which ``checkpoint`` is, goes on telling of its origin.

    What it began with was said when it began.  Raises ``RecipeError`` when it has learned from
    other images or teachers than those of ``made_from``: its file could not say from which; and
    when it began with something else, as it goes on with its own weights all the same.
    """
    kept = {name: checkpoint[name] for name in KEPT if name in checkpoint}
    now = made_from.get('data_sets')
    if now is not None and kept.get('data_sets', now) != now:
        raise RecipeError(
            f'{folder} holds a run on other data ({counted(kept["data_sets"])}; now: '
            f'{counted(now)}): use a new folder, with --start-from {folder} if it shall go on'
        )
    taught, teachers = kept.get('teachers'), made_from.get('teachers')
    if taught and teachers and taught != teachers:
        former, given = (', '.join(each['name'] for each in named) for named in (taught, teachers))
        raise RecipeError(
            f'{folder} holds a run that learned from other teachers ({former}; now: {given}): use '
            f'a new folder, with --start-from {folder} if it shall go on'
        )
    began, start = kept.get('started_from'), made_from.get('started_from')
    if start and (began or {}).get('name') != start['name']:
        former = began['name'] if began else 'random weights'
        raise RecipeError(
            f'{folder} holds a run that began with {former}, not with {start["name"]}: use a new '
            'folder, or leave --start-from out to go on with it'
        )
    return {**made_from, **kept}


def warn_of_other_copies(path: Path, sources: Iterable[str]) -> None:
    """
    Warn of a source of which others are held out than when the file at ``path`` was trained.

    ``sources`` are those of the images held out that it is to be measured on.  Names decide which
    these are: in a copy of a data set with other names the network has learned from most of them.
    """
    try:
        data_sets = training_of(path).get('data_sets')
    except ModelError:
        return
    for source, count in Counter(sources).items():
        said = data_sets.get(source) if isinstance(data_sets, dict) else None
        if not isinstance(said, dict) or not said.get('training'):
            continue
        if said.get('validation') not in (None, count):
            _logger.warning(
                '%s: %d images are held out, but %s when %s was trained: where this is another '
                'copy of the data set, the network may have learned from them',
                source,
                count,
                said['validation'],
                path.name,
            )


def counted(data_sets: dict) -> str:
    """Return sources and their numbers of training images in words."""
    return ', '.join(f'{name} {counts["training"]}' for name, counts in data_sets.items())


def origin(path: str | Path) -> dict:
    """Return the name of a run or an exported file and the data sets that it says it saw."""
    path = Path(path)
    if path.is_dir():
        said = finished_checkpoint(path)
    else:
        said = training_of(path)
    return {
        'name': path.resolve().name,
        **{name: said[name] for name in KEPT if name in said},
    }


def training_of(path: Path) -> dict:
    """Return what an exported file says of its training; raises ``ModelError``."""
    try:
        said = json.loads(metadata_of(path).get('training', '{}'))
    except ValueError as error:
        raise ModelError(f'{path} does not say in JSON how it was trained: {error}') from error
    return said if isinstance(said, dict) else {}
