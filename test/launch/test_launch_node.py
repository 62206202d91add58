"""
The launch files under ``ros2 launch``'s own machinery: arguments, faults, clean ends.

launch and launch_ros are not on PyPI, so this runs where ROS 2 is installed, under plain pytest
and `colcon test` alike: it needs no plugin of launch_testing.
"""

import asyncio
import json
import logging
import os
import sys
import time

import cv2
import numpy as np
import pytest

NEEDS = 'needs launch and launch_ros, which come with ROS 2 and are not on PyPI'
# launch_ros first: PyPI has an unrelated package called launch.
pytest.importorskip('launch_ros', reason=NEEDS)
launch = pytest.importorskip('launch', reason=NEEDS)

from launch.actions import IncludeLaunchDescription, RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnProcessExit  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402

from face_perception.core.resources import share_directory  # noqa: E402
from face_perception.ros.transport import DECISIONS, is_fast_dds  # noqa: E402

LAUNCH_FILES = share_directory() / 'launch'
#: Within which all processes must end, in seconds.
END_S = 20.0
#: Within which a launch must end that ends by itself, in seconds.
ITSELF_S = 60.0


class Launched:
    """What a launch file starts, while ``meanwhile`` runs beside it."""

    def __init__(self, file_name: str, **arguments: str):
        self.exits = []
        file = PythonLaunchDescriptionSource(str(LAUNCH_FILES / file_name))
        self._service = launch.LaunchService(noninteractive=True)
        self._service.include_launch_description(
            launch.LaunchDescription(
                [
                    RegisterEventHandler(
                        OnProcessExit(on_exit=lambda event, _: self.exits.append(event))
                    ),
                    IncludeLaunchDescription(file, launch_arguments=arguments.items()),
                ]
            )
        )

    def run(self, meanwhile) -> int:
        """Run ``meanwhile()`` in a thread, then end the launch; return launch's exit code."""
        return asyncio.run(self._run(meanwhile))

    def run_to_its_end(self) -> int:
        """Run until the launch ends by itself; return launch's exit code."""
        return asyncio.run(asyncio.wait_for(self._service.run_async(), ITSELF_S))

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
    launched = Launched('face_perception.launch.py', emotion_model='/nowhere/none.onnx', **names)
    node = (names['name'], f'/{names["namespace"]}')

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
    'file_name',
    [
        'face_perception.launch.py',
        'demo.launch.py',
        'cameras.launch.py',
        'replay.launch.py',
        'view.launch.py',
    ],
)
def test_every_argument_is_described(file_name):
    description = PythonLaunchDescriptionSource(
        str(LAUNCH_FILES / file_name)
    ).get_launch_description(launch.LaunchContext())
    arguments = description.get_launch_arguments()
    assert arguments
    for argument in arguments:
        assert argument.description not in ('', 'no description given'), argument.name
        required = (file_name, argument.name) == ('replay.launch.py', 'bag')
        assert (argument.default_value is None) == required, argument.name


@pytest.mark.parametrize('transport', ['', 'compressed'])
def test_the_demo_s_camera_publishes_what_the_node_subscribes_to(ros, names, tmp_path, transport):
    from face_perception.msg import FaceArray

    image = tmp_path / 'gray.png'
    cv2.imwrite(str(image), np.full((48, 64, 3), 128, np.uint8))
    topic = f'/{names["namespace"]}/image'
    topics = [topic, f'{topic}/compressed']
    wanted = [0, 1] if transport else [1, 0]
    faces = ros.collect(FaceArray, f'/{names["namespace"]}/{names["name"]}/faces')

    def wait():
        ros.spin_until(
            lambda: faces and list(map(ros.node.count_publishers, topics)) == wanted, ITSELF_S
        )

    launched = Launched(
        'demo.launch.py', source=str(image), rviz='false', image_transport=transport, **names
    )
    assert launched.run(wait) == 0


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    """
    Put a program in the place of `ros2`, which notes its command line.

    As `ros2 bag play` it ends after a second, as `ros2 bag record` when it is interrupted.
    Returns the file of the notes: a JSON list per line.
    """
    notes = tmp_path / 'commands'
    program = tmp_path / 'bin' / 'ros2'
    program.parent.mkdir()
    program.write_text(
        f'#!{sys.executable}\n'
        'import json, os, signal, sys, time\n'
        'signal.signal(signal.SIGINT, signal.default_int_handler)\n'
        f'with open({str(notes)!r}, "a") as file:\n'
        '    file.write(json.dumps([sys.argv[1:], '
        'any(os.environ.get(f"FAST{kind}_DEFAULT_PROFILES_FILE") for kind in ("DDS", "RTPS"))'
        ']) + "\\n")\n'
        'try:\n    time.sleep(1 if "play" in sys.argv else 60)\n'
        'except KeyboardInterrupt:\n    pass\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{program.parent}:{os.environ["PATH"]}')
    # The index of packages knows of ros2 bag, too.
    package = tmp_path / 'share/ament_index/resource_index/packages/ros2bag'
    package.parent.mkdir(parents=True)
    package.touch()
    monkeypatch.setenv(
        'AMENT_PREFIX_PATH', f'{tmp_path}:{os.environ.get("AMENT_PREFIX_PATH", sys.prefix)}'
    )
    return notes


