"""
What being looked at costs the node: its CPU and latency with and without a viewer, in turns.

Then the memory of the viewer over time, and with ``--browser`` that of a Chromium that shows its
page too, and the node's latency before, while and after somebody looks.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from support.browser import Browser

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test'))

PAGE = os.sysconf('SC_PAGE_SIZE')
TICKS = os.sysconf('SC_CLK_TCK')
#: Seconds that a viewer gets to start, and DDS to find it.
SETTLE_S = 8.0
#: Seconds that a line of the table of memory is of.
STEP_S = 30.0
#: A browser is on another machine as a rule: here it may have what the others leave.
BEFORE_BROWSER = ('chrt', '--other', '0', 'nice', '-n', '10')


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * PAGE / 1e6


def children(pid: int) -> list[int]:
    """Return the processes that a process, any of its threads, has started."""
    threads = Path(f'/proc/{pid}/task').glob('*/children')
    return [int(child) for each in threads for child in each.read_text().split()]


def tree_mb(pid: int) -> float:
    """Return the memory of a process and all its descendants; what they share counts once."""
    try:
        rollup = Path(f'/proc/{pid}/smaps_rollup').read_text()
        own = int(rollup.split('Pss:')[1].split()[0]) / 1e3
        return own + sum(map(tree_mb, children(pid)))
    except (OSError, IndexError):  # it has just ended
        return 0.0


def start(*arguments: str, output: int = subprocess.DEVNULL) -> subprocess.Popen:
    """Start a module of the package."""
    return subprocess.Popen(
        [sys.executable, '-m', f'face_perception.{arguments[0]}', *arguments[1:]],
        stdout=output,
        stderr=subprocess.DEVNULL,
    )


def end(process: subprocess.Popen) -> None:
    """Ask a process to end and wait for it."""
    process.terminate()
    process.wait(20)


class Probe:
    """Listens to the node's account of time."""

    def __init__(self):
        import rclpy
        from rclpy.qos import qos_profile_sensor_data

        from face_perception.msg import PipelineLatency

        self._rclpy = rclpy
        rclpy.init()
        self._node = rclpy.create_node('probe')
        self._times: list[float] = []
        self._node.create_subscription(
            PipelineLatency, '/face_perception/latency', self._receive, qos_profile_sensor_data
        )

    def _receive(self, message) -> None:
        self._times.append(message.end_to_end.sec * 1e3 + message.end_to_end.nanosec / 1e6)

    def listen(self, seconds: float) -> np.ndarray:
        """Return the latencies of so many seconds, in milliseconds."""
        self._times = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._rclpy.spin_once(self._node, timeout_sec=left)
        return np.array(self._times)


def measure(probe: Probe, node: subprocess.Popen, seconds: float) -> tuple[float, np.ndarray]:
    """Return CPU milliseconds per image, and the latencies."""
    before = cpu_s(node.pid)
    times = probe.listen(seconds)
    return 1e3 * (cpu_s(node.pid) - before) / max(len(times), 1), times


def compare(
    probe: Probe, node: subprocess.Popen, view: tuple[str, ...], options: argparse.Namespace
) -> None:
    """Measure with and without a viewer in turns, and print a table."""
    cost: dict[bool, list[float]] = {False: [], True: []}
    latency: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for turn in range(options.turns):
        for looked_at in (False, True) if turn % 2 else (True, False):
            viewer = start(*view) if looked_at else None
            probe.listen(SETTLE_S)
            cpu, times = measure(probe, node, options.seconds)
            cost[looked_at].append(cpu)
            latency[looked_at].append(times)
            if viewer:
                end(viewer)
    print('| | CPU per image | latency, median | 95 % |\n|---|---|---|---|')
    rows = {}
    for looked_at, name in ((False, 'nobody looks'), (True, 'viewer')):
        whole = np.concatenate(latency[looked_at])
        rows[looked_at] = np.array([np.median(cost[looked_at]), *np.percentile(whole, (50, 95))])
        print(f'| {name} | ' + ' | '.join(f'{value:.1f} ms' for value in rows[looked_at]) + ' |')
    print(
        '| ratio | ' + ' | '.join(f'{r:.2f}' for r in rows[True] / rows[False]) + ' |', flush=True
    )


