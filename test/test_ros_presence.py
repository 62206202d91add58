"""A program that needs ROS 2 says so before anything of it is imported."""

import os
import subprocess
import sys

import pytest

from face_perception.console import ros_presence


def absent(monkeypatch, *names):
    monkeypatch.setattr(ros_presence, 'find_spec', lambda name: None if name in names else object())


def test_nothing_is_said_where_all_is_there(monkeypatch):
    absent(monkeypatch)
    assert ros_presence.ros_fault({}) == ''


def test_without_ros_the_sentence_says_how_to_get_it(monkeypatch):
    absent(monkeypatch, *ros_presence.ROS_MODULES)
    fault = ros_presence.ros_fault({})
    assert 'rclpy' in fault and 'FACE_PERCEPTION_ROS=1' in fault and 'colcon' in fault


def test_with_a_sourced_distribution_only_the_messages_are_to_be_built(monkeypatch):
    absent(monkeypatch, 'face_perception.msg')
    fault = ros_presence.ros_fault({})
    assert 'messages are not built' in fault and 'FACE_PERCEPTION_ROS' not in fault


@pytest.mark.skipif(sys.platform != 'linux', reason='libraries are looked for on Linux only')
@pytest.mark.parametrize('middleware', ['rmw_nothing_cpp', '\x1b[2Jrmw', '../rmw', '\0'])
def test_an_absent_middleware_is_named_on_one_clean_line(monkeypatch, middleware):
    absent(monkeypatch)
    fault = ros_presence.ros_fault({'RMW_IMPLEMENTATION': middleware})
    assert fault.startswith('RMW_IMPLEMENTATION') and fault.isprintable()
    assert fault.endswith('unset RMW_IMPLEMENTATION')


@pytest.mark.skipif(sys.platform != 'linux', reason='libraries are looked for on Linux only')
def test_help_too_names_the_absent_middleware():
    pytest.importorskip('rclpy', reason='needs ROS 2')
    done = subprocess.run(
        [sys.executable, '-c', 'from face_perception.cli import camera; exit(camera())', '--help'],
        env={**os.environ, 'RMW_IMPLEMENTATION': 'rmw_nothing_cpp'},
        capture_output=True,
        text=True,
        timeout=60,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and "'rmw_nothing_cpp'" in line
