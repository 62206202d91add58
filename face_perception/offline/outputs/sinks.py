"""Which files can be made of an input, and what makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ...core.errors import FacePerceptionError
from ...core.types import FrameResult
from ...media.bags.reader import Bag
from ..readers import Reader
from ..types import Frame, Sink, Task


@dataclass(frozen=True)
class Place:
    """Where a sink writes, and what it may ask."""

    task: Task
    reader: Reader
    folder: Path


def _table(place: Place) -> Sink:
    from .table import Table

    return Table(place.folder, place.task.source.name)


def _video(place: Place) -> Sink:
    from .pictures import AnnotatedPictures, AnnotatedVideos

    if place.reader.stills:
        return AnnotatedPictures(place.folder)
    # Asked before the frames are read: a bag can be read at one place at a time.
    rates = {topic: place.reader.rate(topic) for topic in place.reader.topics or ('',)}
    return AnnotatedVideos(place.folder, rates)


def _bag(place: Place) -> Sink | None:
    from .bag_output import BagOutput

    if place.reader.stills:  # they have no time
        return None
    source = Bag(place.task.source) if place.reader.topics else None
    return BagOutput(
        place.folder, place.reader.topics, source, place.task.annotated, bool(place.task.anonymize)
    )


def _summary(place: Place) -> Sink:
    return _load('summary.summary', 'SummaryPicture')(
        place.folder, place.task.source.name, _anonymized(place.task)
    )


def _rrd(place: Place) -> Sink:
    return _load('rerun_log', 'RerunLog')(
        place.folder, place.task.source.name, _anonymized(place.task)
    )


@dataclass(frozen=True)
class Anonymized:
    """Stands for an anonymizer whose work is done: sinks only see what may be shown."""

    how: str

    def __call__(self, frame: Frame, result: FrameResult) -> np.ndarray:
        """Return the frame's picture."""
        return frame.picture


def _anonymized(task: Task) -> Anonymized | None:
    return Anonymized(task.anonymize) if task.anonymize else None


#: How each output is made; ``None`` where an input cannot have it.
OUTPUTS: dict[str, Callable[[Place], Sink | None]] = {
    'table': _table,
    'video': _video,
    'bag': _bag,
    'summary': _summary,
    'rrd': _rrd,
}
#: Outputs that need more: their module, a package, and the extra that brings it.
_NEEDS = {
    'summary': ('summary.summary', 'matplotlib', 'offline'),
    'rrd': ('rerun_log', 'rerun', 'view'),
}


def check_outputs(tasks: Iterable[Task]) -> None:
    """Raise ``FacePerceptionError`` for an output that cannot be made here."""
    for name in {name for task in tasks for name in task.outputs} & set(_NEEDS):
        module, package, extra = _NEEDS[name]
        if find_spec(package) is None:
            raise FacePerceptionError(
                f"the output '{name}' needs {package}: run pip install "
                f"'face_perception[{extra}]', or choose others with --outputs"
            )
        _load(module)


def _load(module: str, name: str = '') -> Callable:
    try:
        found = import_module(f'{__package__}.{module}')
    except ModuleNotFoundError as error:
        if error.name != f'{__package__}.{module}':
            raise
        raise FacePerceptionError(
            f"this version has no '{module}': choose other outputs with --outputs"
        ) from None
    return getattr(found, name) if name else found