@pytest.fixture
def log(caplog):
    """Return ``caplog`` with launch's words too, which keeps them from others on Humble."""
    logger = logging.getLogger('launch')
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def commands(notes) -> dict[str, list[str]]:
    """Return the command lines by their verb, without the words before it."""
    lines = [json.loads(line) for line in notes.read_text().splitlines()]
    fast_dds = is_fast_dds(os.environ.get('RMW_IMPLEMENTATION', ''))
    assert {carries_large_images for _, carries_large_images in lines} == {fast_dds}
    return {line[1]: line[2:] for line, _ in lines}


def test_a_replay_plays_records_and_ends_with_the_bag(tmp_path, names, recorder):
    launched = Launched(
        'replay.launch.py',
        bag=str(tmp_path),
        record=str(tmp_path / 'new'),
        rate='2.0',
        loop='true',
        start_offset='1.5',
        start_delay='0.5',
        image='/camera/image_raw',
        **names,
    )
    assert launched.run_to_its_end() == 0
    own = f'/{names["namespace"]}/{names["name"]}'
    assert commands(recorder) == {
        'record': [
            f'{own}/faces',
            f'{own}/latency',
            '--use-sim-time',
            '--output',
            str(tmp_path / 'new'),
        ],
        'play': [
            str(tmp_path),
            '--clock',
            '100',
            '--rate',
            '2.0',
            '--start-offset',
            '1.5',
            '--disable-keyboard-controls',
            '--loop',
        ],
    }
    assert len(launched.exits) == 3 and [event.returncode for event in launched.exits] == [0] * 3
    (node,) = (event.cmd for event in launched.exits if 'face_perception_node' in event.cmd[0])
    assert 'image:=/camera/image_raw' in node


def test_a_plain_replay_records_nothing(tmp_path, names, recorder):
    launched = Launched('replay.launch.py', bag=str(tmp_path), start_delay='0.1', **names)
    assert launched.run_to_its_end() == 0
    assert commands(recorder) == {
        'play': [
            str(tmp_path),
            '--clock',
            '100',
            '--rate',
            '1.0',
            '--start-offset',
            '0.0',
            '--disable-keyboard-controls',
        ]
    }
    assert [event.returncode for event in launched.exits] == [0, 0]


@pytest.mark.parametrize('fault', ['no ros2 bag', 'no bag', 'recorded before'])
def test_a_replay_that_cannot_run_starts_nothing(tmp_path, names, recorder, fault, log):
    arguments = {'bag': str(tmp_path), 'record': ''}
    if fault == 'no ros2 bag':
        (tmp_path / 'share/ament_index/resource_index/packages/ros2bag').unlink()
        said = 'play the bag with face_perception_play'
    elif fault == 'no bag':
        arguments['bag'] = said = '/nowhere/bag'
    else:
        arguments['record'] = str(tmp_path)
        said = 'exists already: give another folder'
    launched = Launched('replay.launch.py', **arguments, **names)
    assert launched.run(lambda: None) == 1
    assert not launched.exits and not recorder.exists()
    assert said in log.text


@pytest.fixture
def cameras(tmp_path, names):
    """Write a list of three cameras, one of them of another machine."""
    path = tmp_path / 'cameras.yaml'
    path.write_text(
        'cameras:\n'
        + ''.join(
            f'  - {{name: {names["namespace"]}/{name}, image: /{name}, {rest}}}\n'
            for name, rest in (
                ('left', 'parameters: {lazy: false}'),
                ('right', 'machine: here'),
                ('rear', 'machine: elsewhere'),
            )
        )
    )
    return path


