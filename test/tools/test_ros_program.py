"""What the tools make of a command line that is not all text."""

import os

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.tools import ros_program
from face_perception.tools.ros_program import run_program


def test_names_that_are_no_utf8_reach_the_program(monkeypatch):
    # The tests in this process share a context, an environment and handlers of signals.
    monkeypatch.setattr(ros_program.rclpy, 'try_shutdown', lambda: None)
    monkeypatch.setattr(ros_program, 'prepare', lambda warn: None)
    monkeypatch.setattr(ros_program.signal, 'signal', lambda number, handler: None)
    name, seen = os.fsdecode(b'caf\xe9.mp4'), []

    def parse(arguments):
        seen.append(arguments)

    def run(arguments, options):
        for argument in arguments:
            argument.encode()
        return 7

    assert run_program('tool', ['--source', name, '--ros-args', '-r', 'a:=b'], parse, run) == 7
    assert seen == [['--source', name]]
