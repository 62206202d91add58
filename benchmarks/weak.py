"""
How the node does on a share of one core: ``python benchmarks/weak.py``.

The node, and only it, is held to one core and to a quota of that, by a control group (version 1,
``/sys/fs/cgroup/cpu``, which has to be writable: run it as root).  Its start is not held, so that
each case begins with a node that runs.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig import Scene, measure, prepare_environment

from face_perception.core.errors import FacePerceptionError

GROUPS = Path('/sys/fs/cgroup/cpu')
#: Length in microseconds of the periods in each of which the node may have its share.
PERIOD_US = 20_000
#: Seconds until the quota holds, and how long it then holds before the measurement begins.
START_S, SETTLE_S = 8.0, 8.0
NODE = 'face_perception.ros.node'


class Quota:
    """A control group that holds its processes to a share of a core, from ``START_S`` on."""

    def __init__(self, folder: Path, percent: int):
        self.folder = folder
        self._percent, self._begin = percent, time.monotonic() + START_S
        (folder / 'cpu.cfs_period_us').write_text(str(PERIOD_US))

    def wait(self) -> None:
        """Pass a moment; hold the processes once it is time."""
        if self._begin is not None and time.monotonic() > self._begin:
            quota = PERIOD_US * self._percent // 100
            (self.folder / 'cpu.cfs_quota_us').write_text(str(quota))
            self._begin = None
        time.sleep(0.05)


@contextmanager
def quota(percent: int) -> Iterator[Quota]:
    """Make a control group for a while."""
    folder = GROUPS / f'face_perception_weak_{os.getpid()}'
    try:
        folder.mkdir()
    except OSError as error:
        raise FacePerceptionError(
            f'{GROUPS} cannot be written to ({error.strerror}): run this as root, where control '
            'groups of version 1 are mounted'
        ) from None
    try:
        yield Quota(folder, percent)
    finally:
        for _ in range(50):
            try:
                folder.rmdir()
                break
            except OSError:  # its processes are about to end
                time.sleep(0.1)


def run_held(folder: str, arguments: list[str]) -> None:
    """Become the node, in the control group ``folder`` and on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    (Path(folder) / 'cgroup.procs').write_text(str(os.getpid()))
    sys.argv = ['face_perception_node', *arguments]
    runpy.run_module(NODE, run_name='__main__')


def main() -> int:
    """Run the command line; returns the exit status."""
    if sys.argv[1:2] == ['held']:
        run_held(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition('\n\n')[0])
    parser.add_argument('--percent', type=int, nargs='+', default=[100, 50, 20, 10])
    parser.add_argument('--faces', type=int, choices=(0, 1, 4, 8, 16), default=1)
    parser.add_argument('--rate', type=float, default=30.0, metavar='HZ')
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument(
        '--set', nargs='*', default=[], metavar='NAME:=VALUE', help="the node's parameters"
    )
    arguments = parser.parse_args()
    prepare_environment()
    scene = Scene(faces=arguments.faces, rate=arguments.rate, classifier_interval=2)
    given = [word for each in arguments.set for word in ('-p', each)]
    print(f'{scene}; {" ".join(arguments.set) or "defaults"}')
    print('| % of a core | results/s | p50 / p95, ms | dropped | faces seen | CPU, % of a core |')
    print('|---|---|---|---|---|---|')
    try:
        for percent in arguments.percent:
            with quota(percent) as held:
                name, _, words = scene.node
                middle = name, 'weak', ['held', str(held.folder), *words, *given]
                seen = measure(scene, middle, START_S + SETTLE_S, arguments.seconds, held.wait)
            print(
                f'| {percent} | {seen["rate_processed"]:.1f} | {seen["p50_ms"]:.0f} / '
                f'{seen["p95_ms"]:.0f} | {100 * (1 - seen["processed"] / seen["sent"]):.0f} % | '
                f'{seen["found"]:.2f} of {arguments.faces} | {seen["cpu_percent"]:.0f} |',
                flush=True,
            )
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
