"""What all tests share: models made on the spot, and the real node on real DDS."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

# Before rclpy is imported anywhere: this run's DDS traffic stays on this machine and apart
# from that of other runs, and each worker's of pytest-xdist apart from that of the others, which
# have all inherited the domain of the process that started them.
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
if worker := os.environ.get('PYTEST_XDIST_WORKER', '').removeprefix('gw'):
    os.environ['ROS_DOMAIN_ID'] = str(
        1 + (int(os.environ['ROS_DOMAIN_ID']) + int(worker)) % 100)
# Before PyTorch is: its threads wait for each other, which costs more than they gain as soon as
# another process needs the cores.
os.environ.setdefault('OMP_NUM_THREADS', '1')


def pytest_collection_modifyitems(items):
    """Begin with what takes longest: else one of several workers ends long after the others."""
    items.sort(key=lambda item: item.path.name != 'test_install.py')


@pytest.fixture
def make_model(tmp_path):
    """Write a tiny ONNX classifier; every part of the contract can be broken."""
    onnx = pytest.importorskip('onnx', reason='needs onnx (the extra test) to make model files')
    from onnx import TensorProto, helper

    def make(name='model.onnx', size=8, channels=1, classes=3, input_name='image',
             output_name='probabilities', input_type=TensorProto.UINT8, **metadata):
        metadata = {'task': 'emotion', 'labels': json.dumps(['happy', 'sad', 'neutral']),
                    'color': 'gray', 'crop_margin': '0.0', 'version': '9.9', **metadata}
        weights = np.linspace(-1, 1, channels * classes, dtype=np.float32) / 255
        graph = helper.make_graph(
            [helper.make_node('Cast', [input_name], ['f'], to=TensorProto.FLOAT),
             helper.make_node('ReduceMean', ['f'], ['mean'], axes=[1, 2], keepdims=0),
             helper.make_node('MatMul', ['mean', 'w'], ['logits']),
             helper.make_node('Softmax', ['logits'], [output_name], axis=1)],
            'tiny',
            [helper.make_tensor_value_info(input_name, input_type, ['N', size, size, channels])],
            [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ['N', classes])],
            [helper.make_tensor('w', TensorProto.FLOAT, [channels, classes], weights.tolist())])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
        helper.set_model_props(
            model, {key: value for key, value in metadata.items() if value is not None})
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return make


@pytest.fixture(scope='session')
def portrait():
    """Return a 480x640 BGR picture with one face, and where the face is (x, y, size)."""
    data = pytest.importorskip(
        'skimage.data', reason='needs scikit-image (the extra demo) for a picture with a face')
    picture = np.full((480, 640, 3), 90, np.uint8)
    picture[:, 64:576] = data.astronaut()[:480, :, ::-1]
    return picture, (236, 60, 106)


@pytest.fixture(scope='session')
def ros():
    """Return a node of the test's own, with helpers to publish and to wait."""
    import rclpy

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

    def spin_until(self, condition, timeout=20.0):
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
        self.stop_collecting(*(
            topic for topic in list(self._subscriptions) if topic.startswith(f'/{name}/')))
        for service in [service for service in self._clients if service.startswith(f'/{name}/')]:
            self.node.destroy_client(self._clients.pop(service))

    def call(self, service_type, name, request, timeout=20.0):
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


class Robot:
    """A camera in front of a node, and ears for all that the node says."""

    def __init__(self, ros, process, compressed=False):
        from sensor_msgs.msg import CompressedImage, Image

        from face_perception.msg import FaceArray, PipelineLatency
        self.ros, self.process = ros, process
        self.faces = ros.collect(FaceArray, f'/{process.name}/faces')
        self.latency = ros.collect(PipelineLatency, f'/{process.name}/latency')
        self._diagnostics = ros.diagnostics()
        topic = f'/{process.name}/image' + ('/compressed' if compressed else '')
        self._camera = (CompressedImage if compressed else Image, topic, 1)
        self.camera = ros.node.create_publisher(*self._camera)

    def stop_listening(self):
        """Let nobody want the node's outputs any more."""
        self.ros.stop_collecting(f'/{self.process.name}/faces', f'/{self.process.name}/latency')

    def unplug(self):
        """Let the camera vanish."""
        self.ros.node.destroy_publisher(self.camera)

    def leave(self):
        """Take everything away that was there for this node."""
        self.unplug()
        self.ros.forget(self.process.name)

    def plug_in(self):
        """Let the camera return."""
        self.camera = self.ros.node.create_publisher(*self._camera)
        self.wait_for_match()

    def wait_for_match(self):
        """Wait until node and camera have found each other."""
        self.ros.spin_until(self.camera.get_subscription_count)
        self.ros.spin_until(
            lambda: self.ros.node.count_publishers(f'/{self.process.name}/faces'))

    def show(self, message, stamped=True):
        """Publish one image."""
        if stamped:
            message.header.stamp = self.ros.node.get_clock().now().to_msg()
        message.header.frame_id = 'camera_optical_frame'
        self.camera.publish(message)

    def show_and_wait(self, message, stamped=True):
        """Publish one image until its FaceArray comes; return that."""
        before = len(self.faces)
        for _ in range(20):
            self.show(message, stamped)
            try:
                self.ros.spin_until(lambda: len(self.faces) > before, 1.0)
                return self.faces[-1]
            except AssertionError:
                continue
        raise AssertionError(f'no faces came:\n{self.process.log()}')

    def status(self):
        """Return level, message and values of the newest diagnostics that come from now on."""
        self._diagnostics.clear()

        def mine():
            return [(status, array.header.stamp) for array in self._diagnostics
                    for status in array.status
                    if status.name.endswith(f'/{self.process.name}')]

        newest, self.stamp = self.ros.spin_until(mine)[-1]
        values = {value.key: value.value for value in newest.values}
        return ord(newest.level), newest.message, values

    def wait_for_status(self, condition):
        """Wait until ``condition(level, message, values)`` holds; return those."""
        for _ in range(20):
            status = self.status()
            if condition(*status):
                return status
        raise AssertionError(f'the status stayed {status}\n{self.process.log()}')

    def set(self, **values):
        """Set parameters of the node all at once; return the result."""
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter
        request = SetParametersAtomically.Request(parameters=[
            Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in values.items()])
        return self.ros.call_until_answered(
            SetParametersAtomically, f'/{self.process.name}/set_parameters_atomically', request
        ).result

    def set_defaults(self):
        """Give all parameters that can be changed while it runs their defaults."""
        from face_perception.ros.parameters import PARAMETERS
        result = self.set(**{parameter.name: parameter.default for parameter in PARAMETERS
                             if not parameter.structural})
        assert result.successful, result.reason

    def lifecycle_state(self):
        """Return the label of the node's lifecycle state."""
        from lifecycle_msgs.srv import GetState
        name = f'/{self.process.name}/get_state'
        answer = self.ros.call_until_answered(GetState, name, GetState.Request())
        return answer.current_state.label


