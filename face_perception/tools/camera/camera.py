"""
A camera for ROS 2 without a camera: publishes a webcam, a file, a folder or the sample.

As a command: ``face_perception_camera --source sample --ros-args -r image:=/camera/image_raw``.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ...console.arguments import Parser, image_count, image_rate, image_size, message_text
from ...core.errors import FacePerceptionError
from ...media.messages.encoding import ENCODERS, compress, encode
from ...media.sources import Source, open_source
from ...offline.names import readable
from ...ros.parameter_requests import ParameterRequests
from ...ros.quality import reliability_of
from ...ros.start import begin, finish
from ..ros_program import leave, refuse, run_program, steady_executor, warn
from .pace import Pace, Shortfall

PROGRAM = 'face_perception_camera'
#: Seconds that the last images get to arrive.
FAREWELL_S = 0.5
#: Seconds that the source gets to end: a webcam may keep its reader waiting for good.
END_S = 2.0
STREAM_THREAD = 'face_perception_camera_stream'
#: Before images that end, somebody who listens already is waited for so many seconds at most.  Fast
#: DDS tells of itself every 3 s; what it says more often at first may be lost.
MEETING_S = 4.0


class CameraNode(Node):
    """Publishes images as messages."""

    def __init__(self, options: argparse.Namespace):
        super().__init__(PROGRAM, start_parameter_services=False)
        self._parameter_requests = ParameterRequests(self)
        self._options = options
        self.published = 0
        qos = QoSProfile(depth=5, reliability=reliability_of(options.reliability))
        topic = self.resolve_topic_name('image')
        if options.compressed:
            # Beside the raw topic, wherever that is remapped to, as image_transport has it.
            self.publisher = self.create_publisher(CompressedImage, f'{topic}/compressed', qos)
        else:
            self.publisher = self.create_publisher(Image, topic, qos)

    def publish(self, image: np.ndarray) -> None:
        """Publish a uint8 ``[H, W, 3]`` BGR image that was taken now."""
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._options.frame_id)
        if self._options.compressed:
            message = compress(image, self._options.compressed, header)
        else:
            message = encode(image, self._options.encoding, header)
        self.publisher.publish(message)
        self.published += 1

    def announce(self, image: np.ndarray, rate: float) -> None:
        """Log what is published."""
        options, (height, width) = self._options, image.shape[:2]
        self.get_logger().info(
            f"publishing '{readable(options.source)}' on '{self.publisher.topic_name}': "
            f'{width}x{height} {options.compressed or options.encoding}, {rate:g} Hz, '
            f'{options.reliability}'
        )

    def tell_few(self, rate: float, wanted: float, live: bool) -> None:
        """Log that there are only ``rate`` images a second, instead of those ``wanted``."""
        webcam = 'a webcam gives fewer in dim light and in a large --size; ' if live else ''
        self.get_logger().warning(
            f'only {rate:.3g} images a second are published instead of {wanted:g}: {webcam}where '
            'this machine has no time for more, give a smaller --size or a lower --rate'
        )


class Stream:
    """
    Publishes a source's images at a steady rate, on a thread of its own.

    A webcam may keep its reader waiting; the main thread stays free to be interrupted.
    """

    def __init__(self, node: CameraNode, source: Source, options: argparse.Namespace):
        self._node, self._source, self._options = node, source, options
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=STREAM_THREAD, daemon=True)
        self.fault = ''

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether there are images left to publish."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; a source that keeps its reader waiting is not waited for, and goes on running."""
        self._stop.set()
        self._thread.join(END_S)

    def _run(self) -> None:
        try:
            self._publish_all()
        except FacePerceptionError as error:
            self.fault = str(error)
        except Exception as error:
            if self._node.context.ok():  # else the process is ending
                self.fault = f'stopped by {error!r}'

    def _await_listener(self) -> None:
        """Wait a moment for somebody to listen, where an image that nobody heard is lost."""
        end = time.monotonic() + MEETING_S
        while not self._node.publisher.get_subscription_count() and time.monotonic() < end:
            if self._stop.wait(0.02):
                return
        if not self._node.publisher.get_subscription_count():
            self._node.get_logger().warning(
                f"nobody subscribes to '{self._node.publisher.topic_name}' so far: publishing all "
                'the same'
            )

    def _publish_all(self) -> None:
        rate = self._options.rate or self._source.rate
        ends = self._options.count or not self._options.loop
        if ends and not self._source.live:
            self._await_listener()
        pace, shortfall = Pace(rate), Shortfall(rate)
        for image in self._images(pace):
            if self._stop.is_set():
                return
            self._node.publish(image)
            if self._node.published == 1:
                self._node.announce(image, rate)
            if real := shortfall.found():
                self._node.tell_few(real, rate, self._source.live)
            if self._node.published == self._options.count:
                break
        self._node.publisher.wait_for_all_acked(Duration(seconds=FAREWELL_S))

    def _images(self, pace: Pace) -> Iterator[np.ndarray]:
        """Give each image when it is due."""
        for image in self._source.frames(self._options.loop):
            if self._source.live:
                # A webcam sets the beat itself; what comes faster than wanted is left out.
                if self._options.rate and pace.skips():
                    continue
            elif not pace.wait(self._stop):
                return
            yield image


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line without its ROS part; exits with code 2 on a mistake."""
    parser = Parser(
        prog=PROGRAM,
        description='Publish images as a ROS 2 camera does, on the topic image.',
        epilog="ROS's own arguments follow --ros-args, such as -r image:=/camera/image_raw.",
    )
    parser.add_argument(
        '--source',
        default='sample',
        metavar='SOURCE',
        help='webcam (0, /dev/video0, a link in /dev/v4l/by-id), video, GIF, image, folder of '
        "images, or 'sample', which is built in",
    )
    parser.add_argument(
        '--size',
        type=image_size,
        metavar='WxH',
        help="scale the images into this size (without it the source's own)",
    )
    parser.add_argument(
        '--rate',
        type=image_rate,
        metavar='HZ',
        help="images per second (without it the source's own)",
    )
    parser.add_argument(
        '--encoding',
        default='bgr8',
        choices=ENCODERS,
        metavar='ENCODING',
        help=f'one of {", ".join(ENCODERS)}',
    )
    parser.add_argument(
        '--compressed',
        choices=('jpeg', 'png'),
        help='publish CompressedImage on image/compressed instead',
    )
    parser.add_argument(
        '--reliability',
        default='reliable',
        choices=('best_effort', 'reliable'),
        help='quality of service; camera drivers are reliable',
    )
    parser.add_argument(
        '--frame-id',
        type=message_text,
        default='camera',
        metavar='NAME',
        help='frame_id of the headers',
    )
    parser.add_argument(
        '--loop',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='begin again at the end of the source',
    )
    parser.add_argument(
        '--count', type=image_count, metavar='N', help='stop after N images (without it never)'
    )
    options = parser.parse_args(arguments)
    if options.compressed and options.encoding != 'bgr8':
        parser.error('--compressed images are always bgr8: leave --encoding out')
    return options


def main(args: list[str] | None = None) -> int:
    """Run the camera until it is interrupted or ends; return the process's exit code."""
    code = run_program(PROGRAM, args, parse_arguments, run)
    if any(thread.name == STREAM_THREAD for thread in threading.enumerate()):
        leave(code)
    return code


def run(arguments: list[str], options: argparse.Namespace) -> int:
    """Publish until there is nothing left or the process is interrupted."""
    source = open_source(options.source, options.size, options.rate, partial(warn, PROGRAM))
    node = begin(arguments, lambda: CameraNode(options))
    executor = steady_executor(PROGRAM)
    executor.add_node(node)
    stream = Stream(node, source, options)
    try:
        stream.start()
        while stream.running:
            executor.spin_once(timeout_sec=0.1)
    finally:
        stream.stop()
        finish(executor, node)
    return refuse(PROGRAM, stream.fault) if stream.fault else 0


if __name__ == '__main__':
    sys.exit(main())
