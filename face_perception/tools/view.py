"""
Opens recorded results, or what nodes see as it happens, in the Rerun viewer.

As a command: ``face_perception_view demo_output``, or ``face_perception_view --live --web``.  The
viewer is a program of its own, in the optional ``rerun-sdk``; it listens to this machine alone,
unless ``--host`` says otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..console.arguments import Parser, image_rate, number
from ..console.ros_presence import ros_fault
from ..core.errors import FacePerceptionError
from ..visuals.rerun_writer import RerunError, import_rerun
from .viewer import LOCAL, become_viewer, check_display, listen_at, quieten, web_arguments

PROGRAM = 'face_perception_view'


def main(args: list[str] | None = None) -> int:
    """Become the viewer, or feed it; return the process's exit code."""
    own, ros = split_arguments(sys.argv[1:] if args is None else args)
    options = parse_arguments(own)
    options.ros = ros
    try:
        if options.live and (fault := ros_fault()):
            raise FacePerceptionError(fault)
        quieten()
        import_rerun()
        files = find_recordings(options.results)
        if not options.web:
            check_display(PROGRAM)
        if options.live:
            from .live.live import run_live

            return run_live(PROGRAM, options)
        arguments = ['--bind', LOCAL, '--port', 'auto']
        if options.web:
            address = listen_at(options.host)
            arguments = web_arguments(address)
            print(address.notice(), flush=True)
    except FacePerceptionError as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 1
    become_viewer([*arguments, *map(str, files)])
    return 1


def split_arguments(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the viewer's arguments and those of ROS, which ``ros2 launch`` gives to all."""
    # By hand: recordings are shown where there is no ROS.
    own: list[str] = []
    ros: list[str] = []
    within = False
    for argument in args:
        within = within or argument == '--ros-args'
        (ros if within else own).append(argument)
        within = within and argument != '--'
    return own, ros


def parse_arguments(args: list[str] | None) -> argparse.Namespace:
    """Read the command line without its ROS part; exits with code 2 on a mistake."""
    parser = Parser(prog=PROGRAM, description='Show results in the Rerun viewer.')
    parser.add_argument(
        'results',
        nargs='*',
        type=Path,
        metavar='RESULTS',
        help='.rrd files, or folders that have some, such as demo_output',
    )
    parser.add_argument(
        '--web', action='store_true', help='show it in a browser, which may be on another machine'
    )
    parser.add_argument(
        '--host',
        default=LOCAL,
        metavar='ADDRESS',
        help='with --web: the address of this machine at which to listen; 0.0.0.0 is all of them, '
        'and whoever reaches them can look',
    )
    parser.add_argument(
        '--live', action='store_true', help='show what running nodes see, as it happens'
    )
    parser.add_argument(
        '--node',
        action='append',
        metavar='NAME',
        help='with --live: the full name of a node, such as /left/face_perception; may be given '
        'several times (default: all that are found)',
    )
    parser.add_argument(
        '--rate',
        type=image_rate,
        default=5.0,
        metavar='HZ',
        help='with --live: images per second that are shown at most, per camera',
    )
    parser.add_argument(
        '--raw',
        action='store_true',
        help='with --live: send images as they are, not as JPEG, which a browser without a GPU '
        'is slow to decode; takes ten times the network and memory',
    )
    parser.add_argument(
        '--memory',
        type=number(int, 50, 100_000, 'a size in MB'),
        default=500,
        metavar='MB',
        help='with --live: how much is kept to scroll back in; the oldest goes first',
    )
    options = parser.parse_args(args)
    if options.live == bool(options.results):
        parser.error('give recordings, or --live for running nodes')
    parser.goes_with('live', options, 'node', 'rate', 'raw', 'memory')
    parser.goes_with('web', options, 'host')
    return options


def find_recordings(results: Sequence[Path]) -> list[Path]:
    """Return the recordings that are meant by files and folders; raises ``RerunError``."""
    files: list[Path] = []
    for path in results:
        if path.is_dir():
            found = sorted(
                file
                for file in path.rglob('*.rrd')
                if not any(part.startswith('.') for part in file.relative_to(path).parts)
            )
            if not found:
                raise RerunError(
                    f"the folder '{path}' has no recording (.rrd): face_perception_demo --rerun "
                    'writes one'
                )
            files += found
        elif path.suffix != '.rrd':
            raise RerunError(f"'{path}' is no recording: give .rrd files, or folders with some")
        elif not path.is_file():
            raise RerunError(f"the file '{path}' does not exist")
        else:
            files.append(path)
    return list(dict.fromkeys(files))


if __name__ == '__main__':
    sys.exit(main())
