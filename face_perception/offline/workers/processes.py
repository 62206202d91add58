"""
Tasks on several processes of this machine.

Each is a fresh interpreter that does one task after the other and loads the models once.  It
talks to its parent through a pipe: when either end is gone the other notices.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection as pipes
from multiprocessing import resource_tracker

from ...core.errors import FacePerceptionError
from ..errors import InterruptedRunError
from ..run import run_task
from ..types import Task, TaskReport
from .protocol import Fault, Progress, Step, discard

#: How often a task is begun at most, when the processes that were at it died.
MOST_ATTEMPTS = 3
#: Seconds between two steps that a worker tells, between two looks at Ctrl-C, and that workers
#: get to clean up.
STEP_PERIOD_S = 0.1
CHECK_PERIOD_S = 0.2
GRACE_S = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_in_processes(tasks: Sequence[Task], progress: Progress, count: int) -> None:
    """Run the tasks on ``count`` processes; see ``scheduling.run_all``."""
    waiting, attempts = deque(tasks), Counter()
    workers: list[Worker] = []
    try:
        while waiting or any(worker.task for worker in workers):
            _hand_out(waiting, workers, count)
            busy = {worker.connection: worker for worker in workers if worker.task}
            for ready in pipes.wait(list(busy), CHECK_PERIOD_S):
                _hear(busy[ready], waiting, workers, attempts, progress)
            progress.check()
    finally:
        _end(workers)


class Worker:
    """A process that does tasks, and the one that it is at."""

    def __init__(self):
        context = multiprocessing.get_context('spawn')
        self.connection, theirs = context.Pipe()
        self.task: Task | None = None
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        with _blocked_signals():
            self.process.start()
        theirs.close()

    def give(self, task: Task) -> bool:
        """Let it begin a task; return False when it has died meanwhile."""
        try:
            self.connection.send(task)
        except OSError:
            return False
        self.task = task
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
    told = float('-inf')

    def step(done: int, total: int | None) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < STEP_PERIOD_S and done != total:
            return
        told = now
        try:
            if not connection.poll():
                connection.send(Step(done, total))
                return
        except OSError:  # the parent has ended
            pass
        # While a worker is at a task, its parent says nothing but that it is to stop.
        raise InterruptedRunError('stopped')

    try:
        return run_task(task, step)
    except InterruptedRunError:
        return None
    except FacePerceptionError as error:
        return Fault(str(error))


def _hand_out(waiting: deque[Task], workers: list[Worker], count: int) -> None:
    """Give a task to each worker that has none; start those that are missing."""
    for worker in [worker for worker in workers if not worker.task]:
        if waiting and not worker.give(waiting[0]):
            workers.remove(worker)
        elif waiting:
            waiting.popleft()
    while waiting and len(workers) < count:
        workers.append(Worker())
        if workers[-1].give(waiting[0]):
            waiting.popleft()
        else:
            workers.pop()


def _hear(
    worker: Worker,
    waiting: deque[Task],
    workers: list[Worker],
    attempts: Counter,
    progress: Progress,
) -> None:
    """Take what a worker says, or that it is gone."""
    task = worker.task
    try:
        said = worker.connection.recv()
    except (EOFError, OSError):
        workers.remove(worker)
        attempts[task] += 1
        if attempts[task] < MOST_ATTEMPTS:
            waiting.appendleft(task)
            return
        discard(task)
        progress.finished(
            task,
            TaskReport(
                task.source,
                'failed',
                f'the process that was at it {worker.ending()}, '
                f'{MOST_ATTEMPTS} times: use fewer --workers, or smaller inputs',
            ),
        )
        return
    if isinstance(said, Step):
        progress.step(task, said.done, said.total)
    elif isinstance(said, Fault):
        worker.task = None
        raise FacePerceptionError(said.sentence)
    else:
        worker.task = None
        progress.finished(task, said)


def _end(workers: list[Worker]) -> None:
    """Stop all workers: they clean up, or are made to end and cleaned up after."""
    for worker in workers:
        try:
            if worker.task:
                worker.connection.send('stop')
            else:
                worker.connection.close()
        except OSError:  # it has ended
            pass
    deadline = time.monotonic() + GRACE_S
    for worker in workers:
        worker.process.join(max(deadline - time.monotonic(), 0))
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()
        if worker.task:
            discard(worker.task)


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
