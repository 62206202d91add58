"""Who has which task, what is heard of it, and what happens when its worker is lost."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ...core.errors import FacePerceptionError
from ..types import Task, TaskReport
from .protocol import Fault, Lost, Progress, Step, discard

#: How often a task is begun at most, when the workers that were at it were lost.
MOST_ATTEMPTS = 3
#: Seconds between two looks at Ctrl-C.
CHECK_PERIOD_S = 0.2


class Crew(Protocol):
    """Workers of some kind.  ``place`` is a task's place in the run."""

    def begin(self, place: int, task: Task) -> bool:
        """Give a task to a worker; return False where there is no room for it by now."""

    def hear(self, timeout_s: float) -> Iterable[tuple[int, Step | TaskReport | Fault | Lost]]:
        """
        Wait for what workers have to say, and return it with the places of their tasks.

        Raises ``FacePerceptionError`` where nobody is left who could say anything.
        """

    def end(self, tasks: Sequence[Task]) -> None:
        """Stop all work, and let the workers clean up after ``tasks``, at which they may be."""


def supervise(tasks: Sequence[Task], progress: Progress, crew: Crew) -> None:
    """Have a crew do the tasks; see ``scheduling.run_all``."""
    waiting, left = deque(range(len(tasks))), set(range(len(tasks)))
    lost: Counter[int] = Counter()
    try:
        while left:
            while waiting and crew.begin(waiting[0], tasks[waiting[0]]):
                waiting.popleft()
            for place, said in crew.hear(CHECK_PERIOD_S):
                if place not in left:  # it came late
                    continue
                task = tasks[place]
                if isinstance(said, Fault):
                    raise FacePerceptionError(said.sentence)
                if isinstance(said, Step):
                    progress.step(task, said.done, said.total)
                    continue
                if isinstance(said, Lost):
                    lost[place] += 1
                    if lost[place] < MOST_ATTEMPTS:
                        waiting.appendleft(place)
                        continue
                    said = TaskReport(task.source, 'failed', said.reason)
                left.remove(place)
                discard(task)
                progress.finished(task, said)
            progress.check()
    finally:
        begun = [tasks[place] for place in sorted(left - set(waiting))]
        crew.end(begun)
        for task in begun:
            discard(task)


class Steps:
    """Tells how far a task is: not more often than anybody would look, but its end always."""

    def __init__(self, tell: Callable[[int, int | None], None], period_s: float):
        self._tell, self._period_s = tell, period_s
        self._told = float('-inf')

    def __call__(self, done: int, total: int | None) -> None:
        """Take that so many frames are done."""
        now = time.monotonic()
        if now - self._told >= self._period_s or done == total:
            self._told = now
            self._tell(done, total)
