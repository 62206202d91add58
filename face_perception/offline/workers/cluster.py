"""
Jobs on the machines of a dask cluster that runs already.

Each job is one input, done where there is room; a job whose worker is lost is done by another.
All machines see inputs and outputs under the same paths.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from ...core.errors import FacePerceptionError
from ...core.extras import install_command
from ...core.files import at_home
from ...core.networks import FaceNetworks
from ...core.settings import PipelineSettings
from ..errors import InterruptedRunError
from ..report import package_version
from ..run import run_job
from ..types import Job, JobReport
from .protocol import Fault, Lost, Progress, Step, new_mark, unfinished
from .supervisor import CHECK_PERIOD_S, Steps, supervise

try:
    import distributed

    INSTALLED = True
except ImportError:  # said when it is asked for
    INSTALLED = False

PACKAGE = 'face_perception'
INSTALL = f'run {install_command("offline", "cluster")}'
#: One and the same from Python 3.11 on.
TIMEOUTS = (TimeoutError, asyncio.TimeoutError)
#: Seconds within which the scheduler, and then a worker, must answer, and without any worker
#: after which a run gives up.
CONNECT_S = 10.0
WORKERLESS_S = 60.0
#: Seconds between two steps that a worker tells, between two looks at the workers, and that they
#: get to clean up.
STEP_PERIOD_S = 0.5
LOOK_PERIOD_S = 5.0
GRACE_S = 10.0


class ClusterError(FacePerceptionError):
    """The cluster cannot do the jobs."""


@dataclass(frozen=True)
class RemoteJob:
    """A job as a worker gets it, with paths that hold on every machine."""

    job: Job
    #: Whether the input was there for whoever sent it.
    present: bool
    #: A file beside the outputs, by which a worker knows that it sees the same folder.
    marker: Path
    #: Under which the steps are told, and the job's number in the run.
    topic: str
    number: int


def run_on_cluster(jobs: Sequence[Job], progress: Progress, address: str) -> None:
    """Run the jobs on the workers of a scheduler; see ``scheduling.run_all``."""
    if not jobs:
        return
    client = _connect(address)
    try:
        _check_workers(client, address)
        with tempfile.NamedTemporaryFile(prefix='.shared-', dir=jobs[0].folder.parent) as marker:
            supervise(jobs, progress, Cluster(client, Path(marker.name).absolute()))
    finally:
        client.close(timeout=2)


class Cluster:
    """The workers of a dask scheduler as a crew: how many there are is the scheduler's business."""

    def __init__(self, client, marker: Path):
        """``marker`` is a file beside the outputs, which the workers are to see too."""
        self._client, self._marker = client, marker
        self._topic = f'{PACKAGE}-{uuid.uuid4().hex}'
        #: Pairs of a job's number and a ``Step``, or ``None`` when it has ended.
        self._events: queue.Queue[tuple[int, Step | None]] = queue.Queue()
        self._futures: dict[int, distributed.Future] = {}
        self._jobs: dict[int, Job] = {}
        self._begun = itertools.count()
        self._workers_seen = self._next_look = time.monotonic()
        client.subscribe_topic(self._topic, self._on_step)

    def begin(self, number: int, job: Job) -> bool:
        """Send a job to the scheduler, which lets it wait where there is no room."""
        self._jobs[number] = job
        future = self._client.submit(
            work,
            RemoteJob(_absolute(job), job.source.exists(), self._marker, self._topic, number),
            key=f'{self._topic}-{number}-{next(self._begun)}',
            pure=False,
        )
        self._futures[number] = future
        future.add_done_callback(lambda _: self._events.put((number, None)))
        return True

    def hear(self, timeout_s: float) -> list[tuple[int, Step | JobReport | Fault | Lost]]:
        """Return what has become of a job."""
        self._look()
        try:
            number, step = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return []
        if step is not None:
            return [(number, step)]
        if number not in self._futures or not self._futures[number].done():
            return []  # the end of a former attempt
        return [(number, self._outcome(self._jobs[number], self._futures.pop(number)))]

    def end(self, jobs: Sequence[Job]) -> None:
        """Let the workers stop what is left, and wait until they have cleaned up."""
        if not self._futures:
            return
        try:
            self._client.cancel(list(self._futures.values()))
        except Exception:  # the scheduler is gone: its workers notice
            pass
        end = time.monotonic() + GRACE_S
        while time.monotonic() < end and any(unfinished(job) for job in jobs):
            time.sleep(CHECK_PERIOD_S)

    def _on_step(self, event) -> None:
        _, (number, done, total) = event
        self._events.put((number, Step(done, total)))

    def _outcome(self, job: Job, future) -> JobReport | Fault | Lost:
        if future.status == 'cancelled':
            return Fault(
                'the scheduler was lost: start it again; the same command goes on where it stopped'
            )
        error = future.exception()
        if error is None:
            outcome = future.result()
            if outcome is None:  # its worker was asked to end
                return Lost(
                    'the workers that were at it were ended, one after the other: run it again'
                )
            return _as_here(outcome, job)
        if isinstance(error, distributed.KilledWorker):
            return JobReport(
                job.source,
                'failed',
                'the workers that were at it were lost, one '
                'after the other, as happens where memory runs out: give them more',
            )
        return Fault(
            f'a worker cannot do it ({_sentence(error)}): on all machines of the cluster, {INSTALL}'
        )

    def _look(self) -> None:
        """Raise when the cluster has had no worker for long."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_PERIOD_S
        try:
            workers = self._client.nthreads()
        except OSError:  # the scheduler is just being lost: the futures say so
            return
        if workers:
            self._workers_seen = now
        elif now - self._workers_seen > WORKERLESS_S:
            raise ClusterError(
                f'the cluster has had no worker for {WORKERLESS_S:.0f} s: start '
                'some; the same command goes on where it stopped'
            )


def work(sent: RemoteJob) -> JobReport | Fault | None:
    """Do one job, on a worker; ``None`` when nobody wants its outcome any more."""
    job, worker = sent.job, distributed.get_worker()
    key = worker.get_current_task()
    if not sent.marker.exists():
        return Fault(
            f"the folder '{job.folder.parent}' of the outputs is not the same on "
            f'{_here(worker)}: use one that all machines share'
        )
    if sent.present and not job.source.exists():
        return JobReport(
            job.source,
            'failed',
            f"'{job.source}' does not exist on "
            f'{_here(worker)}: use a folder that all machines share',
        )

    def tell(done: int, total: int | None) -> None:
        state = worker.state.tasks.get(key)
        if (
            state is None
            or state.state == 'cancelled'
            or worker.status in (distributed.Status.closing, distributed.Status.closed)
        ):
            raise InterruptedRunError('stopped')
        worker.log_event(sent.topic, (sent.number, done, total))

    try:
        # A worker that was given up may still be at it.
        return run_job(job, Steps(tell, STEP_PERIOD_S), _load, new_mark())
    except InterruptedRunError:
        return None
    except FacePerceptionError as error:
        return Fault(f'on {_here(worker)}: {error}')


_loaded = threading.local()


def _load(settings: PipelineSettings) -> FaceNetworks:
    """Return the networks, loaded once for all jobs of a worker's thread with these settings."""
    if getattr(_loaded, 'settings', None) != settings:
        _loaded.networks = FaceNetworks.load(settings)
        _loaded.settings = settings
    return _loaded.networks


