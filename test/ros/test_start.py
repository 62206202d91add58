import subprocess
import sys

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

import rclpy.utilities

from face_perception.ros import start
from face_perception.ros.start import StartError, explanation, own_arguments, prepare
from support.program import told
from support.waiting import PATIENCE_S

#: As rclpy says it when Cyclone DDS cannot have the receive buffer that its settings ask for.
SILENT = RuntimeError('error creating node: error not set, at /src/rcl/node.c:252')


def test_a_middleware_that_refuses_its_settings_is_named(monkeypatch):
    monkeypatch.delenv('ROS_SECURITY_ENABLE', raising=False)
    monkeypatch.setenv('CYCLONEDDS_URI', '<CycloneDDS/>')
    assert explanation(SILENT).endswith('correct or unset CYCLONEDDS_URI')
    # Nobody's settings, or another fault.
    assert 'command line' in explanation(RuntimeError('unknown ROS argument'))
    monkeypatch.delenv('CYCLONEDDS_URI')
    assert 'command line' in explanation(SILENT)
    unresolved = RuntimeError('error creating node: Unable to resolve peer nobody')
    assert explanation(unresolved).endswith('unset ROS_STATIC_PEERS')


@pytest.mark.parametrize('given', [['image:=/x'], ['-foo', 'b']])
def test_what_is_no_argument_of_ros_is_named_with_those_that_are(given):
    with pytest.raises(RuntimeError) as caught:
        rclpy.utilities.remove_ros_args(['node', '--ros-args', *given])
    sentence = explanation(caught.value)
    assert given[-1] in sentence and '-r FROM:=TO' in sentence and '--params-file' in sentence


@pytest.mark.parametrize('number', ['-1', '233', '9' * 5000, '1.5', 'kitchen'])
def test_a_domain_that_there_is_not_is_refused_before_anything_is_started(number, monkeypatch):
    monkeypatch.setattr(start, 'use_large_images', lambda **settings: None)
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    with pytest.raises(StartError, match='set ROS_DOMAIN_ID to a number from 0 to 232'):
        prepare(lambda sentence: None)
    # Zenoh counts no ports, so that only rcl limits the number.
    monkeypatch.setattr(start.rclpy, 'get_rmw_implementation_identifier', lambda: 'rmw_zenoh_cpp')
    prepare(lambda sentence: None)


@pytest.mark.parametrize('number', ['', '0', '232'])
def test_other_domains_are_taken(number, monkeypatch):
    monkeypatch.setattr(start, 'use_large_images', lambda **settings: None)
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    prepare(lambda sentence: None)


ENDING = """
import rclpy
from rclpy.signals import get_current_signal_handlers_options
from face_perception.ros.spinning import SteadyExecutor
from face_perception.ros.start import finish
class Executor(SteadyExecutor):
    def shutdown(self, timeout_sec=None):
        print(get_current_signal_handlers_options().name)
        return super().shutdown(timeout_sec)
rclpy.init()
print(get_current_signal_handlers_options().name)
node, executor = rclpy.create_node('short_lived'), Executor(print)
executor.add_node(node)
finish(executor, node)
"""


def test_rclpys_thread_for_signals_has_ended_when_the_executor_goes():
    # It wakes each executor after a signal: one that is gone would crash the process.
    done = subprocess.run(
        [sys.executable, '-c', ENDING], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.stdout.split(), told(done.stderr)) == (['ALL', 'NO'], '')


@pytest.mark.parametrize('name', start.LOG_SWITCHES)
def test_a_setting_of_the_log_that_it_does_not_understand_is_refused(name, monkeypatch):
    """It would say so at each line of the log, and write none."""
    monkeypatch.setattr(start, 'use_large_images', lambda **settings: None)
    monkeypatch.setenv(name, 'maybe')
    with pytest.raises(StartError, match=f"^{name} is 'maybe': set it to 0 or 1"):
        prepare(lambda sentence: None)
    for value in ('', '0', '1'):
        monkeypatch.setenv(name, value)
        prepare(lambda sentence: None)


def test_the_remedy_for_a_log_is_that_of_its_fault():
    unwritable = RuntimeError('Failed to initialize logging: failed to create the log directory')
    assert 'set ROS_LOG_DIR' in explanation(unwritable)
    configured = RuntimeError(
        'Failed to initialize logging: spdlog logging backend does not support external '
        'configuration files'
    )
    assert 'leave out --log-config-file' in explanation(configured)


def test_an_option_in_ros_s_part_is_told_where_it_belongs():
    assert own_arguments(['p', '--a', '--ros-args', '-r', 'a:=b', '--', 'c']) == ['--a', 'c']
    with pytest.raises(StartError, match="^ROS does not know '--rate', '5': .* before --ros-args"):
        own_arguments(['p', '--ros-args', '-r', 'a:=b', '--rate', '5'])
    with pytest.raises(StartError, match='correct the command line'):
        own_arguments(['p', '--ros-args', '-r', 'nonsense'])
