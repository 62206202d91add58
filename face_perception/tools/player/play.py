"""
Plays a rosbag's images and its time, for a node that is to see them again.

As a command: ``face_perception_play my_bag --rate 2 --ros-args -r /camera/image_raw:=/image``.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from rclpy.signals import SignalHandlerOptions

from ...console.arguments import Parser, number
from ...media.bags.images import ImageBag
from ...ros.start import begin
from ..ros_program import run_program, warn
from .player import Player, PlayerNode

PROGRAM = 'face_perception_play'


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line without its ROS part; exits with code 2 on a mistake."""
    parser = Parser(
        prog=PROGRAM,
        description="Publish a rosbag's images with their own stamps, and its time "
        'on /clock, for nodes with use_sim_time.',
        epilog="ROS's own arguments follow --ros-args, such as -r /camera/image_raw:=/image.",
    )
    parser.add_argument(
        'bag',
        type=Path,
        metavar='BAG',
        help='the folder of a bag (SQLite or MCAP), or one .mcap or .db3 file',
    )
    parser.add_argument(
        '--topic',
        action='append',
        default=[],
        metavar='TOPIC',
        help='play only this image topic; can be given more than once (without it all)',
    )
    parser.add_argument(
        '--rate',
        type=number(float, 0.01, 100, 'a factor'),
        metavar='FACTOR',
        help='times as fast as it was recorded (without it 1; with --lossless as fast '
        'as the node answers)',
    )
    parser.add_argument(
        '--loop',
        action='store_true',
        help="begin again at the end; time goes back to the bag's start",
    )
    parser.add_argument(
        '--start-offset',
        default=0.0,
        metavar='S',
        type=number(float, 0, 10**7, 'an offset in seconds'),
        help='begin so many seconds into the bag',
    )
    parser.add_argument(
        '--duration',
        metavar='S',
        type=number(float, 0.001, 10**7, 'a duration in seconds'),
        help='play so many seconds of the bag (without it to its end)',
    )
    parser.add_argument(
        '--lossless',
        action='store_true',
        help='publish each image only when the one before was answered',
    )
    parser.add_argument(
        '--wait-for',
        action='append',
        metavar='TOPIC',
        help='with --lossless: the faces of the node that answers; can be given '
        'more than once (without it face_perception/faces)',
    )
    parser.add_argument(
        '--timeout',
        default=10.0,
        metavar='S',
        type=number(float, 0.1, 3600, 'a time in seconds'),
        help='with --lossless: seconds that an answer may take',
    )
    parser.add_argument(
        '--reliability',
        default='reliable',
        choices=('best_effort', 'reliable'),
        help='quality of service of the images',
    )
    options = parser.parse_args(arguments)
    if options.lossless and options.reliability != 'reliable':
        parser.error('--lossless images are always reliable: leave --reliability out')
    parser.goes_with('lossless', options, 'wait_for', 'timeout')
    return options


def main(args: list[str] | None = None) -> int:
    """Play until the bag ends or the process is interrupted; return the process's exit code."""
    return run_program(PROGRAM, args, parse_arguments, run)


def run(arguments: list[str], options: argparse.Namespace) -> int:
    """Play a bag; return 1 when an image of a lossless replay was not answered."""
    with ImageBag(options.bag, options.topic) as bag:
        for sentence in bag.left_out:
            warn(PROGRAM, sentence)
        # No handlers of rclpy's: they would end the context in the midst of a callback.
        node = begin(
            arguments,
            lambda: PlayerNode(PROGRAM, bag, options.reliability),
            SignalHandlerOptions.NO,
        )
        player = Player(node, bag, options, partial(warn, PROGRAM))
        try:
            player.play()
        finally:
            player.finish()
        return int(options.lossless and player.skipped > 0)


if __name__ == '__main__':
    sys.exit(main())
