"""Who has which job, what is heard of it, and what happens when its worker is lost."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ...core.errors import FacePerceptionError
from ..types import Job, JobReport
from .protocol import Fault, Lost, Progress, Step, discard

#: How often a job is begun at most, when the workers that were at it were lost.
MOST_ATTEMPTS = 3
#: Seconds between two looks at Ctrl-C.
CHECK_PERIOD_S = 0.2


class Crew(Protocol):
    """Workers of some kind.  ``number`` is a job's number in the run."""

    def begin(self, number: int, job: Job) -> bool:
        """Give a job to a worker; return False where there is no room for it by now."""

    def hear(self, timeout_s: float) -> Iterable[tuple[int, Step | JobReport | Fault | Lost]]:
        """
        Wait for what workers have to say, and return it with the numbers of their jobs.

        Raises ``FacePerceptionError`` where nobody is left who could say anything.
        """

    def end(self, jobs: Sequence[Job]) -> None:
        """Stop all work, and let the workers clean up after ``jobs``, at which they may be."""


def supervise(jobs: Sequence[Job], progress: Progress, crew: Crew) -> None:
    """Have a crew do the jobs; see ``scheduling.run_all``."""
    waiting, left = deque(range(len(jobs))), set(range(len(jobs)))
    lost: Counter[int] = Counter()
    try:
        while left:
            while waiting and crew.begin(waiting[0], jobs[waiting[0]]):
                waiting.popleft()
            for number, said in crew.hear(CHECK_PERIOD_S):
                if number not in left:  # it came late
                    continue
                job = jobs[number]
                if isinstance(said, Fault):
                    raise FacePerceptionError(said.sentence)
                if isinstance(said, Step):
                    progress.step(job, said.done, said.total)
                    continue
                if isinstance(said, Lost):
                    lost[number] += 1
                    if lost[number] < MOST_ATTEMPTS:
                        waiting.appendleft(number)
                        continue
                    said = JobReport(job.source, 'failed', said.reason)
                left.remove(number)
                discard(job)
                progress.finished(job, said)
            progress.check()
    finally:
        begun = [jobs[number] for number in sorted(left - set(waiting))]
        crew.end(begun)
        for job in begun:
            discard(job)


class Steps:
    """Tells how far a job is: not more often than anybody would look, but its end always."""

    def __init__(self, tell: Callable[[int, int | None], None], period_s: float):
        self._tell, self._period_s = tell, period_s
        self._told = float('-inf')

    def __call__(self, done: int, total: int | None) -> None:
        """Take that so many frames are done."""
        now = time.monotonic()
        if now - self._told >= self._period_s or done == total:
            self._told = now
            self._tell(done, total)
