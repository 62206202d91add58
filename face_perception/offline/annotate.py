"""Annotate bags, videos and images: ``face_perception_annotate --help``."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from rich.console import Console
from rich.text import Text

from ..console.endings import INTERRUPTED
from ..console.signals import catch_signals
from ..core.errors import FacePerceptionError
from .errors import InterruptedRunError, OutputError, output_error
from .inputs import expand, make_jobs
from .names import readable
from .options import Options, parse_arguments, with_options
from .outputs.sinks import OUTPUTS, check_outputs
from .progress import RunProgress, reasons, report_table
from .publishing import clear_leftovers
from .run import load_networks
from .types import Job
from .workers.scheduling import run_all

fcntl: ModuleType | None
try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None

__all__ = ['OUTPUTS', 'main']

PROGRAM = 'face_perception_annotate'
#: Packages of the extra that are used later: what is missing shows before any work is done.
NEEDED = ('mcap', 'pyarrow')
LOCK = '.annotate.lock'
#: Characters of a line of a log, at most.
LOG_WIDTH = 1000


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    for name in NEEDED:
        import_module(name)
    options = parse_arguments(PROGRAM, args)
    interrupted = catch_signals()
    try:
        load_networks(options.common.settings)  # a wrong model fails here, once for all
        with locked(options.output):
            jobs = make_jobs(expand(options.inputs), options.output, options.common)
            check_outputs(jobs)
            return run(jobs, options, interrupted, Console())
    except FacePerceptionError as error:
        if interrupted():
            return _refuse('stopped', INTERRUPTED)
        return _refuse(str(error), 2)


def run(
    jobs: list[Job], options: Options, interrupted: Callable[[], bool], console: Console
) -> int:
    """Run the jobs, show how far they are and what became of them; return the exit status."""
    status = 0
    if not console.is_terminal:
        # Nobody's width is to be kept to, and names in a log are searched for.
        console.width = LOG_WIDTH
    with RunProgress(len(jobs), interrupted, console) as progress:
        try:
            run_all(jobs, progress, options.workers, options.scheduler)
        except InterruptedRunError as stop:
            fault, status = str(stop), INTERRUPTED
        except FacePerceptionError as error:
            fault, status = str(error), 1
    # Several workers finish in any order.
    order = {job.source: number for number, job in enumerate(jobs)}
    progress.reports.sort(key=lambda report: order[report.source])
    if progress.reports:
        console.print(report_table(progress.reports, {job.source: job.folder for job in jobs}))
    for line in reasons(progress.reports):
        console.print(Text(line), soft_wrap=True)
    if status:
        return _refuse(fault, status)
    return int(any(report.state == 'failed' for report in progress.reports))


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """
    Make the output folder and keep other runs out of it; remove what killed ones left.

    Raises ``OutputError`` where it cannot be written to, or another run has it.
    """
    try:
        os.path.abspath(output).encode()
        output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output).close()
        lock = _lock(output / LOCK)
    except UnicodeEncodeError:
        raise OutputError(
            f"the name of the output folder '{readable(output)}' is no UTF-8: give another with "
            '--output'
        ) from None
    except OSError as error:
        raise output_error(error, output) from None
    with lock:
        clear_leftovers(output)
        try:
            yield
        finally:
            # Somebody may have removed the folder meanwhile; Windows removes no open file.
            with suppress(PermissionError):
                (output / LOCK).unlink(missing_ok=True)


def _lock(path: Path) -> BinaryIO:
    """Return the open lock file; raises ``OutputError`` where another run has it."""
    while True:
        # Whatever has that name: a link may lead to a file of the user's, a FIFO waits for good.
        asked = os.O_RDWR | os.O_CREAT | getattr(os, 'O_NOFOLLOW', 0) | getattr(os, 'O_NONBLOCK', 0)
        lock = os.fdopen(os.open(path, asked, 0o666), 'r+b', buffering=0)
        if fcntl is None:  # two runs into one folder are not kept apart there
            return lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise OutputError(
                f"another run is writing into '{path.parent}': wait for it, or give "
                'another folder with --output'
            ) from None
        except OSError:  # a file system without locks
            return lock
        try:
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except FileNotFoundError:
            pass
        lock.close()  # the run that had it removed the file just now


def _refuse(message: str, status: int) -> int:
    print(f'{PROGRAM}: {with_options(message)}', file=sys.stderr)
    return status


if __name__ == '__main__':
    sys.exit(main())
