"""
Tasks on several processes of this machine.

Each is a fresh interpreter that does one task after the other and loads the models once.  It
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
from ..run import run_task
from ..types import Task, TaskReport
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

    def begin(self, place: int, task: Task) -> bool:
        """Give a task to a process that has none, or to a new one."""
        for worker in [worker for worker in self._workers if worker.place is None]:
            if worker.give(place, task):
                return True
            self._workers.remove(worker)
        if len(self._workers) == self._count:
            return False
        worker = Worker()
        if worker.give(place, task):
            self._workers.append(worker)
        return worker in self._workers

    def hear(self, timeout_s: float) -> Iterator[tuple[int, Step | TaskReport | Fault | Lost]]:
        """Give what the processes say, or that they are gone."""
        busy = [(worker, worker.place) for worker in self._workers if worker.place is not None]
        ready = pipes.wait([worker.connection for worker, _ in busy], timeout_s)
        for worker, place in busy:
            if worker.connection not in ready:
                continue
            said: Step | TaskReport | Fault | Lost
            try:
                said = worker.connection.recv()
            except (EOFError, OSError):
                self._workers.remove(worker)
                said = Lost(
                    f'the process that was at it {worker.ending()}, {MOST_ATTEMPTS} times: '
                    'use fewer --workers, or smaller inputs'
                )
            if not isinstance(said, Step):
                worker.place = None
            yield place, said

    def end(self, tasks: Sequence[Task]) -> None:
        """Stop all processes: they clean up, or are made to end."""
        for worker in self._workers:
            try:
                if worker.place is not None:
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
    """A process that does tasks, and the place of the one that it is at."""

    def __init__(self):
        context = multiprocessing.get_context('spawn')
        self.connection, theirs = context.Pipe()
        self.place: int | None = None
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        with _blocked_signals():
            self.process.start()
        theirs.close()

    def give(self, place: int, task: Task) -> bool:
        """Let it begin a task; return False when it has died meanwhile."""
        try:
            self.connection.send(task)
        except OSError:
            return False
        self.place = place
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
    """Do the tasks that come through the pipe, until it is closed."""
    while True:
        try:
            task = connection.recv()
            if not isinstance(task, Task):  # told to stop just when it had finished
                return
            answer = _work(task, connection)
            if answer is None:
                return
            connection.send(answer)
        except (EOFError, OSError):  # the parent has ended
            return


def _work(task: Task, connection: pipes.Connection) -> TaskReport | Fault | None:
    """Do one task; ``None`` when the parent wants no answer any more."""

    def tell(done: int, total: int | None) -> None:
        try:
            if not connection.poll():
                connection.send(Step(done, total))
                return
        except OSError:  # the parent has ended
            pass
        # While a worker is at a task, its parent says nothing but that it is to stop.
        raise InterruptedRunError('stopped')

    try:
        return run_task(task, Steps(tell, STEP_PERIOD_S))
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
