"""What the offline tests share: made-up results, recordings, and the command as a process."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_perception.core.timing import Timings
from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Face, FrameResult
from face_perception.offline.types import Frame
from support.program import Programs

BOX = Box(40, 30, 40, 40)
#: Of every frame.
TIMINGS = Timings(decode=0.002, detect=0.010, track=0.0004, classify=0.005, processing=0.0174)


class Made:
    """Makes frames, faces and results."""

    @staticmethod
    def face(track_id='1', emotion='happy', gender='female', box=BOX):
        """Return a face that is 80 % sure of its labels."""

        def prediction(labels, label):
            rest = 0.2 / (len(labels) - 1)
            return label and Classification(
                labels, np.array([0.8 if one == label else rest for one in labels], np.float32)
            )

        return Face(
            box,
            0.9,
            prediction(GENDERS, gender) or None,
            prediction(EMOTIONS, emotion) or None,
            track_id,
        )

    @staticmethod
    def frame(index, image=None, rate=10.0, topic='', name='', begin_ns=0):
        """Return a frame of a stream."""
        if image is None:
            image = np.full((120, 160, 3), 40 + index % 100, np.uint8)
        return Frame(image, index, begin_ns + round(index * 1e9 / rate), topic, '', name)

    @staticmethod
    def result(*faces):
        """Return what was seen in a frame."""
        return FrameResult(160, 120, list(faces), TIMINGS)


@pytest.fixture(scope='session')
def made():
    """Return the maker of results."""
    return Made


START_NS, PERIOD_NS, DELAY_NS = 1_700_000_000_000_000_000, 100_000_000, 4_000_000


@dataclass
class Entry:
    """A message of a recording to be made."""

    topic: str
    message: object
    received_ns: int


class Recorder:
    """Makes messages and recordings as ROS 2 does; its cameras give ten images per second."""

    entry = Entry

    def __init__(self):
        pytest.importorskip('rosbags.rosbag2', reason='offline runs need rosbags')
        from rosbags.interfaces import (
            Qos,
            QosDurability,
            QosHistory,
            QosLiveliness,
            QosReliability,
            QosTime,
        )
        from rosbags.typesys import Stores, get_typestore

        self.store = get_typestore(Stores.ROS2_HUMBLE)
        never = QosTime(0, 0)
        self.qos = Qos(
            QosHistory.KEEP_LAST,
            7,
            QosReliability.BEST_EFFORT,
            QosDurability.VOLATILE,
            never,
            never,
            QosLiveliness.AUTOMATIC,
            never,
            False,
        )

    @staticmethod
    def stamp(index):
        """Return the stamp of the image with this index; it is received 4 ms later."""
        return START_NS + index * PERIOD_NS

    def image(self, image, stamp_ns, encoding='bgr8'):
        """Return a sensor_msgs/Image."""
        height, width = image.shape[:2]
        return self.store.types['sensor_msgs/msg/Image'](
            self._header(stamp_ns),
            height,
            width,
            encoding,
            0,
            image.strides[0],
            np.ascontiguousarray(image).reshape(-1).view(np.uint8),
        )

    def jpeg(self, image, stamp_ns):
        """Return a sensor_msgs/CompressedImage."""
        return self.store.types['sensor_msgs/msg/CompressedImage'](
            self._header(stamp_ns), 'jpeg', cv2.imencode('.jpg', image)[1].reshape(-1)
        )

    def text(self, words):
        """Return a std_msgs/String."""
        return self.store.types['std_msgs/msg/String'](words)

    def cdr(self, message):
        """Return a message as it is stored."""
        return bytes(self.store.serialize_cdr(message, message.__msgtype__))

    def camera(self, topic, images, make=None, first=0):
        """Return the entries of a camera."""
        make = make or self.image
        return [
            Entry(topic, make(image, self.stamp(index)), self.stamp(index) + DELAY_NS)
            for index, image in enumerate(images, first)
        ]

    def chatter(self, count):
        """Return the entries of another topic."""
        return [
            Entry('/chatter', self.text(f'hello {index}'), self.stamp(index))
            for index in range(count)
        ]

    def write(self, path, entries, storage, compression):
        """Write a recording."""
        from rosbags.rosbag2 import CompressionFormat, Writer

        writer = Writer(path, version=8, storage_plugin=storage)
        if compression is not None:
            writer.set_compression(compression, CompressionFormat.ZSTD)
        with writer:
            connections = {}
            for entry in sorted(entries, key=lambda entry: entry.received_ns):
                if entry.topic not in connections:
                    connections[entry.topic] = writer.add_connection(
                        entry.topic,
                        entry.message.__msgtype__,
                        typestore=self.store,
                        offered_qos_profiles=[self.qos],
                    )
                writer.write(connections[entry.topic], entry.received_ns, self.cdr(entry.message))

    def _header(self, stamp_ns):
        types = self.store.types
        return types['std_msgs/msg/Header'](
            types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9)), 'camera'
        )


@pytest.fixture(scope='session')
def recorded():
    """Return the maker of recordings."""
    return Recorder()


@pytest.fixture(scope='session')
def visible():
    """Return what lists the names in a folder, hidden ones too; [] where there is none."""
    return lambda folder: (
        sorted(path.name for path in Path(folder).iterdir()) if Path(folder).exists() else []
    )


@pytest.fixture(scope='session')
def scene():
    """Return ten images of 320x240 pixels: one person, later two; each has a face."""
    pytest.importorskip('skimage', reason='the sample scene needs scikit-image (extra demo)')
    from face_perception.media.sample.sample import SampleScene

    sample = SampleScene(320, 240, 10.0)
    return [sample.frame(index) for index in range(40, 50)]


@pytest.fixture
def make_bag(tmp_path, recorded):
    """Write a recording of entries, in the order in which they were received."""

    def make(entries, name='bag', storage=None, compression=None):
        from rosbags.rosbag2 import StoragePlugin

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        recorded.write(path, entries, storage or StoragePlugin.MCAP, compression)
        return path

    return make


@pytest.fixture
def start_command(tmp_path):
    """Start ``face_perception_annotate``, as by ``Programs``."""
    programs = Programs()

    def start(*arguments, code='', prepare=None):
        program = ['-c', code] if code else ['-m', 'face_perception.offline.annotate']
        return programs.start(
            [*program, *arguments], tmp_path, 'annotate', {'COLUMNS': '200'}, prepare, patience=60.0
        )

    yield start
    programs.end()
