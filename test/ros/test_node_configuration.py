"""Faults at start-up end in the unconfigured state with the reason, and can be mended."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.parameter import Parameter
from std_msgs.msg import Header

from face_perception.core.resources import share_directory
from face_perception.media.messages.encoding import image_message
from face_perception.ros.parameters import PARAMETERS


def unconfigured_because(robot, *words):
    """Check log, diagnostics and state; return the values of the diagnostics."""
    level, text, values = robot.wait_for_status(lambda level, text, values: level == 2)
    assert text.startswith('unconfigured: ') and all(each in text for each in words), text
    assert values['state'] == 'unconfigured' and int(values['errors']) >= 1
    assert robot.process.log().count(f'not configured: {text[14:]}') == 1
    assert robot.lifecycle_state() == 'unconfigured'
    return values


def change_state(robot, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return robot.ros.call(ChangeState, f'/{robot.process.name}/change_state', request).success


def set_parameter(robot, name, value):
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    name = f'/{robot.process.name}/set_parameters'
    return robot.ros.call_until_answered(SetParameters, name, request).results[0]


def test_bad_parameters_are_all_named(start_robot):
    faults = {
        'detector__input_size': (7, "parameter 'detector.input_size' is 7: use 64 to 4096"),
        'detector__score_threshold': (1.5, "'detector.score_threshold' is 1.5: use 0.0 to 1.0"),
        'num_threads': ('two', "parameter 'num_threads' is 'two': give an integer"),
        'no_image_timeout': (3, "'no_image_timeout' is 3: give a number with a decimal point"),
        'detector__type': ('magic', "'detector.type' is 'magic': use one of haar"),
        'image_transport': ('theora', "'image_transport' is 'theora': use one of raw, compressed"),
        'detektor__type': ('haar', "'detektor.type' does not exist: did you mean 'detector.type'?"),
    }
    robot = start_robot(matched=False, **{name: value for name, (value, _) in faults.items()})
    unconfigured_because(robot, *(words for _, words in faults.values()))


def test_a_configuration_file_with_an_unknown_key(start_robot, tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('/**:\n  ros__parameters:\n    num_threads: 2\n    xyz: 5\n')
    robot = start_robot('--params-file', str(path), matched=False)
    unconfigured_because(robot, "parameter 'xyz' does not exist")


def test_overrides_of_the_quality_of_service_are_refused_but_for_ros_own_topics(
    start_robot, tmp_path
):
    path = tmp_path / 'config.yaml'
    override = '    qos_overrides./{}.subscription.reliability: reliable\n'
    path.write_text('/**:\n  ros__parameters:\n' + override.format('clock') + override.format('tf'))
    robot = start_robot('--params-file', str(path))
    assert robot.lifecycle_state() == 'active'
    path.write_text('/**:\n  ros__parameters:\n' + override.format('camera/image'))
    robot = start_robot('--params-file', str(path), matched=False)
    unconfigured_because(
        robot,
        "parameter 'qos_overrides./camera/image.subscription.reliability' does not exist: the "
        'quality of service is that of qos.image.* and qos.output.*',
    )


def test_a_configuration_file_that_is_no_yaml_ends_with_one_sentence(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('face_perception:\n  ros__parameters:\n   - : : x\n')
    run = subprocess.run(
        [sys.executable, '-m', 'face_perception.ros.node', '--ros-args', '--params-file', path],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 1 and 'Traceback' not in run.stderr
    assert str(path) in run.stderr and 'correct the command line' in run.stderr


@pytest.mark.parametrize(
    'arguments, code, words',
    [
        (['--rate', '5'], 2, "'--rate 5' does not follow --ros-args"),
        (['_max_rate:=5'], 2, "'_max_rate:=5' does not follow --ros-args"),
        (['--ros-args', '--rate', '5'], 1, "ROS does not know '--rate', '5'"),
        (['--help'], 0, 'follow --ros-args, such as -r image:=/camera/image_raw'),
    ],
)
def test_options_that_would_do_nothing_are_refused(arguments, code, words):
    done = subprocess.run(
        [sys.executable, '-m', 'face_perception.ros.node', *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == code
    assert words in ' '.join(done.stdout.split())


def model_faults(make_model, tmp_path):
    good = make_model()
    shipped = share_directory() / 'models'
    tampered = tmp_path / 'shipped'
    tampered.mkdir()
    (tampered / 'SHA256SUMS').write_text((shipped / 'SHA256SUMS').read_text())
    name = 'emotion_mini_xception.onnx'
    (tampered / name).write_bytes((shipped / name).read_bytes() + b'\0')
    (tmp_path / 'truncated.onnx').write_bytes(good.read_bytes()[:150])
    (tmp_path / 'text.onnx').write_text('hello')
    yield tmp_path / 'missing.onnx', 'does not exist'
    yield tmp_path / 'truncated.onnx', 'no ONNX model'
    yield tmp_path / 'text.onnx', 'no ONNX model'
    yield make_model('shape.onnx', channels=3), 'not tensor(uint8) [N, S, S, 1]'
    yield make_model('unlabelled.onnx', labels=None), "no 'labels'"
    yield make_model('other.onnx', labels=json.dumps(['a', 'b', 'c'])), 'no message can carry'
    yield tampered / name, 'not the one that was shipped'


def test_each_bad_model_and_mending_it_without_a_restart(
    start_robot, make_model, tmp_path, portrait
):
    robot = start_robot(matched=False, emotion__model=str(tmp_path / 'first.onnx'))
    unconfigured_because(robot, 'does not exist')
    for path, words in model_faults(make_model, tmp_path):
        assert set_parameter(robot, 'emotion.model', str(path)).successful
        assert not change_state(robot, Transition.TRANSITION_CONFIGURE)
        unconfigured_because(robot, words)
    assert set_parameter(robot, 'emotion.model', 'emotion_mini_xception.onnx').successful
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert change_state(robot, Transition.TRANSITION_ACTIVATE)
    robot.wait_for_match()
    (face,) = robot.show_and_wait(image_message(Header(), portrait[0])).faces
    assert face.emotion == 'happy'
    robot.wait_for_status(lambda level, text, values: values['state'] == 'active')


def test_a_bad_parameter_can_be_mended_without_a_restart(start_robot):
    robot = start_robot(matched=False, detector__input_size=7)
    unconfigured_because(robot, 'detector.input_size')
    refusal = set_parameter(robot, 'detector.input_size', 9999)
    assert not refusal.successful
    assert set_parameter(robot, 'detector.input_size', 240).successful
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert robot.lifecycle_state() == 'inactive'


def test_the_lifecycle_goes_round_and_each_step_undoes_its_opposite(start_robot):
    robot = start_robot(matched=False, autostart=False)
    gray = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))
    for _ in range(2):
        assert robot.lifecycle_state() == 'unconfigured'
        assert change_state(robot, Transition.TRANSITION_CONFIGURE)
        assert robot.camera.get_subscription_count() == 0
        assert change_state(robot, Transition.TRANSITION_ACTIVATE)
        robot.wait_for_match()
        assert robot.show_and_wait(gray).image_width == 64
        assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
        robot.ros.spin_until(lambda: robot.camera.get_subscription_count() == 0)
        assert change_state(robot, Transition.TRANSITION_CLEANUP)
    assert change_state(robot, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert robot.lifecycle_state() == 'finalized'


def test_a_node_that_was_shut_down_complains_no_more(start_robot):
    robot = start_robot(matched=False, detector__interval=0)
    robot.wait_for_status(lambda level, text, values: level == 2 and 'detector.interval' in text)
    assert change_state(robot, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    robot.wait_for_status(lambda level, text, values: text == 'finalized')


def test_an_active_node_shuts_down_in_order(start_robot):
    robot = start_robot()
    gray = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))
    robot.show_and_wait(gray)
    assert change_state(robot, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    robot.ros.spin_until(lambda: robot.camera.get_subscription_count() == 0)
    faces = f'/{robot.process.name}/faces'
    robot.ros.spin_until(lambda: not robot.ros.node.count_publishers(faces))
    assert robot.lifecycle_state() == 'finalized' and robot.process.alive()


FAILS_TO_START_ONCE = """
def fail(self, start=frames.FrameProcessor.start):
    frames.FrameProcessor.start = start
    raise RuntimeError('no thread left')
