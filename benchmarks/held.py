"""
Processes that are held to one core and to a share of it.

Where control groups of version 1 can be written to (as root), Linux holds them; elsewhere they are
stopped by signals when they have used up their share of a period, and continued in the next one.
"""

from __future__ import annotations

import os
import runpy
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GROUPS = Path('/sys/fs/cgroup/cpu')
#: Length in seconds of the periods in each of which the processes may have their share.
PERIOD_S = 0.02
#: How often ``Signals`` looks, in seconds.
LOOK_S = 0.001
NODE = 'face_perception.ros.node'


class ControlGroup:
    """Holds the processes that have written their number into its folder."""

    def __init__(self, folder: Path, percent: int):
        self.folder, self._percent = folder, percent
        (folder / 'cpu.cfs_period_us').write_text(str(round(1e6 * PERIOD_S)))

    def begin(self) -> None:
        """Hold them from now on."""
        (self.folder / 'cpu.cfs_quota_us').write_text(str(round(1e4 * PERIOD_S * self._percent)))

    def end(self) -> None:
        """Let them go."""
        (self.folder / 'cpu.cfs_quota_us').write_text('-1')


class Signals:
    """Stops the processes that have a file in its folder when they have used up their share."""

    def __init__(self, folder: Path, percent: int):
        self.folder, self._share = folder, percent / 100
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def begin(self) -> None:
        """Hold them from now on; at 100 % nothing is to be done."""
        if self._share < 1:
            self._thread.start()

    def end(self) -> None:
        """Let them go."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _hold(self) -> None:
        quota = self._share * PERIOD_S
        left, used, next_period = quota, self._used(), time.monotonic() + PERIOD_S
        stopped = False
        while not self._ending.wait(LOOK_S):
            before, used = used, self._used()
            left -= max(used - before, 0)  # one that has ended takes its time with it
            while time.monotonic() >= next_period:
                # As Linux does it: what was left is lost, what was too much is owed.
                left, next_period = min(left + quota, quota), next_period + PERIOD_S
            if stopped != (left <= 0):
                stopped = left <= 0
                self._signal(signal.SIGSTOP if stopped else signal.SIGCONT)
        self._signal(signal.SIGCONT)

    def _used(self) -> float:
        """Return the seconds of processor time that they have used."""
        used = 0.0
        for entry in self.folder.iterdir():
            with suppress(OSError):  # it has ended
                # The clock of another process, as clock_getcpuclockid gives it.
                used += time.clock_gettime(~int(entry.name) << 3 | 2)
        return used

    def _signal(self, number: signal.Signals) -> None:
        for entry in self.folder.iterdir():
            with suppress(ProcessLookupError):
                os.kill(int(entry.name), number)


@contextmanager
def hold(percent: int, signals: bool = False) -> Iterator[ControlGroup | Signals]:
    """Make what holds processes for a while, from its ``begin`` to the end of the context."""
    group = GROUPS / f'face_perception_weak_{os.getpid()}'
    if percent < 100 and not signals:
        with suppress(OSError):  # not mounted, or not ours
            group.mkdir()
    if not group.is_dir():
        with tempfile.TemporaryDirectory() as name:
            signals_alone = Signals(Path(name), percent)
            try:
                yield signals_alone
            finally:
                signals_alone.end()
        return
    held = ControlGroup(group, percent)
    try:
        yield held
    finally:
        held.end()
        for _ in range(50):
            try:
                group.rmdir()
                break
            except OSError:  # its processes are about to end
                time.sleep(0.1)


def run_held(folder: Path) -> None:
    """Become the node, on one core, and held by what was made for ``folder``."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    processes = folder / 'cgroup.procs'
    if processes.exists():
        processes.write_text(str(os.getpid()))
    else:
        (folder / str(os.getpid())).touch()
    runpy.run_module(NODE, run_name='__main__')
