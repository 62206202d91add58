"""
The processes around the node that is measured: ``python -m peers ROLE ...``.

A camera with an image that is prepared once, a probe that takes the time when a result arrives,
and instead of the node an echo, which does nothing but answer, or a node that does nothing at all.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from usage import peak_megabytes, processor_seconds, resident_megabytes, shared_megabytes

from face_perception.core.timing import STAGES
from face_perception.msg import FaceArray, PipelineLatency
from face_perception.ros.conversions import seconds
from face_perception.ros.transport import use_large_images
from face_perception.tools.camera.pace import Pace

FACES_TOPIC, LATENCY_TOPIC = '/face_perception/faces', '/face_perception/latency'
#: Printed when a role has made its publishers and subscriptions.
READY = 'ready'


def camera(options: argparse.Namespace) -> None:
    """Publish one image at an exact rate, stamped just before, numbered in ``frame_id``."""
    # Here, so that the others do not load OpenCV: they show what a process costs without it.
    from crowds import crowd

    from face_perception.media.messages.encoding import compress, encode

    image, _ = crowd(options.faces, options.width, options.height)
    kind = CompressedImage if options.compressed else Image
    message = (
        compress(image, 'jpeg', Header()) if options.compressed else encode(image, 'bgr8', Header())
    )
    node = rclpy.create_node('benchmark_camera')
    topic = '/image/compressed' if options.compressed else '/image'
    publisher = node.create_publisher(kind, topic, QoSProfile(depth=5))
    print(READY, flush=True)
    pace, number = Pace(options.rate), 0
    while rclpy.ok():
        time.sleep(pace.delay())
        message.header.frame_id = str(number)
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        number += 1


def echo(options: argparse.Namespace) -> None:
    """Answer each image with its header alone: what the transport costs both ways."""
    node = rclpy.create_node('benchmark_echo')
    publisher = node.create_publisher(FaceArray, FACES_TOPIC, QoSProfile(depth=1))
    # The subscription is the node's: best effort, only the newest.
    kind, topic = (
        (CompressedImage, '/image/compressed') if options.compressed else (Image, '/image')
    )
    qos = QoSProfile(depth=1, reliability=qos_profile_sensor_data.reliability)
    node.create_subscription(
        kind, topic, lambda message: publisher.publish(FaceArray(header=message.header)), qos
    )
    spin(node)


def nothing(options: argparse.Namespace) -> None:
    """Be a node that does nothing: what rclpy costs while idle."""
    spin(rclpy.create_node('benchmark_nothing'))


def spin(node: Node) -> None:
    """Serve a node until the process is interrupted."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    print(READY, flush=True)
    executor.spin()


class Probe(Node):
    """Notes when each result arrives, and what the measured process costs meanwhile."""

    def __init__(self, options: argparse.Namespace):
        super().__init__('benchmark_probe')
        self._options = options
        self.first: float | None = None
        self.results: list[dict] = []
        self.stages: dict[str, list[float]] = {name: [] for name in STAGES}
        self.processing: list[float] = []
        self.drops: list[int] = []
        deep = QoSProfile(depth=100)  # reliable: every result is to be counted
        self.create_subscription(FaceArray, FACES_TOPIC, self._on_faces, deep)
        self.create_subscription(PipelineLatency, LATENCY_TOPIC, self._on_latency, deep)

    @property
    def measuring(self) -> bool:
        """Whether the warm-up is over."""
        return self.first is not None and time.monotonic() >= self.first + self._options.warm_up

    @property
    def done(self) -> bool:
        """Whether the measurement is over."""
        return self.results != [] and (
            time.monotonic() >= self.results[0]['time_s'] + self._options.seconds
        )

    def _on_faces(self, message: FaceArray) -> None:
        arrival, now = self.get_clock().now(), time.monotonic()
        if self.first is None:
            self.first = now
        if self.measuring and not self.done:
            age = arrival - Time.from_msg(message.header.stamp)
            self.results.append(
                {
                    'number': int(message.header.frame_id),
                    'time_s': now,
                    'latency_ms': age.nanoseconds / 1e6,
                    'faces': len(message.faces),
                }
            )

    def _on_latency(self, message: PipelineLatency) -> None:
        if self.results and not self.done:
            for name, values in self.stages.items():
                values.append(1000 * seconds(getattr(message, name)))
            self.processing.append(1000 * seconds(message.processing))
            self.drops.append(message.frames_dropped)


def probe(options: argparse.Namespace) -> None:
    """Wait for the first result, warm up, measure, and write what was seen."""
    node = Probe(options)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    print(READY, flush=True)
    while node.first is None:
        executor.spin_once(timeout_sec=0.1)
    pid = int(options.pid_file.read_text())
    while not node.results:
        executor.spin_once(timeout_sec=0.1)
    started, used = time.monotonic(), processor_seconds(pid)
    while not node.done:
        executor.spin_once(timeout_sec=0.1)
    elapsed, used = time.monotonic() - started, processor_seconds(pid) - used
    options.result.write_text(
        json.dumps(
            {
                'first_result_s': node.first,
                'seconds': elapsed,
                'cpu_percent': 100 * used / elapsed,
                'rss_mb': resident_megabytes(pid),
                'shared_mb': shared_megabytes(pid),
                'peak_rss_mb': peak_megabytes(pid),
                'drops': node.drops[-1] - node.drops[0] if node.drops else 0,
                'stages_ms': {
                    name: float(np.median(values)) for name, values in node.stages.items() if values
                },
                'processing_ms': float(np.median(node.processing)) if node.processing else None,
                'results': node.results,
            }
        )
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    roles = parser.add_subparsers(dest='role', required=True)
    for role in (camera, echo, nothing, probe):
        command = roles.add_parser(role.__name__)
        command.set_defaults(run=role)
        command.add_argument('--compressed', action='store_true')
        if role is camera:
            for name in ('faces', 'width', 'height'):
                command.add_argument(f'--{name}', type=int, required=True)
            command.add_argument('--rate', type=float, required=True)
        if role is probe:
            for name in ('warm-up', 'seconds'):
                command.add_argument(f'--{name}', type=float, required=True)
            for name in ('pid-file', 'result'):
                command.add_argument(f'--{name}', type=Path, required=True)
    options = parser.parse_args()
    use_large_images()
    rclpy.init()
    try:
        options.run(options)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