frames.FrameProcessor.start = fail
"""


def test_a_transition_that_fails_undoes_all_and_may_be_tried_again(start_robot):
    robot = start_robot(matched=False, patch=FAILS_TO_START_ONCE)
    level, text, values = robot.wait_for_status(lambda level, text, values: level == 2)
    assert 'no thread left' in text and values['state'] == 'unconfigured'
    assert robot.lifecycle_state() == 'unconfigured'
    assert robot.camera.get_subscription_count() == 0
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert change_state(robot, Transition.TRANSITION_ACTIVATE)
    robot.wait_for_match()
    gray = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))
    assert robot.show_and_wait(gray).image_width == 64
    robot.wait_for_status(lambda level, text, values: 'no thread' not in text)


def test_every_parameter_is_described_with_its_limits(start_robot):
    robot = start_robot(matched=False)
    names = [parameter.name for parameter in PARAMETERS]
    response = robot.ros.call_until_answered(
        DescribeParameters,
        f'/{robot.process.name}/describe_parameters',
        DescribeParameters.Request(names=names),
    )
    for parameter, descriptor in zip(PARAMETERS, response.descriptors):
        assert descriptor.name == parameter.name and descriptor.description
        if parameter.minimum is not None:
            (limits,) = [*descriptor.integer_range, *descriptor.floating_point_range]
            assert (limits.from_value, limits.to_value) == (parameter.minimum, parameter.maximum)
        for choice in parameter.choices:
            assert choice in descriptor.additional_constraints
