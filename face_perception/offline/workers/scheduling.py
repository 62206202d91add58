"""Who does the jobs of a run: this process, several on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..run import run_job
from ..types import Job
from .protocol import Progress
from .supervisor import supervise


def run_all(jobs: Sequence[Job], progress: Progress, workers: int = 1, scheduler: str = '') -> None:
    """
    Run the jobs: with ``workers`` processes on this machine, or on dask's ``scheduler``.

    Who does a job does not change its files.  Raises what ends the whole run:
    ``InterruptedRunError``, or ``FacePerceptionError`` for what all other jobs would meet too;
    nothing is left half-written, and what is whole stays.
    """
    if scheduler:
        from .cluster import run_on_cluster

        run_on_cluster(jobs, progress, scheduler)
    elif workers > 1 and len(jobs) > 1:
        from .processes import Processes

        supervise(jobs, progress, Processes(min(workers, len(jobs))))
    else:
        for job in jobs:
            progress.finished(job, run_job(job, partial(progress.step, job)))
