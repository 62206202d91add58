"""Requests that no sane client sends: each is answered, and the node goes on."""

import signal
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from face_perception.media.messages.encoding import image_message


def gray():
    return image_message(Header(), np.full((48, 64, 3), 80, np.uint8))


@pytest.mark.parametrize('kind', [10, 11, 100, 200, 255])
@pytest.mark.parametrize('service', [SetParameters, SetParametersAtomically])
def test_a_value_of_a_type_that_does_not_exist_is_refused(shared_robot, service, kind):
    robot = shared_robot
    name = 'set_parameters' + ('_atomically' if service is SetParametersAtomically else '')
    strange = Parameter(name='max_rate\n\x1b[2J', value=ParameterValue(type=kind))
    answer = robot.ros.call_until_answered(
        service, f'/{robot.process.name}/{name}', service.Request(parameters=[strange])
    )
    result = answer.results[0] if service is SetParameters else answer.result
    assert not result.successful and f'type {kind}, which does not exist' in result.reason
    assert '\x1b' not in result.reason and '\n' not in result.reason
    assert robot.show_and_wait(gray()).image_width == 64


def test_of_several_parameters_the_good_ones_are_set(shared_robot):
    robot = shared_robot
    good = Parameter(name='max_faces', value=ParameterValue(type=2, integer_value=3))
    strange = Parameter(name='max_faces', value=ParameterValue(type=77))
    absent = Parameter(name='no_such_parameter', value=ParameterValue(type=2))
    unset = Parameter(name='max_faces', value=ParameterValue(type=0))
    answer = robot.ros.call_until_answered(
        SetParameters,
        f'/{robot.process.name}/set_parameters',
        SetParameters.Request(parameters=[strange, good, absent, unset]),
    )
    assert [result.successful for result in answer.results] == [False, True, False, False]


def test_what_is_refused_is_said_in_the_nodes_own_words_and_counted(start_robot):
    robot = start_robot()
    asked = {
        'detector.interval': ParameterValue(type=2, integer_value=0),
        'max_rate': ParameterValue(type=2, integer_value=3),
        'detector.intervall': ParameterValue(type=2, integer_value=3),
        'model_directories': ParameterValue(type=4, string_value='/tmp'),
    }
    for service, name in (
        (SetParameters, 'set_parameters'),
        (SetParametersAtomically, 'set_parameters_atomically'),
    ):
        for parameter, words in (
            ('detector.interval', 'is 0: use 1 to 100'),
            ('max_rate', 'a number with a decimal point'),
            ('detector.intervall', "did you mean 'detector.interval'?"),
            ('model_directories', 'start the node again'),
        ):
            answer = robot.ros.call_until_answered(
                service,
                f'/{robot.process.name}/{name}',
                service.Request(parameters=[Parameter(name=parameter, value=asked[parameter])]),
            )
            result = answer.results[0] if service is SetParameters else answer.result
            assert not result.successful and words in result.reason
            assert result.reason in robot.status()[2]['errors: parameter']


@pytest.mark.parametrize('service', [SetParameters, SetParametersAtomically])
def test_what_was_dumped_can_be_loaded(shared_robot, service):
    robot = shared_robot
    own = f'/{robot.process.name}'
    listed = robot.ros.call_until_answered(
        ListParameters, f'{own}/list_parameters', ListParameters.Request()
    )
    names = listed.result.names
    values = robot.ros.call_until_answered(
        GetParameters, f'{own}/get_parameters', GetParameters.Request(names=names)
    ).values
    assert {'model_directories', 'autostart', 'max_rate'} <= set(names)
    dumped = [Parameter(name=name, value=value) for name, value in zip(names, values)]
    name = 'set_parameters' + ('_atomically' if service is SetParametersAtomically else '')
    before = robot.status()[2]['errors']
    answer = robot.ros.call_until_answered(
        service, f'{own}/{name}', service.Request(parameters=dumped)
    )
    results = answer.results if service is SetParameters else [answer.result]
    assert [result.reason for result in results if not result.successful] == []
    assert robot.status()[2]['errors'] == before


def test_names_that_do_not_exist_are_answered(shared_robot):
    robot = shared_robot
    for names in ([''], ['x' * 100_000], ['\x00'], ['max_rate'] * 50):
        robot.ros.call_until_answered(
            DescribeParameters,
            f'/{robot.process.name}/describe_parameters',
            DescribeParameters.Request(names=names),
        )
    assert robot.show_and_wait(gray()).image_width == 64


#: A callback that fails, as one of rclpy's own may.
FAILING = """
def fail(self, request, response):
    raise ValueError('a callback\\nfailed')
configured.Configured._on_enable = fail
"""


