"""The examples compile, and name topics, fields, files and arguments that exist."""

import ast
import importlib.util
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / 'examples').glob('*.py'))


def load(name):
    """Return an example as a module, without running it."""
    pytest.importorskip('rclpy')
    pytest.importorskip('geometry_msgs')
    spec = importlib.util.spec_from_file_location(name, ROOT / 'examples' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def strings(path):
    """Return all strings of a file of Python."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_there_are_examples():
    assert {path.name for path in EXAMPLES} >= {'greeter.py', 'turn_to_face.py'}


@pytest.mark.parametrize('path', EXAMPLES, ids=lambda path: path.name)
def test_it_compiles(path):
    compile(path.read_text(encoding='utf-8'), path, 'exec')


@pytest.mark.parametrize('name', ['greeter', 'turn_to_face'])
def test_the_topics_are_the_nodes(name):
    topics = {text for text in strings(ROOT / 'examples' / f'{name}.py') if text[:1] == '/'}
    ours = {topic.rpartition('/')[2] for topic in topics if topic.startswith('/face_perception/')}
    outputs = strings(ROOT / 'face_perception' / 'ros' / 'outputs' / 'topics.py')
    assert ours and {f'~/{topic}' for topic in ours} <= outputs


def test_the_greeter_greets_who_is_happy():
    greeter, said = load('greeter'), []
    from face_perception.msg import Face, FaceArray

    logger = SimpleNamespace(info=lambda text, **options: said.append(text))
    greeter.node = SimpleNamespace(get_logger=lambda: logger)
    greeter.on_faces(
        FaceArray(
            faces=[
                Face(track_id='1', emotion=Face.EMOTION_HAPPY),
                Face(track_id='2', emotion=Face.EMOTION_SAD),
            ]
        )
    )
    assert said == ['Hello, 1!']


@pytest.mark.parametrize('x_offset, sign', [(0, 1), (270, 0), (540, -1)])
def test_the_robot_turns_to_the_face(x_offset, sign):
    example = load('turn_to_face')
    from face_perception.msg import Face, FaceArray

    message = FaceArray(image_width=640, image_height=480, faces=[Face()])
    message.faces[0].roi.x_offset, message.faces[0].roi.width = x_offset, 100
    turn = example.turn(message).angular.z
    assert (turn > 0) - (turn < 0) == sign and abs(turn) <= example.FASTEST


def test_the_robot_stands_where_nobody_is_seen():
    example = load('turn_to_face')
    from face_perception.msg import FaceArray

    assert example.turn(FaceArray(image_width=640, image_height=480)).angular.z == 0


@pytest.mark.parametrize('end', ['silence', signal.SIGINT, signal.SIGTERM])
def test_the_robot_stands_when_no_faces_come_any_more(ros, start_program, tmp_path, end):
    pytest.importorskip('geometry_msgs')
    from geometry_msgs.msg import Twist

    from face_perception.msg import Face, FaceArray

    commands = ros.collect(Twist, '/cmd_vel')
    faces = ros.node.create_publisher(FaceArray, '/face_perception/faces', 1)
    program = start_program([ROOT / 'examples' / 'turn_to_face.py'], tmp_path, 'turn_to_face')
    message = FaceArray(image_width=640, image_height=480, faces=[Face()])
    ros.spin_until(lambda: faces.publish(message) or commands)
    assert commands[-1].angular.z > 0
    if end == 'silence':
        ros.spin_until(lambda: commands[-1].angular.z == 0)
        ros.spin_for(1.0)  # on a busy machine the last faces may have come late
        said = len(commands)
        ros.spin_for(1.0)
        assert len(commands) == said, 'others may drive it now'
    program.stop(signal.SIGINT if end == 'silence' else end)
    ros.spin_until(lambda: commands[-1].angular.z == 0)
    assert program.log() == ''
    ros.node.destroy_publisher(faces)
    ros.stop_collecting('/cmd_vel')


def test_the_launch_file_includes_ours_with_an_argument_that_it_has():
    text = (ROOT / 'examples' / 'camera_and_faces.launch.py').read_text(encoding='utf-8')
    (name,) = re.findall(r"'launch', '([\w.]+)'", text)
    (argument,) = re.findall(r"launch_arguments={'(\w+)'", text)
    ours = ROOT / 'launch' / name
    assert f"DeclareLaunchArgument(\n                '{argument}'" in ours.read_text()


def test_the_launch_file_is_understood_by_launch():
    pytest.importorskip('launch_ros', reason='needs launch and launch_ros, which PyPI has not')
    assert len(load('camera_and_faces.launch').generate_launch_description().entities) == 5


@pytest.mark.parametrize('name', ['greeter', 'turn_to_face'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_example_ends_without_a_traceback(name, number):
    pytest.importorskip('rclpy')
    pytest.importorskip('geometry_msgs')
    code = (
        'import os, rclpy, runpy, threading\n'
        f'timer = threading.Timer(0.5, os.kill, (os.getpid(), {int(number)}))\n'
        'def timed(spin):\n'
        '    def begin(*arguments, **options):\n'
        '        timer.ident or timer.start()\n'
        '        spin(*arguments, **options)\n'
        '    return begin\n'
        'rclpy.spin, rclpy.spin_once = timed(rclpy.spin), timed(rclpy.spin_once)\n'
        f"runpy.run_path({str(ROOT / 'examples' / f'{name}.py')!r}, run_name='__main__')\n"
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, '')
