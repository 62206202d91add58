"""Which files can be made of an input, and what makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ...core.errors import FacePerceptionError
from ...core.extras import install_command
from ...media.bags.reader import Bag
from ..readers import Reader
from ..types import Job, Sink


@dataclass(frozen=True)
class SinkContext:
    """Where a sink writes, and what it may ask."""

    job: Job
    reader: Reader
    folder: Path


def _table(context: SinkContext) -> Sink:
    from .table import Table

    return Table(context.folder, context.job.name)


def _video(context: SinkContext) -> Sink:
    from .images import AnnotatedImages, AnnotatedVideos

    if context.reader.stills:
        return AnnotatedImages(context.folder)
    # Asked before the frames are read: a bag can be read at one place at a time.
    rates = {topic: context.reader.rate(topic) for topic in context.reader.topics or ('',)}
    return AnnotatedVideos(context.folder, rates)


def _bag(context: SinkContext) -> Sink | None:
    from .bag_output import BagOutput

    if context.reader.stills:  # they have no time
        return None
    source = Bag(context.job.source) if context.reader.topics else None
    return BagOutput(
        context.folder,
        context.reader.topics,
        source,
        context.job.annotated,
        bool(context.job.anonymize),
    )


def _summary(context: SinkContext) -> Sink:
    from .summary.summary import SummaryPicture

    job = context.job
    return SummaryPicture(context.folder, job.name, job.anonymize)


def _rrd(context: SinkContext) -> Sink:
    from .rerun_log import RerunLog

    return RerunLog(context.folder, context.job.name)


#: How each output is made; ``None`` where an input cannot have it.
OUTPUTS: dict[str, Callable[[SinkContext], Sink | None]] = {
    'table': _table,
    'video': _video,
    'bag': _bag,
    'summary': _summary,
    'rrd': _rrd,
}
#: Outputs that need more: a package, and the extra that brings it.
_NEEDS = {'summary': ('matplotlib', 'offline'), 'rrd': ('rerun', 'view')}


def check_outputs(jobs: Iterable[Job]) -> None:
    """Raise ``FacePerceptionError`` for an output that cannot be made here."""
    for name in {name for job in jobs for name in job.outputs} & set(_NEEDS):
        package, extra = _NEEDS[name]
        if find_spec(package) is None:
            raise FacePerceptionError(
                f"the output '{name}' needs {package}: run {install_command(extra)}, or choose "
                'others with --outputs'
            )
