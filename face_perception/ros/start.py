"""How every ROS program of the package begins and ends, and what it says when it cannot."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.executors import Executor, ExternalShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions, uninstall_signal_handlers
from rclpy.utilities import remove_ros_args

from ..core.errors import FacePerceptionError
from ..core.text import one_line
from .interruption import check
from .shared_memory import remove_dead_segments, shortage
from .transport import is_fast_dds, use_large_images

#: The last domain whose ports there are: DDS counts 250 for each, from 7400 on.
LAST_DOMAIN = 232
SET_DOMAIN = f'set ROS_DOMAIN_ID to a number from 0 to {LAST_DOMAIN}'
#: Of ROS's log, which says at each line, and in it, that it does not understand another value.
LOG_SWITCHES = (
    'RCUTILS_COLORIZED_OUTPUT',
    'RCUTILS_LOGGING_BUFFERED_STREAM',
    'RCUTILS_LOGGING_USE_STDOUT',
)
#: Of middlewares that say on the error output alone what they refuse.
MIDDLEWARE_SETTINGS = ('CYCLONEDDS_URI', 'ZENOH_CONFIG_OVERRIDE', 'ZENOH_SESSION_CONFIG_URI')

T = TypeVar('T')


class StartError(FacePerceptionError):
    """ROS 2 cannot be begun with these arguments, in this environment."""


def prepare(warn: Callable[[str], None], is_camera: bool = True) -> None:
    """
    Make room in shared memory and let images through, before any participant is created.

    ``warn`` gets a sentence where shared memory is too small for camera images.  A process that
    ``is_camera`` takes more of it.  All this concerns Fast DDS alone.  Raises ``StartError`` for a
    domain that there is not, or a setting of the log: before other processes are started, and
    before Fast DDS ends this one.
    """
    _check_log_switches()
    middleware = rclpy.get_rmw_implementation_identifier()
    _check_domain(os.environ.get('ROS_DOMAIN_ID', ''), middleware)
    if not is_fast_dds(middleware):
        return
    remove_dead_segments()
    use_large_images(is_camera=is_camera)
    if sentence := shortage():
        warn(sentence)


def _check_log_switches() -> None:
    for name in LOG_SWITCHES:
        if (given := os.environ.get(name, '')) not in ('', '0', '1'):
            raise StartError(f"{name} is '{one_line(given, 40)}': set it to 0 or 1, or unset it")


def _check_domain(given: str, middleware: str) -> None:
    """Raise ``StartError`` for a domain id, a decimal number, that DDS has no ports for."""
    try:
        exists = not given or 0 <= int(given) <= LAST_DOMAIN
    except ValueError:
        exists = False
    if not exists and 'zenoh' not in middleware:  # which has no ports of its own for each
        raise StartError(f"there is no ROS domain '{one_line(given, 40)}': {SET_DOMAIN}")


def own_arguments(arguments: list[str]) -> list[str]:
    """
    Return what a command line, with the program's name first, has beside that and ROS's part.

    Raises ``StartError`` for what is in ROS's part and that ROS does not know.
    """
    try:
        return remove_ros_args(arguments)[1:]
    except Exception as error:  # rclpy's exceptions have no public base
        raise StartError(explanation(error)) from None


def begin(
    arguments: list[str] | None,
    make: Callable[[], T],
    handlers: SignalHandlerOptions | None = None,
) -> T:
    """
    Initialise rclpy and return the node that ``make`` makes.

    Raises ``StartError`` with one sentence, whatever stands in the way: arguments, the log's
    folder, the domain, security.  ``handlers`` are rclpy's handlers of signals, its own for
    ``None``: a signal that comes while the node is made is an ``ExternalShutdownException``.
    """
    initialised = False
    try:
        with warnings.catch_warnings():  # of what rclpy half made before it failed
            warnings.simplefilter('ignore', RuntimeWarning)
            rclpy.init(args=arguments, signal_handler_options=handlers)
            initialised = True
            return make()
    except FacePerceptionError:
        raise
    except Exception as error:  # rclpy's exceptions have no public base
        if initialised and not rclpy.ok():
            raise ExternalShutdownException() from None
        check()
        raise StartError(explanation(error)) from None


def finish(executor: Executor | None, node: Node | None) -> None:
    """
    End an executor and its node, as far as they were made.

    First rclpy's thread for signals: after a signal it wakes each executor, and would find one
    that is gone.
    """
    uninstall_signal_handlers()
    if executor is not None:
        executor.shutdown()
    if node is not None:
        node.destroy_node()


def explanation(error: Exception) -> str:
    """Return what is wrong and what to do, for an exception of rclpy's while it begins."""
    reason = one_line(' '.join(str(error).split()), 400)
    lowered = reason.lower()
    if type(error).__name__ == 'UnknownROSArgsError':  # it lists them, and says no more
        return (
            f"ROS does not know {reason.strip('[]')}: a program's own options stand before "
            '--ros-args, behind it -r FROM:=TO, -p NAME:=VALUE and --params-file FILE'
        )
    if 'external configuration' in lowered:
        return f'{reason}: leave out --log-config-file, which the log of this ROS 2 does not read'
    if any(words in lowered for words in ('initialize logging', 'log director', 'opening file')):
        return (
            f'the log cannot be written ({reason}): set ROS_LOG_DIR to a folder that can be '
            'written, or HOME where there is none'
        )
    if os.environ.get('ROS_SECURITY_ENABLE') == 'true' and 'security' in lowered:
        return (
            f'ROS_SECURITY_ENABLE is true, but this middleware has no security ({reason}): use '
            "a distribution's ROS 2, as docs/security.md says, or unset the variable"
        )
    if os.environ.get('ROS_SECURITY_ENABLE') == 'true' and 'error not set' in lowered:
        return (
            'ROS_SECURITY_ENABLE is true, but there are no keys for this program: set '
            'ROS_SECURITY_KEYSTORE and --enclave, as docs/security.md says, or unset the variable'
        )
    if 'domain' in lowered or 'port number' in lowered:
        return f'{reason}: {SET_DOMAIN}'
    if 'resolve peer' in lowered:
        return f'{reason}: correct or unset ROS_STATIC_PEERS'
    settings = [name for name in MIDDLEWARE_SETTINGS if os.environ.get(name)]
    if settings and 'error not set' in lowered:
        return (
            f'the middleware does not start, and says why in the lines above ({reason}): correct '
            f'or unset {" and ".join(settings)}'
        )
    return f'{reason}: correct the command line or the file it names'
