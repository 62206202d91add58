"""
Jobs on several processes of this machine.

Each is a fresh interpreter that does one job after the other and loads the models once.  It
talks to its parent through a pipe: when either end is gone the other notices.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection as pipes
from multiprocessing import resource_tracker

from ...core.errors import FacePerceptionError
from ..errors import InterruptedRunError
from ..run import run_job
from ..types import Job, JobReport
from .protocol import Fault, Lost, Step
from .supervisor import MOST_ATTEMPTS, Steps

#: Seconds between two steps that a worker tells, and that workers get to clean up.
STEP_PERIOD_S = 0.1
GRACE_S = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Processes:
    """A crew of at most ``count`` processes, which are started as they are needed."""

    def __init__(self, count: int):
        self._count = count
        self._workers: list[Worker] = []

    def begin(self, number: int, job: Job) -> bool:
        """Give a job to a process that has none, or to a new one."""
        for worker in [worker for worker in self._workers if worker.number is None]:
            if worker.give(number, job):
                return True
            self._workers.remove(worker)
        if len(self._workers) == self._count:
            return False
        worker = Worker()
        if worker.give(number, job):
            self._workers.append(worker)
        return worker in self._workers

    def hear(self, timeout_s: float) -> Iterator[tuple[int, Step | JobReport | Fault | Lost]]:
        """Give what the processes say, or that they are gone."""
        busy = [(worker, worker.number) for worker in self._workers if worker.number is not None]
        ready = pipes.wait([worker.connection for worker, _ in busy], timeout_s)
        for worker, number in busy:
            if worker.connection not in ready:
                continue
            said: Step | JobReport | Fault | Lost
            try:
                said = worker.connection.recv()
            except (EOFError, OSError):
                self._workers.remove(worker)
                said = Lost(
                    f'the process that was at it {worker.ending()}, {MOST_ATTEMPTS} times: '
                    'use fewer --workers, or smaller inputs'
                )
            if not isinstance(said, Step):
                worker.number = None
            yield number, said

    def end(self, jobs: Sequence[Job]) -> None:
        """Stop all processes: they clean up, or are made to end."""
        for worker in self._workers:
            try:
                if worker.number is not None:
                    worker.connection.send('stop')
                else:
                    worker.connection.close()
            except OSError:  # it has ended
                pass
        deadline = time.monotonic() + GRACE_S
        for worker in self._workers:
            worker.process.join(max(deadline - time.monotonic(), 0))
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()


class Worker:
    """A process that does jobs, and the number of the one that it is at."""

    def __init__(self):
        context = multiprocessing.get_context('spawn')
        self.connection, theirs = context.Pipe()
        self.number: int | None = None
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        with _blocked_signals():
            self.process.start()
        theirs.close()

    def give(self, number: int, job: Job) -> bool:
        """Let it begin a job; return False when it has died meanwhile."""
        try:
            self.connection.send(job)
        except OSError:
            return False
        self.number = number
        return True

    def ending(self) -> str:
        """Return how it died."""
        self.process.join(GRACE_S)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f'ended with code {code}'
        name = signal.Signals(-code).name
        hint = ', as happens where memory runs out' if -code == signal.SIGKILL else ''
        return f'was ended by {name}{hint}'


def serve(connection: pipes.Connection) -> None:
    """Do the jobs that come through the pipe, until it is closed."""
    while True:
        try:
            job = connection.recv()
            if not isinstance(job, Job):  # told to stop just when it had finished
                return
            outcome = _work(job, connection)
            if outcome is None:
                return
            connection.send(outcome)
        except (EOFError, OSError):  # the parent has ended
            return


def _work(job: Job, connection: pipes.Connection) -> JobReport | Fault | None:
    """Do one job; ``None`` when the parent wants no outcome any more."""

    def tell(done: int, total: int | None) -> None:
        try:
            if not connection.poll():
                connection.send(Step(done, total))
                return
        except OSError:  # the parent has ended
            pass
        # While a worker is at a job, its parent says nothing but that it is to stop.
        raise InterruptedRunError('stopped')

    try:
        return run_job(job, Steps(tell, STEP_PERIOD_S))
    except InterruptedRunError:
        return None
    except FacePerceptionError as error:
        return Fault(str(error))


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """
    Let processes that are started meanwhile never hear Ctrl-C and its like.

    A terminal sends it to all of them: the parent tells its workers to stop.
    """
    resource_tracker.ensure_running()  # it would unblock them
    former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
