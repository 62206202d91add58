"""What being looked at costs the node: its CPU and latency with and without a viewer, in turns."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

PAGE = os.sysconf('SC_PAGE_SIZE')
TICKS = os.sysconf('SC_CLK_TCK')
#: Seconds that a viewer gets to start, and DDS to find it.
SETTLE_S = 8.0


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * PAGE / 1e6


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return list(map(int, Path(f'/proc/{pid}/task/{pid}/children').read_text().split()))


def start(*arguments: str) -> subprocess.Popen:
    """Start a module of the package."""
    return subprocess.Popen(
        [sys.executable, '-m', f'face_perception.{arguments[0]}', *arguments[1:]],
        stdout=subprocess.DEVNULL,
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


def main() -> None:
    """Measure in turns and print a table, then the viewer's memory over time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--turns', type=int, default=5, help='0 looks at memory alone')
    parser.add_argument('--seconds', type=float, default=15.0, help='of each half of a turn')
    parser.add_argument('--minutes', type=float, default=10.0, help='of which memory is looked at')
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
        running.append(start(*view))
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < 60 * options.minutes:
            probe.listen(30.0)
            feeds = running[-1].pid
            serves = sum(map(memory_mb, children(feeds)))
            print(
                f'{passed + 30:.0f} s: what feeds {memory_mb(feeds):.0f} MB, '
                f'the server {serves:.0f} MB',
                flush=True,
            )
    finally:
        for process in reversed(running):
            end(process)


if __name__ == '__main__':
    main()
