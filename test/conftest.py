"""What all tests share: models, images, bags, a node on real DDS, and tools as processes."""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

# For test/support. The setting `pythonpath` is not known to pytest 6, which Ubuntu 22.04 has.
sys.path.insert(0, str(Path(__file__).parent))

from support.program import Programs  # noqa: E402
from support.waiting import PATIENCE_S  # noqa: E402

# Before rclpy is imported anywhere: this run's DDS traffic stays on this machine and apart
# from that of other runs, and each worker's of pytest-xdist apart from that of the others, which
# have all inherited the domain of the process that started them.
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
if os.environ.get('ROS_DISTRO') == 'humble':  # before there was a discovery range
    os.environ.setdefault('ROS_LOCALHOST_ONLY', '1')
os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
if worker := os.environ.get('PYTEST_XDIST_WORKER', '').removeprefix('gw'):
    os.environ['ROS_DOMAIN_ID'] = str(1 + (int(os.environ['ROS_DOMAIN_ID']) + int(worker)) % 100)
# Before PyTorch is: its threads wait for each other, which costs more than they gain as soon as
# another process needs the cores.
os.environ.setdefault('OMP_NUM_THREADS', '1')

#: The modules of the tools that are folders.
TOOLS = {'camera': 'camera.camera', 'demo': 'demo.demo', 'play': 'player.play'}


def pytest_collection_modifyitems(items):
    """Begin with what takes longest: else one of several workers ends long after the others."""
    items.sort(key=lambda item: 'test_install.py' not in item.nodeid)


def _output_nodes(kind, output):
    """Return the nodes that make a tiny classifier's output from its logits."""
    from onnx import helper

    soft = helper.make_node('Softmax', ['logits'], ['soft'], axis=1)
    return {
        'probabilities': [helper.make_node('Softmax', ['logits'], [output], axis=1)],
        'nan': [
            helper.make_node('Sub', ['logits', 'logits'], ['none']),
            helper.make_node('Div', ['none', 'zero'], [output]),
        ],
        # NaN for crops that are almost white, which those that a file is tried with are not.
        'bright nan': [
            soft,
            helper.make_node('ReduceMax', ['logits'], ['most'], axes=[1], keepdims=1),
            helper.make_node('Sub', ['bright', 'most'], ['left']),
            helper.make_node('Sqrt', ['left'], ['root']),
            helper.make_node('Mul', ['root', 'zero'], ['nothing']),
            helper.make_node('Add', ['soft', 'nothing'], [output]),
        ],
        'logits': [helper.make_node('Sub', ['logits', 'bright'], [output])],
        'one row': [soft, helper.make_node('Slice', ['soft', 'first', 'second'], [output])],
        'failing': [soft, helper.make_node('Gather', ['soft', 'ninth'], [output])],
    }[kind]


