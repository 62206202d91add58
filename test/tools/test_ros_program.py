"""How the tools begin and end: a command line that is not all text, Ctrl-C at a bad moment."""

import os

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.tools import ros_program
from face_perception.tools.ros_program import run_program
from support.program import Programs

#: rclpy turns a KeyboardInterrupt in the midst of a message into such a TypeError.
SWALLOWS = """
import argparse, os, signal, sys, time
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from face_perception.ros.start import begin
from face_perception.tools import ros_program

def interrupted():
    try:
        os.kill(os.getpid(), signal.{signal})
        time.sleep(10)
    except KeyboardInterrupt:
        raise TypeError('Unable to convert function return value to a Python type!')

def run(arguments, options):
    node = begin(arguments, lambda: Node('swallows'), SignalHandlerOptions.NO)
    executor = ros_program.steady_executor('program')
    executor.add_node(node)
    node.create_timer(0.01, interrupted)
    for _ in range(20):
        executor.spin_once(0.1)
    return 3

sys.exit(ros_program.run_program('program', [], lambda arguments: None, run))
"""


def test_names_that_are_no_utf8_reach_the_program(monkeypatch):
    # The tests in this process share a context, an environment and handlers of signals.
    monkeypatch.setattr(ros_program.rclpy, 'try_shutdown', lambda: None)
    monkeypatch.setattr(ros_program, 'prepare', lambda warn: None)
    monkeypatch.setattr(ros_program, 'end_on_signals', lambda: None)
    name, seen = os.fsdecode(b'caf\xe9.mp4'), []

    def parse(arguments):
        seen.append(arguments)

    def run(arguments, options):
        for argument in arguments:
            argument.encode()
        return 7

    assert run_program('tool', ['--source', name, '--ros-args', '-r', 'a:=b'], parse, run) == 7
    assert seen == [['--source', name]]


@pytest.mark.parametrize('number', ['SIGINT', 'SIGTERM'])
def test_ctrl_c_ends_it_also_where_something_swallows_it(tmp_path, number):
    programs = Programs()
    script = SWALLOWS.format(signal=number)
    program = programs.start(['-c', script], tmp_path, 'program')
    assert program.wait() == 0 and not program.log(), program.log()
    programs.end()
