"""Which form `pip install` makes, and of which distribution's wheels."""

import importlib.util
import platform
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def ros_wheels(monkeypatch):
    """Return the module as on x86-64 Linux."""
    path = ROOT / 'build_backend' / 'ros_wheels.py'
    spec = importlib.util.spec_from_file_location('ros_wheels', path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, 'ros_wheels', module)  # dataclasses look there
    spec.loader.exec_module(module)
    on(monkeypatch, 'linux', 'x86_64')
    monkeypatch.setattr(platform, 'libc_ver', lambda: ('glibc', '2.36'))
    return module


def on(monkeypatch, system, machine):
    monkeypatch.setattr(sys, 'platform', system)
    monkeypatch.setattr(platform, 'machine', lambda: machine)


@pytest.mark.parametrize(
    'system, machine', [('linux', 'aarch64'), ('darwin', 'x86_64'), ('win32', 'AMD64')]
)
def test_where_there_are_no_wheels_none_are_asked_for(ros_wheels, monkeypatch, system, machine):
    on(monkeypatch, system, machine)
    assert ros_wheels.chosen({}) is None
    with pytest.raises(ros_wheels.ChoiceError, match='exist for CPython'):
        ros_wheels.chosen({'FACE_PERCEPTION_ROS': '1'})


def test_musl_has_no_wheels(ros_wheels, monkeypatch):
    monkeypatch.setattr(platform, 'libc_ver', lambda: ('', ''))
    assert ros_wheels.chosen({}) is None


def test_the_newest_distribution_or_the_one_that_is_named(ros_wheels):
    assert 'ros-rclpy[fastrtps]==9.1.2' in ros_wheels.chosen({}).run
    jazzy = ros_wheels.chosen({'FACE_PERCEPTION_ROS_DISTRO': 'jazzy'})
    assert 'ros-rclpy[fastrtps]==7.1.6' in jazzy.run and jazzy.build != ros_wheels.chosen({}).build


@pytest.mark.parametrize('name', ['jazzy', 'kilted'])
def test_what_runs_is_of_the_versions_that_it_was_built_with(ros_wheels, name):
    wheels = ros_wheels.WHEELS[name]
    built = dict(pin.split('==') for pin in wheels.build if '==' in pin)
    run = dict(pin.split('==') for pin in wheels.run)
    assert {package: built[package] for package in built if package in run} == {
        package: run[package] for package in run if package in built
    }
    assert 'ros-rclpy[fastrtps]' in built and 'ros-rclpy[fastrtps]' in run


@pytest.mark.parametrize(
    'variables, sentence',
    [
        ({'FACE_PERCEPTION_ROS': 'no'}, 'set it to 0'),
        ({'FACE_PERCEPTION_ROS_DISTRO': 'humble'}, 'jazzy or kilted'),
    ],
)
def test_a_wrong_choice_is_told_in_one_sentence(ros_wheels, variables, sentence):
    with pytest.raises(ros_wheels.ChoiceError, match=sentence):
        ros_wheels.chosen(variables)


def test_a_sourced_distribution_is_not_shadowed(ros_wheels, tmp_path):
    python = 'python{}.{}'.format(*sys.version_info)
    packages = tmp_path / 'lib' / python / 'site-packages'
    (packages / 'rclpy').mkdir(parents=True)
    sourced = {'AMENT_PREFIX_PATH': f'/nowhere:{tmp_path}'}
    assert ros_wheels.chosen(sourced) is None
    assert ros_wheels.chosen({**sourced, 'FACE_PERCEPTION_ROS': '1'})
    # The same folder where the wheels lie is none: a second installation keeps them.
    (packages / 'ros_rclpy-9.1.2.dist-info').mkdir()
    assert ros_wheels.chosen(sourced)


def test_a_distribution_of_another_python_is_no_use(ros_wheels, tmp_path):
    (tmp_path / 'lib/python3.9/site-packages/rclpy').mkdir(parents=True)
    assert ros_wheels.chosen({'AMENT_PREFIX_PATH': str(tmp_path)})


def test_nothing_asked_without_ros(ros_wheels):
    assert ros_wheels.chosen({'FACE_PERCEPTION_ROS': '0'}) is None
