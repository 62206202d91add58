"""
Faults on purpose, with real processes: what is lost, and how long until the next good answer.

    python benchmarks/faults.py [--kills 50] [--only NAME ...] [--output benchmarks_output]

A camera, the node and a listener run as processes of their own on real DDS.  Those faults that need
a file system of their own (full, too small) are tried as root in a mount namespace.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bombs import jpeg_bomb, png_bomb
from lab import Lab, shared_files
from mounts import Outcome, own_file_systems
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from face_perception.console.endings import ended
from face_perception.core.resources import share_directory

#: Data segment of the node under a limit of memory, in bytes; without bad input it needs half.
MEMORY_LIMIT = 1200 * 2**20
#: After so many kills it is tried how long the node takes to be back.
KILLS_PER_RETURN = 5
#: The node is killed within so many seconds of its start, half of which it needs to start.
LONGEST_LIFE_S = 6.0


def camera_killed(lab: Lab) -> Outcome:
    """Kill the camera, and start another one."""
    seconds = []
    for _ in range(3):
        camera = lab.start_camera()
        lab.wait_for_faces()
        lab.kill(camera)
        lab.spin(0.5)
        started = time.monotonic()
        camera = lab.start_camera()
        lab.wait_for_faces(20)
        seconds.append(time.monotonic() - started)
        lab.kill(camera)
    return Outcome(
        'camera killed, and another started (with its start)', 3, 'none of its own', seconds
    )


def camera_frozen(lab: Lab) -> Outcome:
    """Stop the camera for a while, as a busy bus does."""
    camera, seconds = lab.start_camera(), []
    for pause in (0.5, 2.0, 5.0):
        lab.wait_for_faces()
        camera.send_signal(signal.SIGSTOP)
        lab.spin(pause)
        camera.send_signal(signal.SIGCONT)
        seconds.append(lab.wait_for_faces())
    lab.kill(camera)
    return Outcome('camera frozen for 0.5, 2 and 5 s', 3, 'none of its own', seconds)


def images_change(lab: Lab) -> Outcome:
    """Change size and encoding from image to image."""
    seconds, lost = [], 0
    cases = [
        (64, 48, 'bgr8', 3),
        (640, 480, 'mono8', 1),
        (31, 17, 'rgba8', 4),
        (1280, 720, 'yuyv', 2),
    ]
    for width, height, encoding, pixel in cases * 5:
        message = Image(width=width + width % 2, height=height, encoding=encoding)
        message.step = message.width * pixel
        message.data = array('B', bytes(message.step * height))
        waited = lab.show(message)
        lost += waited is None
        seconds += [waited] if waited is not None else []
    return Outcome('size and encoding change with every image', 20, f'{lost} of 20', seconds)


def bad_images(lab: Lab) -> Outcome:
    """Show images that are none, a good one after each."""
    seconds, lost = [], 0
    bad = [
        Image(width=2**32 - 1, height=2**32 - 1, step=2**32 - 1, encoding='bgr8'),
        Image(width=640, height=480, step=1920, encoding='bgr8', data=array('B', bytes(7))),
        Image(encoding='\x1b[2J' * 1000, width=1, height=1, step=3, data=array('B', bytes(3))),
    ]
    for message in bad * 10:
        lab.images.publish(message)
        waited = lab.show(lab.good())
        lost += waited is None
        seconds += [waited] if waited is not None else []
    return Outcome(
        'malformed images, a good one after each', 30, f'{lost} of 30 good ones', seconds
    )


def listener_stops_reading(lab: Lab) -> Outcome:
    """Freeze a reliable listener to the node's faces; others must go on hearing."""
    listener = lab.start_python(
        'import rclpy\nfrom face_perception.msg import FaceArray\nrclpy.init()\n'
        "node = rclpy.create_node('sleeper')\n"
        "node.create_subscription(FaceArray, '/face_perception/faces', print, 10)\n"
        'rclpy.spin(node)\n'
    )
    lab.until(lambda: lab.node.count_subscribers('/face_perception/faces') > 1, 20)
    listener.send_signal(signal.SIGSTOP)
    seconds = [waited for _ in range(60) if (waited := lab.show(lab.good(), 1.0)) is not None]
    listener.send_signal(signal.SIGCONT)
    lab.kill(listener)
    return Outcome('a reliable listener stops reading', 60, f'{60 - len(seconds)} of 60', seconds)


def models_change(lab: Lab) -> Outcome:
    """Replace, cut and let grow the model file in use, and ask for what it is then."""
    path, own = (
        lab.models / 'mine.onnx',
        share_directory() / 'models' / 'emotion_mini_xception.onnx',
    )
    said, seconds = [], []
    whole = own.read_bytes()
    for content in (whole, whole[:1000], whole + bytes(600 * 2**20), b'', b'\0' * 100_000, whole):
        path.write_bytes(content)
        said.append(lab.set('emotion.model', str(path)))
        lab.set('emotion.model', 'emotion_mini_xception.onnx')
        seconds.append(lab.show(lab.good()))
    path.unlink()
    said.append(lab.set('emotion.model', str(path)))
    refused = sum(reason != '' for reason in said)
    return Outcome(
        'model file cut, grown to 600 MB, emptied, zeroed, removed',
        7,
        'none',
        seconds,
        f'{refused} of 5 refused in a sentence',
    )


