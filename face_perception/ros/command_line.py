"""The command line of the node: what ROS 2 reads of it, and nothing else."""

from __future__ import annotations

from ..console.arguments import Parser
from ..core.text import one_line
from .start import StartError, own_arguments

PROGRAM = 'face_perception_node'
#: What somebody meant who gave anything else.
ROS_PART = (
    '--ros-args -r image:=/camera/image_raw -p detector.input_size:=320 --params-file yours.yaml'
)


def check_command_line(arguments: list[str]) -> None:
    """
    Explain the node for ``--help``; exits with code 2 at what nobody would read.

    ROS passes over what does not follow ``--ros-args``, so that the node would run with other
    parameters than were given.
    """
    parser = Parser(
        prog=PROGRAM,
        usage='%(prog)s [-h] [--ros-args ...]',
        description='Find the faces in the images of the topic image, and publish them with '
        'emotion and gender on face_perception/faces.',
        epilog='Topics and parameters follow --ros-args, such as -r image:=/camera/image_raw and '
        '-p detector.input_size:=320; docs/parameters.md has all of them.',
    )
    try:
        own = own_arguments([PROGRAM, *arguments])
    except StartError:  # which is told when the node begins
        return
    unknown = parser.parse_known_args(own)[1]
    if unknown:
        parser.error(
            f"'{one_line(' '.join(unknown), 200)}' does not follow --ros-args: what a node takes "
            f'is given as {ROS_PART}'
        )