@pytest.fixture
def make_model(tmp_path):
    """Write a tiny ONNX classifier; every part of the contract can be broken."""
    onnx = pytest.importorskip('onnx', reason='needs onnx (the extra test) to make model files')
    from onnx import TensorProto, helper

    def make(
        name='model.onnx',
        size=8,
        channels=1,
        classes=3,
        input_name='image',
        output_name='probabilities',
        input_type=TensorProto.UINT8,
        output='probabilities',
        **metadata,
    ):
        """``output`` is what it says: also 'nan', 'logits', 'one row', 'failing', 'bright nan'."""
        metadata = {
            'task': 'emotion',
            'labels': json.dumps(['happy', 'sad', 'neutral']),
            'color': 'gray',
            'crop_margin': '0.0',
            'version': '9.9',
            **metadata,
        }
        weights = np.linspace(-1, 1, channels * classes, dtype=np.float32) / 255
        graph = helper.make_graph(
            [
                helper.make_node('Cast', [input_name], ['f'], to=TensorProto.FLOAT),
                helper.make_node('ReduceMean', ['f'], ['mean'], axes=[1, 2], keepdims=0),
                helper.make_node('MatMul', ['mean', 'w'], ['logits']),
                *_output_nodes(output, output_name),
            ],
            'tiny',
            [helper.make_tensor_value_info(input_name, input_type, ['N', size, size, channels])],
            [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ['N', classes])],
            [
                helper.make_tensor('w', TensorProto.FLOAT, [channels, classes], weights.tolist()),
                helper.make_tensor('zero', TensorProto.FLOAT, [], [0.0]),
                helper.make_tensor('bright', TensorProto.FLOAT, [], [0.9]),
                helper.make_tensor('first', TensorProto.INT64, [1], [0]),
                helper.make_tensor('second', TensorProto.INT64, [1], [1]),
                helper.make_tensor('ninth', TensorProto.INT64, [1], [9]),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
        helper.set_model_props(
            model, {key: value for key, value in metadata.items() if value is not None}
        )
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return make


@pytest.fixture(scope='session')
def portrait():
    """Return a 480x640 BGR image with one face, and where the face is (x, y, size)."""
    data = pytest.importorskip(
        'skimage.data', reason='needs scikit-image (the extra demo) for an image with a face'
    )
    image = np.full((480, 640, 3), 90, np.uint8)
    image[:, 64:576] = data.astronaut()[:480, :, ::-1]
    return image, (236, 60, 106)


@pytest.fixture(scope='session')
def ros():
    """Return a node of the test's own, with helpers to publish and to wait."""
    rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

    from face_perception.ros.transport import use_large_images

    use_large_images()
    rclpy.init()
    client = RosClient(rclpy.create_node('test_client'))
    yield client
    client.node.destroy_node()
    rclpy.shutdown()


class RosClient:
    """A node that collects messages and spins while it waits for something."""

    def __init__(self, node):
        self.node = node
        self._clients = {}
        self._subscriptions = {}
        self._diagnostics = None

    def spin_until(self, condition, timeout=PATIENCE_S):
        """Spin until ``condition()`` is true; return its value, or fail after ``timeout`` s."""
        import rclpy

        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if value := condition():
                return value
            rclpy.spin_once(self.node, timeout_sec=0.05)
        raise AssertionError(f'nothing after {timeout} s')

    def spin_for(self, seconds):
        """Spin for a while."""
        import rclpy

        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            rclpy.spin_once(self.node, timeout_sec=left)

    def publisher_of(self, topic):
        """Return the one publisher of ``topic``, once its node is known: that can come later."""
        from face_perception.tools.player.acknowledgements import UNKNOWN

        def named():
            publishers = self.node.get_publishers_info_by_topic(topic)
            return [one for one in publishers if one.node_name != UNKNOWN]

        (publisher,) = self.spin_until(named)
        return publisher

    def collect(self, message_type, topic, qos=10):
        """Subscribe; return the list that the messages are appended to."""
        messages = []
        subscription = self.node.create_subscription(message_type, topic, messages.append, qos)
        self._subscriptions.setdefault(topic, []).append(subscription)
        return messages

    def stop_collecting(self, *topics):
        """Unsubscribe from topics."""
        for topic in topics:
            for subscription in self._subscriptions.pop(topic):
                self.node.destroy_subscription(subscription)

    def diagnostics(self):
        """Return the list that all diagnostics are appended to."""
        from diagnostic_msgs.msg import DiagnosticArray

        if self._diagnostics is None:
            self._diagnostics = self.collect(DiagnosticArray, '/diagnostics')
        return self._diagnostics

    def forget(self, name):
        """Destroy the subscriptions and clients of a node: each costs time until the end."""
        self.stop_collecting(
            *(topic for topic in list(self._subscriptions) if topic.startswith(f'/{name}/'))
        )
        for service in [service for service in self._clients if service.startswith(f'/{name}/')]:
            self.node.destroy_client(self._clients.pop(service))

    def call(self, service_type, name, request, timeout=PATIENCE_S):
        """
        Call a service and return its response.

        A server may know of a new client later than the client of the server, and then its
        response is lost: so the client is kept, and its first call comes a little later.
        """
        if name not in self._clients:
            client = self._clients[name] = self.node.create_client(service_type, name)
            assert client.wait_for_service(timeout), f'no service {name}'
            self.spin_for(0.5)
        future = self._clients[name].call_async(request)
        self.spin_until(future.done, timeout)
        return future.result()

    def call_until_answered(self, service_type, name, request):
        """Call a service that may be called twice, again if a response is lost."""
        for _ in range(4):
            try:
                return self.call(service_type, name, request, 5.0)
            except AssertionError:
                continue
        return self.call(service_type, name, request)


@pytest.fixture
def images():
    """Return six images of 64x48 pixels, told apart by their brightness: 30, 60, ... 180."""
    ramp = np.linspace(0, 40, 64)[None, :, None]
    return [
        np.full((48, 64, 3), 30 * number, np.uint8) + ramp.astype(np.uint8)
        for number in range(1, 7)
    ]


@pytest.fixture
def start_program():
    """Start any program, with the arguments of ``Program``, as by ``Programs``."""
    programs = Programs()
    yield programs.start
    programs.end()


@pytest.fixture
def start_tool(tmp_path):
    """Start one of the tools, as by ``Programs``."""
    programs = Programs()

    def start(name, *arguments, **environment):
        module = TOOLS.get(name, name)
        return programs.start(
            ['-m', f'face_perception.tools.{module}', *arguments], tmp_path, name, environment
        )

    yield start
    programs.end()


@pytest.fixture
def make_video(tmp_path):
    """Write a video of images, ten per second."""

    def make(images, name='clip.mp4', codec='mp4v'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter_fourcc(*codec), 10.0, images[0].shape[1::-1]
        )
        if not writer.isOpened():
            pytest.skip(f'this OpenCV writes no {codec}')
        for image in images:
            writer.write(image)
        writer.release()
        return path

    return make


@dataclass
class Bag:
    """A bag on disk; ``images`` are (topic, nanoseconds, CDR) in their order."""

    path: Path
    images: list[tuple[str, int, bytes]] = field(default_factory=list)


#: When the bags that are made here begin.
BAG_START_NS = 1_700_000_000 * 10**9
IMAGE_RATE = 20


@pytest.fixture
def make_bag(tmp_path, images):
    """
    Write a bag with two cameras and words, 20 of each a second.

    ``messages`` are given in the place of the first camera's.  Images are recorded 2 ms after
    their stamps.
    """
    pytest.importorskip('rosbags', reason='needs rosbags, which comes with rosbags-image')
    pytest.importorskip('rclpy', reason='needs ROS 2')
    from rclpy.serialization import serialize_message
    from rclpy.time import Time
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore
    from std_msgs.msg import Header, String

    from face_perception.media.messages.encoding import compress, image_message

    typestore = get_typestore(Stores.ROS2_HUMBLE)
    types = {
        '/camera/image_raw': 'sensor_msgs/msg/Image',
        '/words': 'std_msgs/msg/String',
        '/other/image/compressed': 'sensor_msgs/msg/CompressedImage',
    }

    def message_of(topic, number, header):
        image = images[number % len(images)]
        if topic == '/words':
            return String(data=str(number))
        if topic == '/camera/image_raw':
            return image_message(header, image)
        return compress(image, 'png', header)

    def make(storage='sqlite3', compression='none', topics=tuple(types), count=6, messages=()):
        bag = Bag(tmp_path / f'bag_{time.monotonic_ns()}')
        writer = Writer(bag.path, version=8, storage_plugin=StoragePlugin[storage.upper()])
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
        with writer:
            connections = {
                topic: writer.add_connection(topic, types[topic], typestore=typestore)
                for topic in topics
            }
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