#: Starts the node after something in it was changed.
PATCHED = """
import sys
from face_perception.ros import node
{patch}
sys.exit(node.main())
"""


class NodeProcess:
    """
    The real face_perception node in a process of its own; ``name`` is with its namespace.

    ``patch`` is code that runs in it first, where ``node`` is the node's module.
    """

    def __init__(self, name, arguments, log_path, patch=''):
        self.name = name
        self._log_path = log_path
        namespace, _, own_name = f'/{name}'.rpartition('/')
        program = (['-c', PATCHED.format(patch=patch)] if patch
                   else ['-m', 'face_perception.ros.node'])
        with open(log_path, 'w') as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, '--ros-args', '-r', f'__node:={own_name}',
                 '-r', f'__ns:={namespace or "/"}', '-r', f'image:=/{name}/image', *arguments],
                # Away from the source tree, which would come before the installed package.
                cwd=log_path.parent, stdout=log, stderr=subprocess.STDOUT)

    def log(self):
        """Return what it has printed so far."""
        return self._log_path.read_text()

    def alive(self):
        """Return whether it still runs."""
        return self.process.poll() is None

    def stop(self, signal_number=signal.SIGINT, timeout=10.0):
        """Interrupt it as Ctrl-C does; return the exit code."""
        self.process.send_signal(signal_number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Nodes:
    """Starts nodes; at the end each must still live and end cleanly on Ctrl-C."""

    def __init__(self, folder):
        self._folder = folder
        self._nodes = []

    def start(self, *arguments, namespace='', patch='', **parameters):
        name = f'node_{os.getpid()}_{time.monotonic_ns() % 10**9}'
        log_path = self._folder / f'{name}.log'
        name = f'{namespace}/{name}' if namespace else name
        for key, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else value
            arguments += ('-p', f"{key.replace('__', '.')}:={text}")
        node = NodeProcess(name, arguments, log_path, patch)
        self._nodes.append(node)
        return node

    def end(self):
        for node in self._nodes:
            if node.process.returncode is None:
                assert node.alive(), f'the node died:\n{node.log()}'
                assert node.stop() == 0, node.log()
            assert 'Traceback' not in node.log(), node.log()


@pytest.fixture
def start_node(tmp_path):
    """Start nodes, by the method of ``Nodes``."""
    nodes = Nodes(tmp_path)
    yield nodes.start
    nodes.end()


@pytest.fixture
def start_robot(ros, start_node):
    """Start a node with a camera before it, matched when it gets active."""

    def start(*arguments, compressed=False, matched=True, **parameters):
        if compressed:
            parameters['image_transport'] = 'compressed'
        robot = Robot(ros, start_node(*arguments, **parameters), compressed)
        robots.append(robot)
        if matched:
            robot.wait_for_match()
        return robot

    robots = []
    yield start
    for robot in robots:
        robot.leave()


@pytest.fixture(scope='module')
def module_robot(ros, tmp_path_factory):
    """Start one node with its defaults for the tests of a file that can share it."""
    nodes = Nodes(tmp_path_factory.mktemp('shared'))
    robot = Robot(ros, nodes.start())
    robot.wait_for_match()
    yield robot
    robot.leave()
    nodes.end()


@pytest.fixture
def shared_robot(module_robot):
    """Return that node; whatever a test sets goes back to the defaults."""
    yield module_robot
    module_robot.set_defaults()
