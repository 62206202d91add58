"""One input, from its first frame to its files in place."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..core.errors import FacePerceptionError, ImageError
from ..core.looks import Look
from ..core.networks import FaceNetworks
from ..core.settings import PipelineSettings
from ..core.stream import FaceStream
from ..core.timing import OFFLINE_STAGES
from ..core.types import FrameResult
from ..media.errors import SourceError
from .errors import is_of_one_input, output_error
from .names import UNFINISHED
from .outputs.sinks import OUTPUTS, SinkContext
from .publishing import make_empty, publish
from .readers import Item, Reader, check_input, open_input
from .report import Counts, conditions, kept_report, write_report
from .threads import ReadAhead, WriteBehind
from .types import Frame, Job, JobReport

Progress = Callable[[int, 'int | None'], None]


def run_job(
    job: Job,
    report_progress: Progress = lambda done, total: None,
    load: Callable[[PipelineSettings], FaceNetworks] | None = None,
    mark: str = '',
) -> JobReport:
    """
    Make the files of one input; they appear in ``job.folder`` together, or not at all.

    ``report_progress`` gets the frames done and their number, ``None`` where that is unknown.
    It may raise, to end the job: nothing is left behind then.  A folder that is whole and was
    made under the same conditions is kept.  An input that cannot be read is ``failed``; one that
    breaks off is too, and what came before the fault is written; and so is one of whose faces a
    network could not say anything.

    ``load`` gives the networks instead of ``load_networks``, for who runs several jobs at a time,
    and ``mark`` tells apart the unfinished folders of two who may be at the same job.

    Raises ``FacePerceptionError`` for what the other inputs would meet too: ``ModelError``,
    ``DetectorError``, or ``OutputError`` where files cannot be written.
    """
    start = time.monotonic()
    networks = (load or load_networks)(job.settings)
    try:
        check_input(job.source)
        under = conditions(job, networks)
        if (kept := kept_report(job, under)) is not None:
            return kept
        reader = open_input(job.source, job.topics, job.max_pixels)
    except (SourceError, OSError) as error:
        return JobReport(job.source, 'failed', str(error))
    unfinished = job.folder.with_name(f'{UNFINISHED}{mark}{job.folder.name}')
    try:
        make_empty(unfinished)
        counts = Counts()
        networks.take_faults()  # of the input before
        files, fault = _make_files(job, networks, reader, unfinished, counts, report_progress)
        fault = fault or reader.fault or next(iter(networks.take_faults().values()), '')
        report = _judge(job, fault, counts, start)
        if not counts.frames:
            return report
        report = replace(report, files=tuple(files))
        write_report(unfinished, under, counts, report)
        publish(unfinished, job.folder)
        return replace(
            report, files=tuple(job.folder / path.relative_to(unfinished) for path in files)
        )
    except SourceError as error:
        return JobReport(job.source, 'failed', str(error))
    except OSError as error:
        if is_of_one_input(error):
            reason = f'its files cannot be written ({error.strerror}): rename it, or move it'
            return JobReport(job.source, 'failed', reason)
        raise output_error(error, job.folder.parent) from None
    except FacePerceptionError:
        raise
    except Exception as error:  # whatever an input does, the next one gets its chance
        return JobReport(
            job.source,
            'failed',
            f'it ended after {error!r}: please report this to the maintainers',
        )
    finally:
        reader.close()
        shutil.rmtree(unfinished, ignore_errors=True)


@lru_cache(maxsize=1)
def load_networks(settings: PipelineSettings) -> FaceNetworks:
    """Return the networks, loaded once for all inputs of a process."""
    return FaceNetworks.load(settings)


def _make_files(
    job: Job,
    networks: FaceNetworks,
    reader: Reader,
    folder: Path,
    counts: Counts,
    report_progress: Progress,
) -> tuple[list[Path], str]:
    """
    Take all frames through the networks and the sinks.

    Returns the files, and the fault that a sink met which reads more of the input.
    """
    writers: list[WriteBehind] = []
    streams = _Streams(networks, reader.stills, job)
    items = looked = None
    try:
        for name in job.outputs:
            sink = OUTPUTS[name](SinkContext(job, reader, folder))
            if sink is not None:
                writers.append(WriteBehind(sink))
        if not writers:
            raise SourceError(
                f'of images no {" or ".join(job.outputs)} can be made, as they have no time: '
                'choose others with --outputs'
            )
        # Reading, detecting, the rest and writing go on beside each other.
        items = ReadAhead(reader.items())
        looked = ReadAhead(map(streams.look, items))
        report_progress(0, reader.total)
        for done, (item, look) in enumerate(looked, 1):
            _process(item, look, streams, writers, counts)
            report_progress(done, reader.total)
        for writer in writers:
            writer.begin_close()
        files = [path for writer in writers for path in writer.files()]
        return files, next((writer.fault for writer in writers if writer.fault), '')
    finally:
        for ahead in (looked, items):
            if ahead is not None:
                ahead.stop()
        for writer in writers:
            writer.abandon()


def _process(
    item: Item,
    look: Look | ImageError | None,
    streams: _Streams,
    writers: list[WriteBehind],
    counts: Counts,
) -> None:
    if item.frame is None:
        counts.add_skipped(item.skipped)
        return
    try:
        frame, result = streams.process(item.frame, look)
    except ImageError as error:
        counts.add_skipped(str(error))
        return
    timings = result.timings
    timings.decode = item.decode
    timings.processing = sum(getattr(timings, name) for name in OFFLINE_STAGES)
    counts.add_frame(len(result.faces), timings)
    for writer in writers:
        writer.add(frame, result)


class _Streams:
    """A stream for each image topic, all with the same networks."""

    def __init__(self, networks: FaceNetworks, stills: bool, job: Job):
        self._networks, self._stills, self._settings = networks, stills, job.settings
        self._anonymizer = None
        if job.anonymize:
            from .outputs.anonymize import Anonymizer

            self._anonymizer = Anonymizer(job.anonymize, num_threads=job.settings.num_threads)
        self._streams: dict[str, FaceStream] = {}

    def look(self, item: Item) -> tuple[Item, Look | ImageError | None]:
        """Run the detector where it is its turn; ``None`` where there is nothing to look for."""
        frame = item.frame
        if self._stills or frame is None:
            return item, None
        if frame.topic not in self._streams:
            self._streams[frame.topic] = FaceStream(self._networks, self._settings)
        try:
            return item, self._streams[frame.topic].look(frame.image, frame.time_ns / 1e9)
        except ImageError as error:
            return item, error

    def process(self, frame: Frame, look: Look | ImageError | None) -> tuple[Frame, FrameResult]:
        """Return the result, and the frame as it may be shown; raise what ``look`` met."""
        if isinstance(look, ImageError):
            raise look
        if look is None:
            result = self._networks(
                frame.image, self._settings.max_faces, self._settings.min_confidence
            )
        else:
            stream = self._streams[frame.topic]
            result = stream.follow(frame.image, look)
        if self._anonymizer is not None:
            # Before any sink has it: none can forget to.
            frame = replace(frame, image=self._anonymizer(frame, result))
        return frame, result


def _judge(job: Job, fault: str, counts: Counts, start: float) -> JobReport:
    """Return what became of an input of which all was read that can be."""
    skipped = sum(counts.skipped.values())
    state, reason = 'done', counts.first_reason
    if not counts.frames:
        state = 'failed'
        reason = fault or reason or f"'{job.source}' holds no image"
    elif fault:
        state, reason = 'failed', fault
    return JobReport(
        job.source, state, reason, counts.frames, counts.faces, skipped, time.monotonic() - start
    )
