"""One measurement: camera, node (or echo) and probe as processes of their own."""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from peers import READY
from usage import peak_megabytes, processor_seconds, resident_megabytes, shared_megabytes

from face_perception.core.errors import FacePerceptionError
from face_perception.ros.transport import use_large_images
from face_perception.tools.children import Child, end_all

#: Seconds within which a process has to be ready, and the first result has to come.
PATIENCE_S = 40.0
#: The largest domain id whose ports lie below those that Linux gives out itself.
LARGEST_DOMAIN_ID = 101
NODE, ACTIVE = 'face_perception.ros.node', 'active: looking'


class RigError(FacePerceptionError):
    """A measurement gave no result."""


class Process(Child):
    """A child process whose costs are measured, or that is waited for."""

    @property
    def pid(self) -> int:
        """The number under which Linux knows it."""
        return self.process.pid

    def ended_well(self) -> bool:
        """Return whether it has done its work; raises ``ChildError`` when it failed."""
        if self.ended() == 0:
            return True
        self.check()
        return False

    def wait_for(self, text: str) -> None:
        """Wait until it prints ``text``."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.log():
            self.check()
            if time.monotonic() > deadline:
                raise RigError(f"the {self.name} never said '{text}'{self.said()}")
            time.sleep(0.02)


#: The floors look at every image, and at every face in it.
EVERY_IMAGE = ('-p', 'detector.max_rate:=0.0', '-p', 'classifier.max_rate:=0.0')


@dataclass(frozen=True)
class Scene:
    """
    What the camera sees and sends.

    ``classifier_interval`` is the node's parameter: with 1 it asks about every face on every
    image, as the bare networks do.
    """

    width: int = 640
    height: int = 480
    rate: float = 30.0
    faces: int = 1
    compressed: bool = False
    classifier_interval: int = 1

    def __str__(self) -> str:
        return (
            f'{self.width}x{self.height} {"compressed" if self.compressed else "raw"}, '
            f'{self.rate:g} Hz, {self.faces} face{"s" * (self.faces != 1)}'
        )

    @property
    def transport(self) -> list[str]:
        """The option that tells camera and echo how the images come."""
        return ['--compressed'] if self.compressed else []

    @property
    def camera(self) -> tuple[str, str, list[str]]:
        """Name, module and arguments of the camera's process."""
        return (
            'camera',
            'peers',
            [
                'camera',
                '--width',
                str(self.width),
                '--height',
                str(self.height),
                '--rate',
                str(self.rate),
                '--faces',
                str(self.faces),
                *self.transport,
            ],
        )

    @property
    def node(self) -> tuple[str, str, list[str]]:
        """Name, module and arguments of the node's process, with its defaults otherwise."""
        return (
            'node',
            NODE,
            [
                '--ros-args',
                '-p',
                f'image_transport:={"compressed" if self.compressed else "raw"}',
                '-p',
                f'classifier.interval:={self.classifier_interval}',
                *(EVERY_IMAGE if self.classifier_interval == 1 else ()),
            ],
        )

    @property
    def echo(self) -> tuple[str, str, list[str]]:
        """Name, module and arguments of the process that only answers."""
        return 'echo', 'peers', ['echo', *self.transport]


