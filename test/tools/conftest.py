"""What the tests of the tools share: pictures on disk, and the tools as real processes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def pictures():
    """Return six pictures of 64x48 pixels, told apart by their brightness: 30, 60, ... 180."""
    ramp = np.linspace(0, 40, 64)[None, :, None]
    return [np.full((48, 64, 3), 30 * number, np.uint8) + ramp.astype(np.uint8)
            for number in range(1, 7)]


@pytest.fixture
def make_video(tmp_path, pictures):
    """Write a video of the pictures, 10 per second."""

    def make(name='video.mp4', codec='mp4v'):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10.0, (64, 48))
        if not writer.isOpened():
            pytest.skip(f'this OpenCV writes no {codec}')
        for picture in pictures:
            writer.write(picture)
        writer.release()
        return path

    return make


class Tool:
    """One of the tools as a process."""

    def __init__(self, module, arguments, folder, environment):
        self._log_path = folder / f'{module}_{time.monotonic_ns()}.log'
        with open(self._log_path, 'w') as log:
            self.process = subprocess.Popen(
                [sys.executable, '-m', f'face_perception.tools.{module}', *map(str, arguments)],
                # Away from the source tree, which would come before the installed package.
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C works as in a terminal, also where these tests run in the background.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

    def log(self):
        """Return what it has printed so far."""
        return self._log_path.read_text()

    def wait(self, timeout=30.0):
        """Wait for its end; return the exit code."""
        return self.process.wait(timeout)

    def wait_for_log(self, text, timeout=20.0):
        """Wait until it has printed ``text``."""
        deadline = time.monotonic() + timeout
        while text not in self.log():
            assert time.monotonic() < deadline and self.process.poll() is None, self.log()
            time.sleep(0.05)

    def stop(self, number=signal.SIGINT, timeout=3.0):
        """Interrupt it; return exit code and the seconds that it took."""
        start = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout), time.monotonic() - start


@pytest.fixture
def start_tool(tmp_path):
    """Start tools; none outlives the test, and none may print a traceback."""
    tools = []

    def start(module, *arguments, **environment):
        tool = Tool(module, arguments, tmp_path, {**os.environ, **environment})
        tools.append(tool)
        return tool

    yield start
    for tool in tools:
        if tool.process.poll() is None:
            tool.process.kill()
            tool.process.wait()
        assert 'Traceback' not in tool.log(), tool.log()


@dataclass
class Bag:
    """A bag on disk; ``images`` are (topic, nanoseconds, CDR) in their order."""

    path: Path
    images: list[tuple[str, int, bytes]] = field(default_factory=list)


#: When the bags that are made here begin.
BAG_START_NS = 1_700_000_000 * 10**9
IMAGE_RATE = 20


@pytest.fixture
def make_bag(tmp_path, pictures):
    """
    Write a bag with two cameras and words, 20 of each a second.

    ``messages`` are given in the place of the first camera's.  Images are recorded 2 ms after
    their stamps.
    """
    pytest.importorskip('rosbags', reason='needs rosbags, which comes with rosbags-image')
    from rclpy.serialization import serialize_message
    from rclpy.time import Time
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore
    from std_msgs.msg import Header, String

    from face_perception.ros.conversions import image_message
    from face_perception.tools.encodings import compress

    typestore = get_typestore(Stores.ROS2_HUMBLE)
    types = {'/camera/image_raw': 'sensor_msgs/msg/Image', '/words': 'std_msgs/msg/String',
             '/other/image/compressed': 'sensor_msgs/msg/CompressedImage'}

    def message_of(topic, number, header):
        picture = pictures[number % len(pictures)]
        if topic == '/words':
            return String(data=str(number))
        if topic == '/camera/image_raw':
            return image_message(header, picture)
        return compress(picture, 'png', header)

    def make(storage='sqlite3', compression='none', topics=tuple(types), count=6, messages=()):
        bag = Bag(tmp_path / f'bag_{time.monotonic_ns()}')
        writer = Writer(bag.path, version=8, storage_plugin=StoragePlugin[storage.upper()])
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
        with writer:
            connections = {topic: writer.add_connection(topic, types[topic], typestore=typestore)
                           for topic in topics}
            for number in range(len(messages) or count):
                for place, (topic, connection) in enumerate(connections.items()):
                    stamp_ns = BAG_START_NS + number * 10**9 // IMAGE_RATE + place * 10**6
                    header = Header(stamp=Time(nanoseconds=stamp_ns).to_msg(), frame_id='eye')
                    if messages and topic == '/camera/image_raw':
                        message = messages[number]
                        if not isinstance(message, bytes):
                            message.header = header
                    else:
                        message = message_of(topic, number, header)
                    data = message if isinstance(message, bytes) else serialize_message(message)
                    writer.write(connection, stamp_ns + 2_000_000, data)
                    if topic != '/words':
                        bag.images.append((topic, stamp_ns + 2_000_000, data))
        return bag

    return make
