"""Who does the tasks of a run: this process, several on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..run import run_task
from ..types import Task
from .protocol import Progress
from .supervisor import supervise


def run_all(
    tasks: Sequence[Task], progress: Progress, workers: int = 1, scheduler: str = ''
) -> None:
    """
    Run the tasks: with ``workers`` processes on this machine, or on dask's ``scheduler``.

    Who does a task does not change its files.  Raises what ends the whole run:
    ``InterruptedRunError``, or ``FacePerceptionError`` for what all other tasks would meet too;
    nothing is left half-written, and what is whole stays.
    """
    if scheduler:
        from .cluster import run_on_cluster

        run_on_cluster(tasks, progress, scheduler)
    elif workers > 1 and len(tasks) > 1:
        from .processes import Processes

        supervise(tasks, progress, Processes(min(workers, len(tasks))))
    else:
        for task in tasks:
            progress.finished(task, run_task(task, partial(progress.step, task)))
