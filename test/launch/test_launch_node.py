"""
``ros2 launch``'s own machinery starts the node, images go in, faces come out, all ends cleanly.

launch and launch_ros are not on PyPI, so this runs where ROS 2 is installed, under plain pytest
and `colcon test` alike: it needs no plugin of launch_testing.
"""

import asyncio
import os
import time

import numpy as np
import pytest

NEEDS = 'needs launch and launch_ros, which come with ROS 2 and are not on PyPI'
# launch_ros first: PyPI has an unrelated package called launch.
pytest.importorskip('launch_ros', reason=NEEDS)
launch = pytest.importorskip('launch', reason=NEEDS)

from launch.actions import IncludeLaunchDescription, RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnProcessExit  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from face_perception.core.resources import share_directory  # noqa: E402
from face_perception.msg import FaceArray  # noqa: E402
from face_perception.ros.conversions import image_message  # noqa: E402
from face_perception.ros.transport import DECISIONS  # noqa: E402

LAUNCH_FILES = share_directory() / 'launch'
IMAGES = 5
#: Within which all processes must end, in seconds.
END_S = 5.0


class Launched:
    """What a launch file starts, while ``meanwhile`` runs beside it."""

    def __init__(self, file_name: str, **arguments: str):
        self.exits = []
        file = PythonLaunchDescriptionSource(str(LAUNCH_FILES / file_name))
        self._service = launch.LaunchService(noninteractive=True)
        self._service.include_launch_description(launch.LaunchDescription([
            RegisterEventHandler(OnProcessExit(
                on_exit=lambda event, _: self.exits.append(event))),
            IncludeLaunchDescription(file, launch_arguments=arguments.items()),
        ]))

    def run(self, meanwhile) -> int:
        """Run ``meanwhile()`` in a thread, then end the launch; return launch's exit code."""
        return asyncio.run(self._run(meanwhile))

    async def _run(self, meanwhile) -> int:
        running = asyncio.ensure_future(self._service.run_async())
        try:
            await asyncio.get_running_loop().run_in_executor(None, meanwhile)
        finally:
            ending = self._service.shutdown()
            if ending is not None:  # None when launch gave up by itself
                await ending
            code = await asyncio.wait_for(running, END_S)
        return code


@pytest.fixture(autouse=True)
def keep_environment(monkeypatch):
    """Undo what the launch file sets in this process for those that it starts."""
    for name in DECISIONS:
        monkeypatch.setenv(name, os.environ.get(name, ''))
        monkeypatch.delenv(name)


@pytest.fixture
def names() -> dict[str, str]:
    """Return names that nobody else on this machine uses."""
    return {'namespace': f'launched_{os.getpid()}_{time.monotonic_ns() % 10**9}', 'name': 'faces'}


def send_images(ros, namespace: str, messages: list) -> list[Header]:
    """Publish images until as many came back as ``FaceArray``; return the headers sent."""
    publisher = ros.node.create_publisher(Image, f'/{namespace}/camera', 1)
    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    sent = []

    def enough() -> bool:
        stamp = ros.node.get_clock().now().to_msg()
        sent.append(Header(stamp=stamp, frame_id=f'camera_{len(sent)}'))
        publisher.publish(image_message(sent[-1], picture))
        return len(messages) >= IMAGES

    ros.spin_until(enough)
    ros.node.destroy_publisher(publisher)
    return sent


def test_images_go_in_and_faces_come_out(ros, names):
    messages = ros.collect(FaceArray, f"/{names['namespace']}/faces/faces")
    launched = Launched('face_perception.launch.py', image='camera', **names)
    sent = []
    code = launched.run(lambda: sent.extend(send_images(ros, names['namespace'], messages)))
    assert code == 0
    assert len(messages) >= IMAGES
    assert all(message.header in sent for message in messages)
    assert all((message.image_width, message.image_height) == (160, 120) for message in messages)
    assert [event.returncode for event in launched.exits] == [0]


def test_node_outlives_a_faulty_argument(ros, names):
    launched = Launched(
        'face_perception.launch.py', emotion_model='/nowhere/none.onnx', **names)
    node = (names['name'], f"/{names['namespace']}")

    def wait():
        ros.spin_until(lambda: node in ros.node.get_node_names_and_namespaces())
        assert not launched.exits

    assert launched.run(wait) == 0
    assert [event.returncode for event in launched.exits] == [0]


def test_node_does_not_start_without_the_parameter_file_it_was_given(names):
    launched = Launched('face_perception.launch.py', config='/nowhere/none.yaml', **names)
    assert launched.run(lambda: None) == 1
    assert not launched.exits


@pytest.mark.parametrize('file_name', ['face_perception.launch.py', 'demo.launch.py'])
def test_every_argument_is_described(file_name):
    description = PythonLaunchDescriptionSource(
        str(LAUNCH_FILES / file_name)).get_launch_description(launch.LaunchContext())
    arguments = description.get_launch_arguments()
    assert arguments
    for argument in arguments:
        assert argument.description not in ('', 'no description given'), argument.name
        assert argument.default_value is not None, argument.name