def test_a_callback_that_fails_is_reported_and_does_not_end_the_node(start_robot):
    robot = start_robot(patch=FAILING)
    client = robot.ros.node.create_client(SetBool, f'/{robot.process.name}/enable')
    assert client.wait_for_service(20.0)
    robot.ros.spin_for(0.5)
    for _ in range(3):
        client.call_async(SetBool.Request(data=True))
    level, text, values = robot.wait_for_status(
        lambda level, text, values: values.get('errors: internal', '').startswith('3')
    )
    assert level == 1 and "ValueError('a callback\\nfailed')" in text, text
    assert robot.show_and_wait(gray()).image_width == 64
    assert robot.process.log().count('could not be taken') == 1, 'once a minute'
    robot.ros.node.destroy_client(client)


def test_the_camera_answers_such_requests_too(ros, start_program, tmp_path):
    camera = start_program(
        ['-m', 'face_perception.tools.camera.camera', '--size', '64x48', '--ros-args']
        + ['-r', '__node:=strange_camera', '-r', 'image:=/strange/image'],
        tmp_path,
        'camera',
    )
    strange = Parameter(name='x', value=ParameterValue(type=200))
    request = SetParameters.Request(parameters=[strange])
    answer = ros.call_until_answered(SetParameters, '/strange_camera/set_parameters', request)
    assert not answer.results[0].successful and camera.alive()
    assert camera.stop() == 0, camera.log()


@pytest.mark.parametrize('program', ['ros.node', 'tools.camera.camera', 'tools.demo.demo'])
@pytest.mark.parametrize(
    ('environment', 'words'),
    [
        ({'HOME': '', 'ROS_HOME': '', 'ROS_LOG_DIR': ''}, 'set ROS_LOG_DIR'),
        ({'ROS_LOG_DIR': '/proc/nowhere'}, 'set ROS_LOG_DIR'),
        (
            {'ROS_SECURITY_ENABLE': 'true', 'ROS_SECURITY_STRATEGY': 'Enforce'},
            'ROS_SECURITY_ENABLE is true',
        ),
        ({'ROS_DOMAIN_ID': 'kitchen'}, 'set ROS_DOMAIN_ID'),
    ],
)
def test_what_stands_in_the_way_of_a_start_is_said_in_one_sentence(
    start_program, program, environment, words, tmp_path
):
    command = ['-m', f'face_perception.{program}']
    process = start_program(command, tmp_path, 'x', environment)
    assert process.wait(40) in (1, 2)
    said = [line for line in process.log().splitlines() if line.startswith('face_perception_')]
    assert len(said) == 1 and words in said[0], process.log()
    assert 'Traceback' not in process.log() and 'Warning' not in process.log(), process.log()


@pytest.mark.parametrize(
    'program',
    [
        'ros.node',
        'ros.security_policy',
        'tools.camera.camera --source sample',
        'tools.player.play no_bag',
        'tools.tune.tune',
        'tools.demo.demo',
        'tools.view --live --web',
    ],
)
def test_a_domain_beyond_the_last_is_refused_before_fast_dds_ends_the_process(
    start_program, program, tmp_path
):
    if 'view' in program:
        pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    arguments = ['-m', *f'face_perception.{program}'.split()]
    process = start_program(arguments, tmp_path, 'x', {'ROS_DOMAIN_ID': '233'})
    assert process.wait(40) in (1, 2)
    said = process.log().splitlines()
    assert len(said) == 1 and said[0].endswith(
        "there is no ROS domain '233': set ROS_DOMAIN_ID to a number from 0 to 232"
    ), process.log()


def test_started_in_the_background_it_takes_up_ctrl_c_before_it_has_loaded(start_program, tmp_path):
    def ignore():  # as a shell does for what it starts with &
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    program = 'import sys; from face_perception.cli import node; sys.exit(node())'
    process = start_program(['-c', program], tmp_path, 'node', prepare=ignore)

    process.wait_to_catch(signal.SIGINT)
    assert process.stop(timeout=20) == 0, process.log()


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='needs /proc')
@pytest.mark.parametrize('claimed', [3_000_000, 2**24, 2**26])
@pytest.mark.parametrize(
    ('service_type', 'service'),
    [(DescribeParameters, 'describe_parameters'), (SetParameters, 'set_parameters')],
)
def test_a_request_that_claims_millions_of_names_takes_no_memory(
    module_robot, service_type, service, claimed
):
    from support.raw_requests import raw_requests

    robot = module_robot
    requests = raw_requests(robot.ros, service_type, f'{robot.process.name}/{service}')
    before = most_memory(robot.process)
    assert requests.send(b'\0\1\0\0' + claimed.to_bytes(4, 'little') + bytes(40))
    assert robot.show_and_wait(gray()).image_width == 64
    assert most_memory(robot.process) - before < 300_000
    requests.close()


def most_memory(program):
    """Return the most that a program has taken, in KB."""
    status = Path(f'/proc/{program.process.pid}/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0])
