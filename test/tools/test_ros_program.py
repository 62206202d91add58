"""What the tools make of a command line that is not all text."""

import os

from face_perception.tools.ros_program import run_program


def test_names_that_are_no_utf8_reach_the_program(capsys):
    name, seen = os.fsdecode(b'caf\xe9.mp4'), []

    def parse(arguments):
        seen.append(arguments)

    def run(arguments, options):
        for argument in arguments:
            argument.encode()
        return 7

    assert run_program('tool', ['--source', name, '--ros-args', '-r', 'a:=b'], parse, run) == 7
    assert seen == [['--source', name]]
