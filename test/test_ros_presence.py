"""A program that needs ROS 2 says so before anything of it is imported."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

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


def first_of_ros(path):
    """Return the line of the first import at the top of a file that fails without ROS 2, or 0."""
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        names = [node.module or ''] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if re.match(r'rclpy|std_srvs|face_perception\.msg|\w+_(msgs|interfaces)\b', name):
                return node.lineno
    return 0


def test_tests_that_import_ros_are_skipped_without_it():
    """Else nothing is collected on a machine without ROS 2."""
    found = 0
    for path in Path(__file__).parent.rglob('test_*.py'):
        if line := first_of_ros(path):
            before = path.read_text(encoding='utf-8').splitlines()[: line - 1]
            assert any("importorskip('rclpy'" in text for text in before), path
            found += 1
    assert found > 10