def _connect(address: str):
    """Return a client of the scheduler."""
    if not INSTALLED:
        raise ClusterError(f'--scheduler needs dask.distributed: {INSTALL}')
    for name in ('distributed', 'distributed.client'):  # one sentence of ours instead
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # A client that never had an address to connect to would not end.
        distributed.comm.resolve_address(address)
        return distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, *TIMEOUTS, ValueError, RuntimeError) as error:
        raise ClusterError(
            f"the scheduler '{address}' cannot be reached within {CONNECT_S:.0f} s "
            f"({_sentence(error)}): start it with 'dask scheduler', or correct --scheduler"
        ) from None


def _check_workers(client, address: str) -> None:
    """Raise unless there are workers, and all have this package in this version."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TIMEOUTS:
        raise ClusterError(
            f"the scheduler '{address}' has no workers: start some with 'dask worker {address}'"
        ) from None
    wanted = package_version()
    if not wanted:  # colcon installed it: there is no version to compare
        return
    for worker, found in client.run(metadata.version, PACKAGE, on_error='return').items():
        if found != wanted:
            has = found if isinstance(found, str) else 'none'
            raise ClusterError(
                f"the worker '{worker}' needs {PACKAGE} {wanted} and has {has}: "
                f'{INSTALL} there, and start it again'
            )


def _absolute(job: Job) -> Job:
    """Return a job that means the same in every folder."""
    settings = job.settings
    return replace(
        job,
        source=job.source.absolute(),
        folder=job.folder.absolute(),
        settings=replace(
            settings,
            detector_model=_absolute_model(settings.detector_model),
            emotion_model=_absolute_model(settings.emotion_model),
            gender_model=_absolute_model(settings.gender_model),
        ),
    )


def _absolute_model(model: str) -> str:
    """Return where a model lies; the package's own go by bare names, and '' is none."""
    return str(at_home(model).absolute()) if '/' in model else model


def _as_here(outcome: JobReport | Fault, job: Job) -> JobReport | Fault:
    """Return a worker's outcome with the paths that this process uses."""
    if not isinstance(outcome, JobReport):
        return outcome
    folder = job.folder.absolute()
    return replace(
        outcome,
        source=job.source,
        files=tuple(job.folder / path.relative_to(folder) for path in outcome.files),
    )


def _here(worker) -> str:
    return f'the worker {worker.address} ({socket.gethostname()})'


def _sentence(error: BaseException) -> str:
    return ' '.join(str(error).split()).rstrip('.') or type(error).__name__
