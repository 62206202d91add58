"""Parameters shown and changed from a terminal: real nodes on real DDS."""

import os
import pty
import select
import subprocess
import sys

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.msg import Parameter as Message
from rcl_interfaces.srv import DescribeParameters, GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from face_perception.core.settings import SETTINGS
from face_perception.ros.parameters import PARAMETERS
from face_perception.tools.found import NodeNameError
from face_perception.tools.tune import remote
from face_perception.tools.tune.remote import Known, RemoteNode, TuneError, read_changes
from support.program import told

#: The types of rcl_interfaces/msg/ParameterType.
KINDS = {bool: 1, int: 2, float: 3, str: 4}


def tune(*arguments):
    """Run the program to its end; return code, what it printed, and what is wrong."""
    done = subprocess.run(
        [sys.executable, '-m', 'face_perception.tools.tune.tune', *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 'Traceback' not in done.stderr, done.stderr
    return done.returncode, done.stdout, told(done.stderr)


def value_of(robot, name):
    """Return the value of a parameter, as the node says it."""
    request = GetParameters.Request(names=[name])
    service = f'/{robot.process.name}/get_parameters'
    return robot.ros.call_until_answered(GetParameters, service, request).values[0]


@pytest.fixture(scope='module')
def name(module_robot):
    return f'/{module_robot.process.name}'


def test_it_lists_what_can_be_changed_with_value_range_and_meaning(name):
    code, text, _ = tune('--node', name)
    assert code == 0
    lines = {line.split()[0]: ' '.join(line.split()[1:]) for line in text.splitlines()}
    assert lines['detector.max_rate'].startswith('15.0 0.0 to 1000.0 Detect at most so often')
    assert lines['detector.input_size'].startswith('480 64 to 4096 Long side in pixels')
    assert lines['detector.type'].startswith('onnx one of haar, onnx, yunet Which detector')
    assert lines['detector.model'].startswith("'' a string File of the types")
    assert 'read-only while the node is configured' in lines['humans.enabled']
    assert {each.parameter for each in SETTINGS.values()} <= set(lines)
    assert not {'read_only_parameters', 'model_directories'} & set(lines)


def test_several_are_set_together_and_refused_together(name, shared_robot):
    # Neither of the two could be set alone.
    code, text, _ = tune('--node', name, 'tracker.enabled=false', 'max_rate=10', 'lazy=FALSE')
    assert code == 0
    assert text.splitlines() == [
        f'{name}: tracker.enabled is false (was true)',
        f'{name}: max_rate is 10.0 (was 0.0)',
        f'{name}: lazy is false (was true)',
    ]
    code, text, wrong = tune('--node', name, 'max_rate=20', 'detector.interval=3')
    assert (code, text) == (1, '')
    assert 'refused, and nothing was changed there' in wrong
    assert "'detector.interval' is 3, but faces are not followed between images" in wrong
    assert value_of(shared_robot, 'max_rate').double_value == 10.0


@pytest.fixture
def known():
    """Return parameters as a node would describe them."""
    descriptors = {parameter.name: parameter.descriptor() for parameter in PARAMETERS}
    for parameter in PARAMETERS:
        descriptors[parameter.name].type = KINDS[type(parameter.default)]
    return {
        parameter.name: Known(descriptors[parameter.name], parameter.default)
        for parameter in PARAMETERS
        if not parameter.fixed
    }


def test_texts_become_values_of_the_type_that_the_node_has(known):
    words = ['max_rate=10', 'max_faces=3', 'lazy=False', 'detector.model=a=b', 'emotion.model=']
    changes = read_changes(words, known)
    assert [
        Parameter.from_parameter_msg(Message(name=n, value=v)).value for n, v in changes.items()
    ] == [10.0, 3, False, 'a=b', '']


@pytest.mark.parametrize(
    'words, sentence',
    [
        (['max_rte=3'], "no parameter 'max_rte' can be changed: did you mean 'max_rate'?"),
        (['read_only_parameters=true'], "no parameter 'read_only_parameters' can be changed"),
        (['max_rate'], "'max_rate' is no change: give name=value"),
        (['max_rate=1', 'max_rate=2'], "'max_rate' is given twice"),
        (['max_rate=fast'], "cannot be 'fast': give a number (0.0 to 1000.0)"),
        (['max_faces=1.5'], "cannot be '1.5': give an integer (0 to 1000)"),
        (['max_faces=99999999999999999999'], 'give an integer (0 to 1000)'),
        (['max_faces=1', 'lazy=yes'], "cannot be 'yes': give true or false"),
        (['emotion.model=\udc80'], 'give a string'),
    ],
)
def test_a_mistake_is_one_sentence(known, words, sentence):
    with pytest.raises(TuneError) as error:
        read_changes(words, known)
    assert sentence in str(error.value) and '\n' not in str(error.value)


def test_a_mistake_sets_nothing_and_what_is_out_of_range_is_the_nodes_to_refuse(name, shared_robot):
    code, text, wrong = tune('--node', name, 'max_faces=1', 'lazy=1')
    assert (code, text, wrong.count('\n')) == (2, '', 1) and "'lazy' cannot be '1'" in wrong
    code, text, wrong = tune('--node', name, 'max_faces=1', 'max_rate=nan')
    assert (code, text, wrong.count('\n')) == (1, '', 1)
    assert 'refused' in wrong and 'max_rate' in wrong
    assert value_of(shared_robot, 'max_faces').integer_value == 0


def test_a_node_that_is_not_there(ros, monkeypatch):
    monkeypatch.setattr(remote, 'FOUND_S', 0.2)
    executor = SingleThreadedExecutor()
    try:
        with pytest.raises(TuneError, match="there is no node '/nowhere' with parameters: "):
            RemoteNode(ros.node, executor, 'nowhere').read()
    finally:
        executor.shutdown()


@pytest.mark.parametrize('name', ['', '/', 'a b', '/left/face-perception', '/a//b'])
def test_what_no_node_can_be_called_is_refused(ros, name):
    with pytest.raises(NodeNameError, match=f"^'{name}' is no name of a node"):
        RemoteNode(ros.node, None, name)


def test_nodes_are_found_and_where_there_are_two_one_has_to_be_chosen(name, start_robot):
    other = f'/{start_robot().process.name}'
    code, text, _ = tune()
    assert code == 0 and text.splitlines()[0].split()[1:3] == sorted([name, other])
    code, _, wrong = tune('max_rate=3')
    assert code == 2 and '2 nodes run' in wrong and name in wrong and other in wrong
    code, text, _ = tune('--node', name, '--node', other, 'max_rate=3')
    assert code == 0
    assert text.splitlines() == [f'{each}: max_rate is 3.0 (was 0.0)' for each in (name, other)]


def test_a_terminal_is_asked_until_there_is_nothing_more(name, shared_robot):
    controller, terminal = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, '-m', 'face_perception.tools.tune.tune', '--node', name],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, 'TERM': 'dumb', 'COLUMNS': '80'},
    )
    os.close(terminal)
    said = unread = ''

    def read_until(words):
        """Return what is said up to ``words``, which are read too."""
        nonlocal said, unread
        while words not in unread:
            assert select.select([controller], [], [], 60)[0], f'{words!r} is not in: {said}'
            text = os.read(controller, 4096).decode()
            said, unread = said + text, unread + text
        before, _, unread = unread.partition(words)
        return before

    try:
        table = read_until('> ')
        assert 'Ctrl-D ends' in table
        assert all(len(line.rstrip('\r')) <= 80 for line in told(table).split('\n'))
        for line, answer in (
            ('max_rate=8 max_faces=2', 'max_faces is 2 (was 0)'),
            ('max_rate=-8', 'refused, and nothing was changed there'),
            ('max_rat=8', "did you mean 'max_rate'?"),
            ('classifier.', 'classifier.max_rate'),
            ('max_rate', f'{name}: max_rate is 8.0'),
            ('nothing', "no parameter has 'nothing'"),
            ('"', 'close it'),
        ):
            os.write(controller, f'{line}\n'.encode())
            read_until(answer)
            read_until('> ')
        os.write(controller, b'\x04')
        assert program.wait(20) == 0
        assert 'Traceback' not in said
    finally:
        program.kill()
        program.wait()
        os.close(controller)