def prepare_environment() -> None:
    """Let this process's children talk to each other only, and find this folder's modules."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(random.randint(1, LARGEST_DOMAIN_ID)))
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if os.environ.get('ROS_DISTRO') == 'humble':  # before there was a discovery range
        os.environ['ROS_LOCALHOST_ONLY'] = '1'
    folders = [str(Path(__file__).parent), os.environ.get('PYTHONPATH', '')]
    os.environ['PYTHONPATH'] = os.pathsep.join(folder for folder in folders if folder)
    # The folder in which one happens to be is not to come before the installed package.
    os.environ['PYTHONSAFEPATH'] = '1'
    use_large_images()
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # as the commands do


def measure(
    scene: Scene,
    middle: tuple[str, str, list[str]],
    warm_up: float,
    seconds: float,
    wait: Callable[[], None],
) -> dict:
    """
    Return what a probe sees of the process ``middle``, between the camera and the probe.

    The measurement begins ``warm_up`` seconds after the first result and lasts ``seconds``.
    ``wait`` is called again and again meanwhile.
    """
    children: list[Process] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def start(name: str, module: str, arguments: list[str]) -> Process:
            children.append(Process(name, module, arguments, folder / f'{name}.log'))
            return children[-1]

        try:
            probe = start(
                'probe',
                'peers',
                [
                    'probe',
                    '--warm-up',
                    str(warm_up),
                    '--seconds',
                    str(seconds),
                    '--pid-file',
                    str(folder / 'pid'),
                    '--result',
                    str(folder / 'result'),
                ],
            )
            camera = start(*scene.camera)
            for child in (probe, camera):
                child.wait_for(READY)
            time.sleep(1.0)  # the start-up is measured when the others have come to rest
            started = time.monotonic()
            measured = start(*middle)
            (folder / 'pid').write_text(str(measured.pid))
            deadline = started + PATIENCE_S + warm_up + seconds
            while not probe.ended_well():
                camera.check()
                measured.check()
                if time.monotonic() > deadline:
                    raise RigError(f'{scene}: no result came{measured.said()}{probe.said()}')
                wait()
            seen = json.loads((folder / 'result').read_text())
        finally:
            end_all(children)
    return {**asdict(scene), **summary(seen, started)}


def summary(seen: dict, started: float) -> dict:
    """Return the numbers that a report needs of what a probe wrote."""
    results = seen.pop('results')
    if len(results) < 2:
        raise RigError('fewer than two results came: measure for longer')
    latency = np.array([result['latency_ms'] for result in results])
    times = np.array([result['time_s'] for result in results])
    sent = results[-1]['number'] - results[0]['number'] + 1
    quarters = [float(np.median(part)) for part in np.array_split(latency, 4) if part.size]
    p50, p95, p99 = (float(value) for value in np.percentile(latency, (50, 95, 99)))
    return {
        'startup_s': seen.pop('first_result_s') - started,
        **seen,
        'p50_ms': p50,
        'p95_ms': p95,
        'p99_ms': p99,
        'most_ms': float(latency.max()),
        'quarters_ms': quarters,
        'sent': sent,
        'processed': len(results),
        'lost': max(sent - len(results) - seen['drops'], 0),
        'rate_processed': (len(results) - 1) / float(times[-1] - times[0]),
        'found': float(np.mean([result['faces'] for result in results])),
        'latency_ms': latency.round(3).tolist(),
        'time_s': (times - times[0]).round(4).tolist(),
    }


def measure_idle(
    scene: Scene,
    middle: tuple[str, str, list[str]],
    said: str,
    warm_up: float,
    seconds: float,
    wait: Callable[[], None],
) -> dict:
    """Return what a process costs that nobody asks for anything, while the camera sends."""
    children: list[Process] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, module, arguments in (scene.camera, middle):
                children.append(Process(name, module, arguments, Path(folder) / f'{name}.log'))
            idle = children[-1]
            idle.wait_for(said)
            _pass(warm_up, wait, children)
            started, used = time.monotonic(), processor_seconds(idle.pid)
            _pass(seconds, wait, children)
            used = processor_seconds(idle.pid) - used
            return {
                'seconds': seconds,
                'rss_mb': resident_megabytes(idle.pid),
                'shared_mb': shared_megabytes(idle.pid),
                'peak_rss_mb': peak_megabytes(idle.pid),
                'cpu_percent': 100 * used / (time.monotonic() - started),
            }
        finally:
            end_all(children)


def _pass(seconds: float, wait: Callable[[], None], children: list[Process]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for child in children:
            child.check()
        wait()