def clock_set(lab: Lab) -> Outcome:
    """Set the simulated clock back, forward and let it stand."""
    lab.restart('-p', 'use_sim_time:=true')
    clock = lab.node.create_publisher(Clock, '/clock', QoSProfile(depth=1))
    lab.until(clock.get_subscription_count, 20)
    seconds = []
    for now in (1000, 1001, 3, 4, 1e6, 1e6, 1e6, 5, 6):
        message = Clock()
        message.clock.sec = int(now)
        clock.publish(message)
        lab.spin(0.2)
        image = lab.good()
        image.header.stamp.sec = int(now)
        waited = lab.show(image, stamped=False)
        seconds += [waited] if waited is not None else []
    lab.node.destroy_publisher(clock)
    lab.restart()
    return Outcome(
        'clock set back, forward, standing still', 9, f'{9 - len(seconds)} of 9', seconds
    )


def node_killed(lab: Lab, kills: int) -> Outcome:
    """Kill the node at random moments of its life, and start it again."""
    chance, seconds = random.Random(1), []
    taken: set[str] = set()
    for kill in range(kills):
        lab.restart(wait=False)
        end = time.monotonic() + chance.uniform(0.0, LONGEST_LIFE_S)
        while time.monotonic() < end:
            lab.images.publish(lab.good())
            lab.spin(0.05)
        taken |= shared_files(lab.process.pid)
        lab.kill(lab.process)
        if (kill + 1) % KILLS_PER_RETURN == 0:
            started = time.monotonic()
            lab.restart()
            if lab.show(lab.good(), 20.0) is not None:
                seconds.append(time.monotonic() - started)
    # The dead's, but not what they shared with who lives: ports that were taken over.
    left = {path for path in taken if os.path.exists(path)} - shared_files()
    ports = {path for path in left if 'port' in path}
    return Outcome(
        'node killed at a random moment, and started again',
        kills,
        'those until it is back',
        seconds,
        f'of {len(taken)} files in `/dev/shm`: {len(left - ports)} segments and locks, '
        f'{len(ports)} ports',
    )


def little_memory(lab: Lab) -> Outcome:
    """Give the node a limit of memory, and images that claim more."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT, MEMORY_LIMIT))

    lab.restart('-p', 'image_transport:=compressed', prepare=limit)
    seconds, tries = [], 0
    for claim in range(20):
        side = 4096 << (claim % 4)
        bomb = jpeg_bomb(side) if claim % 2 else png_bomb(side)
        lab.compressed.publish(CompressedImage(format='jpeg', data=array('B', bomb)))
        tries += 1
        waited = lab.show(lab.good(compressed=True), 5.0)
        seconds += [waited] if waited is not None else []
    lab.restart()
    return Outcome(
        f'data limited to {MEMORY_LIMIT >> 20} MiB, images that claim gigabytes',
        tries,
        f'{tries - len(seconds)} of {tries} good ones',
        seconds,
    )


def two_of_everything(lab: Lab) -> Outcome:
    """Run two cameras on one topic and two nodes of one name."""
    cameras = [lab.start_camera(), lab.start_camera()]
    second = lab.start_node()
    seconds = [lab.wait_for_faces(20) for _ in range(20)]
    for process in (*cameras, second):
        lab.kill(process)
    return Outcome('two cameras on one topic, two nodes of one name', 1, 'none', seconds)


FAULTS: dict[str, Callable[[Lab], Outcome]] = {
    'camera-killed': camera_killed,
    'camera-frozen': camera_frozen,
    'images-change': images_change,
    'bad-images': bad_images,
    'listener': listener_stops_reading,
    'models': models_change,
    'clock': clock_set,
    'memory': little_memory,
    'two': two_of_everything,
}


def main() -> int:
    """Try the faults and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--kills', type=int, default=50, help='how often the node is killed')
    parser.add_argument('--only', nargs='*', choices=(*FAULTS, 'kills', 'disks'), help='these')
    parser.add_argument('--output', type=Path, default=Path('benchmarks_output'))
    options = parser.parse_args()
    outcomes: list[Outcome] = []

    def add(outcome: Outcome) -> None:
        outcomes.append(outcome)
        print(outcome.row(), flush=True)

    print(
        '| fault | times | lost | next good answer, median / worst (s) | left |\n'
        '|---|---|---|---|---|'
    )
    with Lab() as lab:
        for name, fault in FAULTS.items():
            if not options.only or name in options.only:
                add(fault(lab))
        if not options.only or 'kills' in options.only:
            add(node_killed(lab, options.kills))
        if not options.only or 'disks' in options.only:
            for outcome in own_file_systems():
                add(outcome)
    options.output.mkdir(exist_ok=True)
    (options.output / 'faults.json').write_text(
        json.dumps([asdict(one) for one in outcomes], indent=1)
    )
    return 0


if __name__ == '__main__':
    sys.exit(ended(main))
