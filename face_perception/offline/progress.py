"""What a run shows: bars in a terminal, plain lines elsewhere, and a table at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ..console.counts import DoneOfTotal
from ..core.text import one_line
from .errors import InterruptedRunError
from .names import readable
from .types import Job, JobReport

#: Seconds between two plain lines about the same input.
LINE_PERIOD_S = 10.0
STYLES = {'done': 'green', 'kept': 'cyan', 'failed': 'red'}


class RunProgress:
    """Shows how far inputs are; several may be in work at a time."""

    def __init__(self, jobs: int, interrupted: Callable[[], bool], console: Console):
        """``interrupted`` is asked at each step; then ``step`` raises ``InterruptedRunError``."""
        self.reports: list[JobReport] = []
        self._interrupted, self._console, self._count = interrupted, console, jobs
        self._bars: dict[Job, TaskID] = {}
        self._said: dict[Job, float] = {}
        self._progress = Progress(
            TextColumn('{task.description}', markup=False),
            BarColumn(),
            DoneOfTotal(),
            TextColumn('{task.fields[unit]}'),
            TimeElapsedColumn(),
            TextColumn('ETA'),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._all = self._progress.add_task('all', total=jobs, unit='inputs')

    def __enter__(self) -> RunProgress:
        """Show the bars."""
        self._progress.start()
        return self

    def __exit__(self, *error) -> None:
        """Leave them as they are."""
        self._progress.stop()

    def check(self) -> None:
        """Raise ``InterruptedRunError`` once the user wants to stop."""
        if self._interrupted():
            raise InterruptedRunError('stopped; the same command goes on where it stopped')

    def step(self, job: Job, done: int, total: int | None) -> None:
        """Show that ``done`` of ``total`` frames of a job are done."""
        self.check()
        if job not in self._bars:
            self._bars[job] = self._progress.add_task(_name(job.source), total=total, unit='frames')
            self._said[job] = time.monotonic()
        self._progress.update(self._bars[job], completed=done, total=total)
        if not self._console.is_terminal and (time.monotonic() - self._said[job] > LINE_PERIOD_S):
            self._said[job] = time.monotonic()
            self._line(f'{job.source}: {done} of {total or "?"} frames')

    def finished(self, job: Job, report: JobReport) -> None:
        """Note what became of a job."""
        self.reports.append(report)
        if job in self._bars:
            self._progress.remove_task(self._bars.pop(job))
        self._progress.update(self._all, completed=len(self.reports))
        self._line(
            f'[{len(self.reports)}/{self._count}] {job.source}: {summary(report)}',
            STYLES[report.state],
        )

    def _line(self, text: str, style: str = '') -> None:
        self._console.print(Text(_shown(text), style), soft_wrap=True)


def reasons(reports: list[JobReport]) -> list[str]:
    """Return a line per input that failed or has frames that were skipped."""
    return [
        f'{_shown(report.source)}: {report.state if report.state == "failed" else "skipped"}: '
        f'{_shown(report.reason)}'
        for report in reports
        if report.reason
    ]


def summary(report: JobReport) -> str:
    """Return one line about a finished input."""
    text = f'{report.state}, {report.frames} frames, {report.faces} faces'
    if report.seconds and report.frames:
        text += f', {report.frames / report.seconds:.1f} frames/s'
    if report.skipped:
        text += f', {report.skipped} skipped'
    return f'{text}: {report.reason}' if report.reason else text


def report_table(reports: list[JobReport], folders: Mapping[Path, Path]) -> Table:
    """Return a table of all inputs, with the one of ``folders`` that has the files of each."""
    table = Table(title='face_perception_annotate', title_justify='left')
    table.add_column('input', overflow='fold')
    table.add_column('state')
    for name in ('frames', 'faces', 'skipped', 'seconds'):
        table.add_column(name, justify='right')
    table.add_column('folder', overflow='fold')
    names = Counter(report.source.name for report in reports)
    for report in reports:
        folder = folders[report.source].name if report.files else ''
        name = report.source.name
        table.add_row(
            Text(_shown(name if names[name] == 1 and name else report.source)),
            Text(report.state, STYLES[report.state]),
            str(report.frames),
            str(report.faces),
            str(report.skipped),
            f'{report.seconds:.1f}',
            Text(_shown(folder)),
        )
    return table


def _shown(text: object) -> str:
    """Return a name, or a sentence with one, as a terminal may get it."""
    return one_line(readable(str(text)))


def _name(source) -> str:
    name = _shown(source.name or source)
    return name if len(name) <= 30 else f'{name[:14]}…{name[-15:]}'
