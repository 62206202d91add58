"""What a run and its workers tell each other, and what lost workers leave behind."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Protocol

from ..names import UNFINISHED
from ..types import Job, JobReport


class Progress(Protocol):
    """What is told of the jobs; several may be in work at a time."""

    def check(self) -> None:
        """Raise ``InterruptedRunError`` once the user wants to stop; ask often."""

    def step(self, job: Job, done: int, total: int | None) -> None:
        """Take that so many frames of a job are done; raises as ``check`` does."""

    def finished(self, job: Job, report: JobReport) -> None:
        """Take what became of a job; they finish in any order."""


@dataclass(frozen=True)
class Step:
    """What a worker tells while it is at a job."""

    done: int
    total: int | None


@dataclass(frozen=True)
class Fault:
    """What a worker met that all other jobs would meet too."""

    sentence: str


@dataclass(frozen=True)
class Lost:
    """The worker that was at a job is gone; ``reason`` tells why, should it happen again."""

    reason: str


def unfinished(job: Job) -> list[Path]:
    """Return the folders in which a job is being made, or was by a worker that was lost."""
    return [
        folder
        for mark in ('', '?' * len(new_mark()))
        for folder in job.folder.parent.glob(f'{UNFINISHED}{mark}{escape(job.folder.name)}')
    ]


def new_mark() -> str:
    """Return a mark for ``run_job``."""
    return f'{uuid.uuid4().hex[:8]}~'


def discard(job: Job) -> None:
    """Remove what workers that were lost have left of a job."""
    for folder in unfinished(job):
        shutil.rmtree(folder, ignore_errors=True)
