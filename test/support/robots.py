"""The real node as a process, with a camera before it and ears for what it says."""

import os
import time

import pytest

from support.program import Program


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
        self.ros.spin_until(lambda: self.ros.node.count_publishers(f'/{self.process.name}/faces'))

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
            return [
                (status, array.header.stamp)
                for array in self._diagnostics
                for status in array.status
                if status.name.endswith(f'/{self.process.name}')
            ]

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

        request = SetParametersAtomically.Request(
            parameters=[
                Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
                for name, value in values.items()
            ]
        )
        return self.ros.call_until_answered(
            SetParametersAtomically, f'/{self.process.name}/set_parameters_atomically', request
        ).result

    def set_defaults(self):
        """Give all parameters that can be changed while it runs their defaults."""
        from face_perception.ros.parameters import PARAMETERS

        result = self.set(
            **{
                parameter.name: parameter.default
                for parameter in PARAMETERS
                if not (parameter.structural or parameter.fixed)
            }
        )
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
from face_perception.ros import configured, frames, node
from face_perception.ros.outputs import topics
{patch}
sys.exit(node.main())
"""


class NodeProcess(Program):
    """
    The real face_perception node in a process of its own; ``name`` is with its namespace.

    ``patch`` is code that runs in it first, where ``node`` is the node's module.
    """

    def __init__(self, name, arguments, folder, patch=''):
        self.name = name
        namespace, _, own_name = f'/{name}'.rpartition('/')
        program = (
            ['-c', PATCHED.format(patch=patch)] if patch else ['-m', 'face_perception.ros.node']
        )
        super().__init__(
            [
                *program,
                '--ros-args',
                '-r',
                f'__node:={own_name}',
                '-r',
                f'__ns:={namespace or "/"}',
                '-r',
                f'image:=/{name}/image',
                *arguments,
            ],
            folder,
            own_name,
        )


class Nodes:
    """Starts nodes; at the end each must still live and end cleanly on Ctrl-C."""

    def __init__(self, folder):
        self._folder = folder
        self._nodes = []

    def start(self, *arguments, namespace='', patch='', **parameters):
        name = f'node_{os.getpid()}_{time.monotonic_ns() % 10**9}'
        name = f'{namespace}/{name}' if namespace else name
        for key, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else value
            arguments += ('-p', f'{key.replace("__", ".")}:={text}')
        node = NodeProcess(name, arguments, self._folder, patch)
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
