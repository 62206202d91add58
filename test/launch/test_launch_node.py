"""
The launch files under ``ros2 launch``'s own machinery: arguments, faults, clean ends.

launch and launch_ros are not on PyPI, so this runs where ROS 2 is installed, under plain pytest
and `colcon test` alike: it needs no plugin of launch_testing.
"""

import asyncio
import os
import time

import pytest

NEEDS = 'needs launch and launch_ros, which come with ROS 2 and are not on PyPI'
# launch_ros first: PyPI has an unrelated package called launch.
pytest.importorskip('launch_ros', reason=NEEDS)
launch = pytest.importorskip('launch', reason=NEEDS)

from launch.actions import IncludeLaunchDescription, RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnProcessExit  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402

from face_perception.core.resources import share_directory  # noqa: E402
from face_perception.ros.transport import DECISIONS  # noqa: E402

LAUNCH_FILES = share_directory() / 'launch'
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


@pytest.mark.parametrize(
    'file_name', ['face_perception.launch.py', 'demo.launch.py', 'cameras.launch.py'])
def test_every_argument_is_described(file_name):
    description = PythonLaunchDescriptionSource(
        str(LAUNCH_FILES / file_name)).get_launch_description(launch.LaunchContext())
    arguments = description.get_launch_arguments()
    assert arguments
    for argument in arguments:
        assert argument.description not in ('', 'no description given'), argument.name
        assert argument.default_value is not None, argument.name


@pytest.fixture
def cameras(tmp_path, names):
    """Write a list of three cameras, one of them of another machine."""
    path = tmp_path / 'cameras.yaml'
    path.write_text('cameras:\n' + ''.join(
        f"  - {{name: {names['namespace']}/{name}, image: /{name}, {rest}}}\n"
        for name, rest in (('left', 'parameters: {lazy: false}'), ('right', 'machine: here'),
                           ('rear', 'machine: elsewhere'))))
    return path


def test_a_list_of_cameras_starts_a_node_for_each_of_this_machine(ros, names, cameras):
    launched = Launched('cameras.launch.py', cameras=str(cameras), machine='here')
    space = f"/{names['namespace']}"

    def running():
        return {namespace for name, namespace in ros.node.get_node_names_and_namespaces()
                if name == 'face_perception' and namespace.startswith(space)}

    def wait():
        ros.spin_until(lambda: len(running()) >= 2)
        ros.spin_until(lambda: ros.node.count_subscribers('/left'))
        assert running() == {f'{space}/left', f'{space}/right'}
        assert not launched.exits

    assert launched.run(wait) == 0
    assert [event.returncode for event in launched.exits] == [0, 0]


def test_a_faulty_list_of_cameras_starts_nothing(cameras):
    cameras.write_text('cameras: [{name: left}]')
    launched = Launched('cameras.launch.py', cameras=str(cameras))
    assert launched.run(lambda: None) == 1
    assert not launched.exits