def test_descriptors_fit_a_slider(ros, name):
    """What rqt_reconfigure reads: ranges with a step that excludes no value that is sensible."""
    request = DescribeParameters.Request(names=[parameter.name for parameter in PARAMETERS])
    answer = ros.call_until_answered(DescribeParameters, f'{name}/describe_parameters', request)
    for parameter, descriptor in zip(PARAMETERS, answer.descriptors):
        limits = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert len(limits) == (parameter.minimum is not None), parameter.name
        assert descriptor.type == KINDS[type(parameter.default)]
        assert descriptor.read_only == parameter.fixed
        assert descriptor.description
        for limit in limits:
            assert limit.from_value <= parameter.default <= limit.to_value
            # Arrow keys move a slider by the step: by one, or, of numbers, not at all.
            assert limit.step == (1 if descriptor.integer_range else 0)


@pytest.mark.parametrize('parameter', [each for each in PARAMETERS if each.minimum is not None])
def test_the_step_excludes_no_value(ros, parameter):
    node = Node(f'steps_{os.getpid()}', start_parameter_services=False)
    try:
        node.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
        kind, low, high = type(parameter.default), parameter.minimum, parameter.maximum
        for value in (low, high, low + (high - low) / 3, low + (high - low) / 7):
            answer = node.set_parameters([Parameter(parameter.name, value=kind(value))])
            assert answer[0].successful, (value, answer[0].reason)
    finally:
        node.destroy_node()
