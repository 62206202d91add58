"""
A long run of the real node: does anything grow, and does latency stay where it was?

    python benchmarks/soak.py [--minutes 120] [--output benchmarks_output]

Two cameras and two nodes, faces that come and go, annotated images looked at now and then,
parameters that change, the worker restarted, a replay beside.  Every ten seconds memory, shared
memory, threads and file handles of the nodes are noted, and their latencies; at the end each has a
slope per hour with its standard error.  Writes ``soak.json`` and ``soak.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rig import Process, prepare_environment
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool

from face_perception.msg import PipelineLatency
from face_perception.ros.conversions import seconds
from face_perception.tools.demo.children import end_all

SAMPLE_S = 10.0
#: Seconds at the start that do not count: caches and allocators fill.
WARM_UP_S = 120.0
CAMERAS = ('left', 'right')
#: What is changed in turns, and changed back: parameters of one node.
CHANGES = (
    ('max_rate', 5.0, 0.0),
    ('detector.input_size', 320, 480),
    ('emotion.enabled', False, True),
    ('classifier.interval', 5, 2),
    ('num_threads', 2, 1),
    ('tracker.enabled', False, True),
)


@dataclass
class Sample:
    """What one node had at a moment; memory in MiB, latencies in milliseconds."""

    time_s: float
    camera: str
    rss: float
    shared: float
    threads: int
    handles: int
    results: int
    p50: float
    p99: float


def usage(pid: int) -> dict:
    """Return memory (MiB), threads and file handles of a process."""
    status = dict(
        line.split(':', 1) for line in Path(f'/proc/{pid}/status').read_text().splitlines()
    )
    return {
        'rss': (int(status['RssAnon'].split()[0]) + int(status['RssFile'].split()[0])) / 1024,
        'shared': int(status['RssShmem'].split()[0]) / 1024,
        'threads': int(status['Threads']),
        'handles': len(os.listdir(f'/proc/{pid}/fd')),
    }


class Ears:
    """Listens to one node, asks it, and looks at its annotated images now and then."""

    def __init__(self, node, camera: str):
        self._node, self._name = node, f'/{camera}/face_perception'
        self.latencies: list[float] = []
        node.create_subscription(
            PipelineLatency,
            f'{self._name}/latency',
            lambda message: self.latencies.append(1e3 * seconds(message.processing)),
            100,
        )
        self._set = node.create_client(SetParameters, f'{self._name}/set_parameters')
        self._enable = node.create_client(SetBool, f'{self._name}/enable')
        self._looking = None

    def look(self, looking: bool) -> None:
        """Subscribe to the annotated images, or no longer."""
        if looking and self._looking is None:
            self._looking = self._node.create_subscription(
                Image, f'{self._name}/image_annotated', lambda _: None, 1
            )
        elif not looking and self._looking is not None:
            self._node.destroy_subscription(self._looking)
            self._looking = None

    def change(self, name: str, value) -> None:
        """Set a parameter; the answer is not waited for."""
        parameter = Parameter(name, value=value).to_parameter_msg()
        self._set.call_async(SetParameters.Request(parameters=[parameter]))

    def enable(self, enabled: bool) -> None:
        """Switch the node on or off; the answer is not waited for."""
        self._enable.call_async(SetBool.Request(data=enabled))


def commands(folder: Path) -> list[tuple[str, str, list[str]]]:
    """Return name, module and arguments of all processes."""
    found = []
    for camera in CAMERAS:
        remap = ['--ros-args', '-r', f'__ns:=/{camera}']
        found.append((f'{camera} node', 'face_perception.ros.node', remap))
        found.append((f'{camera} camera', 'face_perception.tools.camera.camera', remap))
    return found


def watch(minutes: float) -> list[Sample]:
    """Run everything for so long; return what was seen."""
    rclpy.init()
    node = rclpy.create_node('soak')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    ears = {camera: Ears(node, camera) for camera in CAMERAS}
    samples, children, turn = [], {}, 0
    with tempfile.TemporaryDirectory() as work:
        for name, module, arguments in commands(Path(work)):
            children[name] = Process(name, module, arguments, Path(work) / f'{name}.log')
        started = time.monotonic()
        try:
            while (now := time.monotonic() - started) < 60 * minutes:
                end = time.monotonic() + SAMPLE_S
                while (left := end - time.monotonic()) > 0:
                    executor.spin_once(timeout_sec=left)
                for child in children.values():
                    child.check()
                for camera, ear in ears.items():
                    times, ear.latencies = ear.latencies, []
                    p50, p99 = np.percentile(times, (50, 99)) if times else (0.0, 0.0)
                    seen = usage(children[f'{camera} node'].pid)
                    samples.append(
                        Sample(now, camera, **seen, results=len(times), p50=p50, p99=p99)
                    )
                disturb(ears['right'], turn)
                turn += 1
                print(f'\r{now / 60:.1f} of {minutes:g} min', end='', file=sys.stderr)
        finally:
            end_all(list(children.values()))
            executor.shutdown()
            node.destroy_node()
            rclpy.try_shutdown()
    return samples


def disturb(ear: Ears, turn: int) -> None:
    """Do what an operator does; every other turn puts it back."""
    ear.look(turn % 6 < 3)
    name, other, default = CHANGES[turn // 2 % len(CHANGES)]
    ear.change(name, default if turn % 2 else other)
    ear.enable(turn % 12 != 11)


def slope(samples: list[Sample], what: str) -> tuple[float, float]:
    """Return the slope per hour of a quantity and its standard error, after the warm-up."""
    late = [each for each in samples if each.time_s >= min(WARM_UP_S, samples[-1].time_s / 3)]
    hours = np.array([each.time_s / 3600 for each in late])
    values = np.array([getattr(each, what) for each in late], float)
    if len(late) < 4:
        return 0.0, float('inf')
    (rise, _), covariance = np.polyfit(hours, values, 1, cov=True)
    return float(rise), float(np.sqrt(covariance[0, 0]))


def plot(samples: list[Sample], path: Path) -> None:
    """Draw each quantity over time."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 2, figsize=(10, 8), sharex=True, layout='constrained')
    for axis, (what, label) in zip(
        axes.flat,
        (
            ('rss', 'memory (MiB)'),
            ('shared', 'shared memory in use (MiB)'),
            ('threads', 'threads'),
            ('handles', 'file handles'),
            ('p50', 'processing, median (ms)'),
            ('p99', 'processing, p99 (ms)'),
        ),
    ):
        for camera, colour in zip(CAMERAS, ('tab:blue', 'tab:orange')):
            own = [each for each in samples if each.camera == camera]
            note = ' (disturbed)' if camera == 'right' else ''
            axis.plot(
                [each.time_s / 60 for each in own],
                [getattr(each, what) for each in own],
                colour,
                label=camera + note,
                lw=1,
            )
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
    axes[0, 0].legend()
    for axis in axes[-1]:
        axis.set_xlabel('minutes')
    figure.savefig(path, dpi=120)


def main() -> int:
    """Run, print the slopes, and write data and plot."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--minutes', type=float, default=120.0)
    parser.add_argument('--output', type=Path, default=Path('benchmarks_output'))
    options = parser.parse_args()
    prepare_environment()
    samples = watch(options.minutes)
    options.output.mkdir(exist_ok=True)
    (options.output / 'soak.json').write_text(json.dumps([asdict(each) for each in samples]))
    plot(samples, options.output / 'soak.png')
    print('\n| node | quantity | at the end | slope per hour |\n|---|---|---|---|')
    for camera in CAMERAS:
        own = [each for each in samples if each.camera == camera]
        for what in ('rss', 'shared', 'threads', 'handles', 'p50', 'p99'):
            rise, error = slope(own, what)
            print(
                f'| {camera} | {what} | {getattr(own[-1], what):.1f} | {rise:+.2f} ± {error:.2f} |'
            )
    return 0


if __name__ == '__main__':
    sys.exit(main())