def test_a_list_of_cameras_starts_a_node_for_each_of_this_machine(ros, names, cameras):
    launched = Launched('cameras.launch.py', cameras=str(cameras), machine='here')
    space = f'/{names["namespace"]}'

    def running():
        return {
            namespace
            for name, namespace in ros.node.get_node_names_and_namespaces()
            if name == 'face_perception' and namespace.startswith(space)
        }

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


@pytest.fixture
def viewer(tmp_path):
    """Return what stands for the viewer of a virtual environment, and the file of its notes."""
    program, notes = tmp_path / 'face_perception_view', tmp_path / 'notes'
    program.write_text(
        f'#!{sys.executable}\n'
        'import json, os, signal, sys, time\n'
        'signal.signal(signal.SIGINT, signal.default_int_handler)\n'
        f'with open({str(notes)!r}, "w") as file:\n'
        '    json.dump([sys.argv[1:], os.environ.get("PYTHONPATH"), '
        'os.environ.get("ROS_DOMAIN_ID")], file)\n'
        'try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass\n'
    )
    program.chmod(0o755)
    return program, notes


def wait_for_notes(notes):
    """Return what the viewer noted, as soon as it is whole."""
    deadline = time.monotonic() + ITSELF_S
    while True:
        try:
            return json.loads(notes.read_text())
        except (OSError, ValueError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_viewer_of_a_virtual_environment_looks_at_this_node_alone(
    ros, names, viewer, monkeypatch
):
    monkeypatch.setenv('PYTHONPATH', os.environ.get('PYTHONPATH', '') or str(viewer[0].parent))
    program, notes = viewer
    noted = []
    launched = Launched(
        'face_perception.launch.py', view=str(program), view_host='10.0.0.7', **names
    )
    node = (names['name'], f'/{names["namespace"]}')

    def wait():
        noted.extend(wait_for_notes(notes))
        ros.spin_until(lambda: node in ros.node.get_node_names_and_namespaces(), ITSELF_S)

    assert launched.run(wait) == 0
    own = f'/{names["namespace"]}/{names["name"]}'
    assert noted[0] == ['--live', '--web', '--host', '10.0.0.7', '--node', own]
    # Of the launch it has the domain, but no module that was built for another NumPy.
    assert noted[1:] == [None, os.environ['ROS_DOMAIN_ID']]
    assert [event.returncode for event in launched.exits] == [0, 0]


def test_several_cameras_have_one_viewer(ros, tmp_path, viewer):
    program, notes = viewer
    cameras = tmp_path / 'cameras.yaml'
    cameras.write_text('cameras:\n- {name: a, image: /a}\n- {name: b, image: /b}\n')
    nodes = {('face_perception', '/a'), ('face_perception', '/b')}
    noted = []

    def wait():
        noted.extend(wait_for_notes(notes))
        ros.spin_until(lambda: nodes <= set(ros.node.get_node_names_and_namespaces()), ITSELF_S)

    launched = Launched('cameras.launch.py', cameras=str(cameras), view=str(program))
    assert launched.run(wait) == 0
    names = ['--node', '/a/face_perception', '--node', '/b/face_perception']
    assert noted[0] == ['--live', '--web', '--host', '127.0.0.1', *names]
    assert [event.returncode for event in launched.exits] == [0, 0, 0]


def test_the_packages_own_viewer_may_fail_and_the_node_goes_on(ros, names):
    launched = Launched('face_perception.launch.py', view='true', view_host='192.0.2.1', **names)
    node = (names['name'], f'/{names["namespace"]}')

    def wait():
        ros.spin_until(
            lambda: launched.exits and node in ros.node.get_node_names_and_namespaces(), ITSELF_S
        )

    assert launched.run(wait) == 0
    viewer, node_process = launched.exits
    # It has no such address to listen at, or no rerun-sdk, and says so.
    assert viewer.returncode == 1 and viewer.cmd[0].endswith('face_perception_view')
    assert node_process.returncode == 0 and 'face_perception_node' in node_process.cmd[0]


def test_no_viewer_where_none_is_wanted_and_none_that_is_not_there(names):
    launched = Launched('view.launch.py', view='/nowhere/face_perception_view', **names)
    assert launched.run(lambda: None) == 1
    assert not launched.exits
