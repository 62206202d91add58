"""What the offline tests share: recordings made on the spot, and the command as a process."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='offline runs need pyarrow (the extra offline)')
pytest.importorskip('rosbags.rosbag2', reason='offline runs need rosbags')

from rosbags.interfaces import (  # noqa: E402
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import (  # noqa: E402
    CompressionFormat,
    CompressionMode,
    StoragePlugin,
    Writer,
)
from rosbags.typesys import Stores, get_typestore  # noqa: E402

STORE = get_typestore(Stores.ROS2_HUMBLE)
START_NS, PERIOD_NS = 1_700_000_000_000_000_000, 100_000_000
NO_TIME = QosTime(0, 0)
SENSOR_QOS = Qos(QosHistory.KEEP_LAST, 7, QosReliability.BEST_EFFORT, QosDurability.VOLATILE,
                 NO_TIME, NO_TIME, QosLiveliness.AUTOMATIC, NO_TIME, False)


@dataclass
class Entry:
    """A message of a recording to be made."""

    topic: str
    message: object
    received_ns: int
    qos: list = field(default_factory=lambda: [SENSOR_QOS])


def header(stamp_ns, frame_id='camera'):
    types = STORE.types
    return types['std_msgs/msg/Header'](
        types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9)), frame_id)


def image(picture, stamp_ns, encoding='bgr8', frame_id='camera', data=None):
    data = picture.reshape(-1).view(np.uint8) if data is None else data
    height, width = picture.shape[:2]
    return STORE.types['sensor_msgs/msg/Image'](
        header(stamp_ns, frame_id), height, width, encoding, 0, picture.strides[0], data)


def jpeg(picture, stamp_ns):
    return STORE.types['sensor_msgs/msg/CompressedImage'](
        header(stamp_ns), 'jpeg', cv2.imencode('.jpg', picture)[1].reshape(-1))


def text(words):
    return STORE.types['std_msgs/msg/String'](words)


def cdr(message):
    return bytes(STORE.serialize_cdr(message, message.__msgtype__))


def stamp(index):
    """Return the stamp of the image with this index; it is received 4 ms later."""
    return START_NS + index * PERIOD_NS


def camera(topic, pictures, make=image, first=0):
    """Return the entries of a camera, ten pictures per second."""
    return [Entry(topic, make(picture, stamp(index)), stamp(index) + 4_000_000)
            for index, picture in enumerate(pictures, first)]


def chatter(count):
    return [Entry('/chatter', text(f'hello {index}'), stamp(index)) for index in range(count)]


@pytest.fixture(scope='session')
def recorded():
    """Return what messages and recordings are made with."""
    return SimpleNamespace(
        store=STORE, qos=SENSOR_QOS, entry=Entry, image=image, jpeg=jpeg, text=text, cdr=cdr,
        stamp=stamp, camera=camera, chatter=chatter, visible=visible)


@pytest.fixture(scope='session')
def scene():
    """Return ten pictures of 320x240 pixels: one person, later two; each has a face."""
    pytest.importorskip('skimage', reason='the sample scene needs scikit-image (extra demo)')
    from face_perception.tools.sample import SampleScene
    sample = SampleScene(320, 240, 10.0)
    return [sample.frame(index) for index in range(40, 50)]


@pytest.fixture
def make_bag(tmp_path):
    """Write a recording of entries, in the order in which they were received."""

    def make(entries, name='bag', storage=StoragePlugin.MCAP, compression=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = Writer(path, version=8, storage_plugin=storage)
        if compression is not None:
            writer.set_compression(compression, CompressionFormat.ZSTD)
        with writer:
            connections = {}
            for entry in sorted(entries, key=lambda entry: entry.received_ns):
                kind = entry.message.__msgtype__
                if entry.topic not in connections:
                    connections[entry.topic] = writer.add_connection(
                        entry.topic, kind, typestore=STORE, offered_qos_profiles=entry.qos)
                writer.write(connections[entry.topic], entry.received_ns, cdr(entry.message))
        return path

    return make


@pytest.fixture
def make_video(tmp_path):
    """Write a video of pictures, ten per second."""

    def make(pictures, name='clip.mp4', codec='mp4v'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter_fourcc(*codec), 10.0, pictures[0].shape[1::-1])
        if not writer.isOpened():
            pytest.skip(f'this OpenCV writes no {codec}')
        for picture in pictures:
            writer.write(picture)
        writer.release()
        return path

    return make


class Command:
    """``face_perception_annotate`` as a process."""

    def __init__(self, arguments, folder, code, **options):
        self._log_path = folder / f'annotate_{time.monotonic_ns()}.log'
        program = ['-c', code] if code else ['-m', 'face_perception.offline.annotate']
        with self._log_path.open('w') as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, *map(str, arguments)],
                # Away from the source tree, which would come before the installed package.
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, 'COLUMNS': '200'}, **options)

    def log(self):
        """Return what it has printed so far."""
        return self._log_path.read_text()

    def wait(self, timeout=60.0):
        """Wait for its end; return the exit code."""
        return self.process.wait(timeout)

    def wait_for(self, condition, timeout=30.0):
        """Wait until ``condition()`` is true while it runs."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline and self.process.poll() is None, self.log()
            time.sleep(0.01)

    def stop(self, number, timeout=10.0):
        """Send it a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout)


def _ready(extra=None):
    def prepare():
        # Ctrl-C works as in a terminal, also where these tests run in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if extra is not None:
            extra()
    return prepare


@pytest.fixture
def start_command(tmp_path):
    """Start the command; none outlives the test, and none may print a traceback."""
    commands = []

    def start(*arguments, code='', prepare=None):
        commands.append(Command(arguments, tmp_path, code, preexec_fn=_ready(prepare)))
        return commands[-1]

    yield start
    for command in commands:
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait()
        assert 'Traceback' not in command.log(), command.log()


def visible(folder):
    """Return the names in a folder, hidden ones too, and [] where there is none."""
    return sorted(path.name for path in Path(folder).iterdir()) if Path(folder).exists() else []
