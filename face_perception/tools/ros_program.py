"""What the tools that are ROS nodes have in common around their own work."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.utilities import remove_ros_args

from ..core.errors import FacePerceptionError
from ..ros.interruption import end_on_signals
from ..ros.spinning import SteadyExecutor, once_a_minute
from ..ros.start import explanation, prepare


def run_program(
    program: str,
    args: list[str] | None,
    parse: Callable[[list[str]], argparse.Namespace],
    run: Callable[[list[str], argparse.Namespace], int],
) -> int:
    """
    Run a tool until it ends or is interrupted; return the process's exit code.

    ``parse`` gets the command line without its ROS part, and ``run`` the whole of it and the
    options.  A ``FacePerceptionError`` becomes one line and code 2.
    """
    arguments, held = _hold_back(sys.argv if args is None else [program, *args])
    try:
        own_arguments = remove_ros_args(arguments)[1:]
    except Exception as error:  # rclpy's exceptions have no public base
        return refuse(program, explanation(error))
    options = parse([held.get(argument, argument) for argument in own_arguments])
    # Both signals end it alike, also before rclpy takes them over.
    end_on_signals()
    try:
        prepare(partial(warn, program))
        return run(arguments, options)
    except FacePerceptionError as error:
        return refuse(program, str(error))
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        rclpy.try_shutdown()


def _hold_back(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """
    Return arguments that ROS can read, and what stands for those that it cannot.

    Names of files are bytes, and need not be UTF-8.
    """
    readable, held = [], {}
    for number, argument in enumerate(arguments):
        try:
            argument.encode()
        except UnicodeEncodeError:
            held[f'argument{number}?'] = argument
            argument = f'argument{number}?'
        readable.append(argument)
    return readable, held


def steady_executor(program: str) -> SteadyExecutor:
    """Return an executor that tells the user of what it could not take."""
    return SteadyExecutor(once_a_minute(partial(warn, program)))


def leave(code: int) -> NoReturn:
    """
    End the process though a thread of it still runs, stuck in a driver or a file.

    Should that thread go on while Python clears up after itself, the process would crash.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def warn(program: str, message: str) -> None:
    """Print one line for the user."""
    print(f'{program}: {message}', file=sys.stderr, flush=True)


def refuse(program: str, message: str) -> int:
    """Say why the program ends, and return its exit code."""
    warn(program, message)
    return 2
