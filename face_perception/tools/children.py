"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.errors import FacePerceptionError
from ..core.text import one_line

PR_SET_PDEATHSIG = 1
#: Seconds that children get to end by themselves.
PATIENCE_S = 2.0
LAST_LINES = 8


class ChildError(FacePerceptionError):
    """A child process ended by itself."""

    with_list = True


class Child:
    """A program as a process, with what it prints kept in a file."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path,
        command: Sequence[str] = (),
    ):
        """Start ``command``, or ``python -m module`` with this interpreter, with arguments."""
        self.name = name
        self._log = log
        with log.open('wb') as output:
            self.process = subprocess.Popen(
                [*(command or (sys.executable, '-m', module)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in the terminal reaches the parent alone.
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )

    def ended(self) -> int | None:
        """Return its exit code once it has ended."""
        return self.process.poll()

    def check(self) -> None:
        """Raise ``ChildError`` with its last lines when the child has ended."""
        code = self.process.poll()
        if code is not None:
            ending = f'was ended by signal {-code}' if code < 0 else f'ended with code {code}'
            raise ChildError(f'the {self.name} {ending}{self.said()}')

    def log(self) -> str:
        """Return what it has printed so far."""
        return self._log.read_text(errors='replace')

    def said(self) -> str:
        """Return its last lines, to be put at the end of a sentence."""
        lines = self.log().strip().splitlines()[-LAST_LINES:]
        said = ''.join(f'\n  {one_line(line, 500)}' for line in lines)
        return f'; it last said:{said}' if said else ''

    def ask_to_end(self) -> None:
        """Interrupt it, if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic seconds), then use force."""
        try:
            self.process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_all(children: Sequence[Child]) -> None:
    """End all children, within ``PATIENCE_S`` seconds."""
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + PATIENCE_S
    for child in children:
        child.end(deadline)


def _die_with_parent() -> Callable[[], None]:
    """Return what a new process calls so that Linux ends it when its parent is gone."""
    parent, libc = os.getpid(), ctypes.CDLL(None)  # nothing may be loaded after the fork

    def preparation() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # the parent was gone before the call

    return preparation