def watch(
    probe: Probe, viewer: subprocess.Popen, browser: Browser | None, minutes: float
) -> list[dict[str, float]]:
    """Print memory and latency of every half minute, and return them."""
    begin, samples, page = time.monotonic(), [], None
    while (passed := time.monotonic() - begin) < 60 * minutes:
        times = probe.listen(STEP_S)
        sample = {
            'minute': (passed + STEP_S) / 60,
            'median': float(np.median(times)) if len(times) else float('nan'),
            'feeds': memory_mb(viewer.pid),
            'serves': sum(map(memory_mb, children(viewer.pid))),
        }
        text = (
            f'{60 * sample["minute"]:.0f} s: latency {sample["median"]:.1f} ms, what feeds '
            f'{sample["feeds"]:.0f} MB, the server {sample["serves"]:.0f} MB'
        )
        if browser:
            sample['browser'] = tree_mb(browser.pid)
            former, page = page, browser.screenshot()
            changed = 0.0 if former is None else float((page != former).mean())
            text += f', the browser {sample["browser"]:.0f} MB, {changed:.1%} of its page is new'
        samples.append(sample)
        print(text, flush=True)
    return samples


def look(probe: Probe, view: tuple[str, ...], options: argparse.Namespace) -> None:
    """Measure before, while and after somebody looks, in a browser if asked to."""
    from support.browser import Browser

    around = [probe.listen(2 * STEP_S)]
    viewer, browser = start(*view, output=subprocess.PIPE), None
    try:
        assert viewer.stdout is not None
        address = viewer.stdout.readline().decode().split()[1]
        with tempfile.TemporaryDirectory() as folder:
            try:
                if options.browser:
                    browser = Browser(Path(folder), (1280, 800), BEFORE_BROWSER)
                    browser.open(address)
                probe.listen(SETTLE_S)
                samples = watch(probe, viewer, browser, options.minutes)
            finally:
                if browser:
                    browser.close()
    finally:
        end(viewer)
    probe.listen(SETTLE_S)
    around.append(probe.listen(2 * STEP_S))
    alone = [float(np.median(times)) for times in around]
    looked_at = float(np.median([sample['median'] for sample in samples]))
    print(
        f'latency, median: {alone[0]:.1f} ms before, {looked_at:.1f} ms while somebody looks, '
        f'{alone[1]:.1f} ms after: {looked_at / np.mean(alone):.2f} times',
        flush=True,
    )
    if options.plot:
        from plots import plot_live_view

        plot_live_view(samples, alone, options.plot)


def main() -> None:
    """Measure in turns and print a table, then memory and latency over time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--turns', type=int, default=5, help='0 looks at memory alone')
    parser.add_argument('--seconds', type=float, default=15.0, help='of each half of a turn')
    parser.add_argument('--minutes', type=float, default=10.0, help='of which memory is looked at')
    parser.add_argument('--browser', action='store_true', help='look with Chromium meanwhile')
    parser.add_argument('--plot', type=Path, metavar='PNG', help='of memory and latency over time')
    parser.add_argument('--memory', default='200', help="the viewer's --memory in MB")
    options = parser.parse_args()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    os.environ['ROS_DOMAIN_ID'] = str(random.randint(1, 101))
    view = ('tools.view', '--live', '--web', '--memory', options.memory)
    running = [start('tools.camera.camera', '--rate', '15'), start('ros.node')]
    try:
        probe = Probe()
        probe.listen(SETTLE_S)
        if options.turns:
            compare(probe, running[1], view, options)
        if options.minutes:
            look(probe, view, options)
    finally:
        for process in reversed(running):
            end(process)


if __name__ == '__main__':
    main()
