"""
A long run of the real node: does anything grow, and does latency stay where it was?

    python benchmarks/soak.py [--minutes 120] [--rate 30] [--output benchmarks_output]

Two cameras and two nodes, faces that come and go, annotated images looked at now and then,
parameters that change, the worker restarted, a camera that leaves and comes back, and beside them
a recording that is played in a loop for a third node, whose time is the recording's.

Every ten seconds memory, shared memory, threads and file handles of the nodes are noted, and their
latencies.  Each sample is written to ``soak.jsonl`` at once.  At the end, or when interrupted, each
quantity gets a slope per hour with its error (``soak_report.py``) and is drawn in ``soak.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from rig import Process, prepare_environment
from sensor_msgs.msg import Image
from soak_report import Sample, report
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from usage import processor_seconds

from face_perception.console.endings import ended
from face_perception.media.bags.recorded import Topic
from face_perception.media.bags.writer import BagWriter
from face_perception.media.messages.encoding import compress
from face_perception.media.sample.sample import LOOP_S
from face_perception.media.sources import open_source
from face_perception.msg import PipelineLatency
from face_perception.ros.conversions import seconds
from face_perception.tools.children import end_all

SAMPLE_S = 10.0
#: Samples after which the disturbed camera is started anew.
CAMERA_LIFE = 60
CAMERAS = ('left', 'right')
DISTURBED, REPLAY = 'right', 'replay'
NODE, CAMERA, PLAYER = (
    'face_perception.ros.node',
    'face_perception.tools.camera.camera',
    'face_perception.tools.player.play',
)
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
#: When the recording that is played was made.
RECORDED_NS = 1_700_000_000 * 10**9
#: What is changed in turns, and changed back: parameters of one node.
CHANGES = (
    ('max_rate', 2.0, 0.0),
    ('detector.input_size', 320, 480),
    ('emotion.enabled', False, True),
    ('classifier.interval', 5, 2),
    ('num_threads', 2, 1),
    ('tracker.enabled', False, True),
)


def usage(pid: int) -> dict:
    """Return memory (MiB), threads, file handles and shared segments of a process."""
    status = dict(
        line.split(':', 1) for line in Path(f'/proc/{pid}/status').read_text().splitlines()
    )
    maps = Path(f'/proc/{pid}/maps').read_text()
    return {
        'rss': (int(status['RssAnon'].split()[0]) + int(status['RssFile'].split()[0])) / 1024,
        'shared': int(status['RssShmem'].split()[0]) / 1024,
        'segments': len(set(re.findall(r'/dev/shm/\S+', maps))),
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


def record(folder: Path, rate: float) -> None:
    """Write one round of the sample as a recording of compressed images."""
    writer = BagWriter(folder)
    channel = writer.add_topic(Topic('/image/compressed', COMPRESSED))
    images = open_source('sample', None, rate, print).frames(loop=True)
    for number in range(round(LOOP_S * rate)):
        time_ns = RECORDED_NS + round(number * 1e9 / rate)
        header = Header(frame_id='recorded')
        header.stamp.sec, header.stamp.nanosec = divmod(time_ns, 10**9)
        writer.write(channel, time_ns, serialize_message(compress(next(images), 'jpeg', header)))
    writer.close()


class Soak:
    """The processes of the run, and what is noted of them."""

    def __init__(self, options: argparse.Namespace, work: Path):
        self._options, self._work = options, work
        self._children: dict[str, Process] = {}
        self._node = rclpy.create_node('soak')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._ears = {camera: Ears(self._node, camera) for camera in (*CAMERAS, REPLAY)}
        self._turn = 0

    def start(self) -> None:
        """Start all processes."""
        bag = self._work / 'bag'
        record(bag, self._options.replay_rate)
        for camera in CAMERAS:
            self._start(f'{camera} node', NODE, [], camera)
            self._start_camera(camera)
        own_time = ['-p', 'use_sim_time:=true', '-p', 'image_transport:=compressed']
        self._start('replay node', NODE, [], REPLAY, own_time)
        topic = '/image/compressed'
        remap = ['-r', f'{topic}:=/{REPLAY}{topic}']
        self._start('player', PLAYER, [str(bag), '--loop'], REPLAY, remap)

    def end(self) -> None:
        """End all processes."""
        end_all(list(self._children.values()))
        self._executor.shutdown()
        self._node.destroy_node()

    def run(self, output: Path) -> None:
        """Write a sample every ten seconds, until the time is over."""
        started = time.monotonic()
        with output.open('w', encoding='utf-8') as file:
            while (now := time.monotonic() - started) < 60 * self._options.minutes:
                self._listen(SAMPLE_S)
                for sample in self._samples(now):
                    file.write(json.dumps(asdict(sample)) + '\n')
                file.flush()
                self._disturb()
                print(f'\r{now / 60:.1f} of {self._options.minutes:g} min', end='', file=sys.stderr)

    def _start(self, name: str, module: str, own: list[str], space: str, ros=()) -> None:
        arguments = [*own, '--ros-args', '-r', f'__ns:=/{space}', *ros]
        log = self._work / f'{name}.log'
        self._children[name] = Process(name, module, arguments, log)

    def _start_camera(self, camera: str) -> None:
        rate = ['--rate', str(self._options.rate)]
        self._start(f'{camera} camera', CAMERA, rate, camera)

    def _listen(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def _samples(self, now: float) -> list[Sample]:
        load, found = os.getloadavg()[0], []
        for child in self._children.values():
            child.check()
        for camera, ear in self._ears.items():
            times, ear.latencies = ear.latencies, []
            p50, p95, p99 = np.percentile(times, (50, 95, 99)) if times else (0.0,) * 3
            pid = self._children[f'{camera} node'].pid
            found.append(
                Sample(
                    now,
                    camera,
                    **usage(pid),
                    results=len(times),
                    p50=float(p50),
                    p95=float(p95),
                    p99=float(p99),
                    processor_s=processor_seconds(pid),
                    all_s=self._processor_seconds(),
                    load=load,
                )
            )
        return found

    def _processor_seconds(self) -> float:
        """Return what all processes have used that run now, and this one."""
        pids = [child.pid for child in self._children.values()]
        return sum(map(processor_seconds, [os.getpid(), *pids]))

    def _disturb(self) -> None:
        """Do what an operator does; every other turn puts it back."""
        ear, turn = self._ears[DISTURBED], self._turn
        ear.look(turn % 6 < 3)
        name, other, default = CHANGES[turn // 2 % len(CHANGES)]
        ear.change(name, default if turn % 2 else other)
        ear.enable(turn % 12 != 11)
        if turn % CAMERA_LIFE == CAMERA_LIFE - 1:
            end_all([self._children.pop(f'{DISTURBED} camera')])
            self._start_camera(DISTURBED)
        self._turn += 1


def interrupt(*_) -> None:
    """End the run as Ctrl-C does."""
    raise KeyboardInterrupt


def watch(options: argparse.Namespace, data: Path) -> None:
    """Run everything for so long, or until interrupted."""
    prepare_environment()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.TemporaryDirectory() as work:
        soak = Soak(options, Path(work))
        try:
            soak.start()
            soak.run(data)
        except KeyboardInterrupt:
            print('\ninterrupted', file=sys.stderr)
        finally:
            soak.end()
            rclpy.try_shutdown()


def main() -> int:
    """Run, print the slopes, and write data and plot."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--minutes', type=float, default=120.0)
    parser.add_argument('--rate', type=float, default=30.0, help='images a second of a camera')
    parser.add_argument(
        '--replay-rate', type=float, default=10.0, help='images a second of the recording'
    )
    parser.add_argument('--output', type=Path, default=Path('benchmarks_output'))
    parser.add_argument(
        '--draw', action='store_true', help='run nothing: draw the data that are there'
    )
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    data = options.output / 'soak.jsonl'
    if not options.draw:
        watch(options, data)
    samples = [Sample(**json.loads(line)) for line in data.read_text('utf-8').splitlines()]
    report(samples, options.output / 'soak.png')
    return 0


if __name__ == '__main__':
    sys.exit(ended(main))
