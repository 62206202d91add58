"""The face_perception node: a camera's images in, faces and latency out."""

from __future__ import annotations

import gc
import signal
import sys
import time
from functools import partial

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from ..core.errors import FacePerceptionError
from ..core.text import one_line
from ..media.messages.fields import NANOSECONDS
from .changes import ParameterChanges
from .clocks import is_simulated
from .command_line import PROGRAM, check_command_line
from .configured import Configured
from .monitoring.diagnostics import Diagnostics
from .monitoring.health import Health
from .parameter_files import files_for_others
from .parameter_requests import ParameterRequests
from .parameters import declare_parameters, read_values, request_fault
from .settings import settings_from
from .spinning import SteadyExecutor
from .start import StartError, begin, finish, prepare


class FacePerceptionNode(LifecycleNode):
    """
    Lifecycle node: each transition undoes its opposite.

    Configured it has models, publishers and its service; active it works, and subscribes to the
    images while somebody wants what they give.
    """

    def __init__(self, **kwargs):
        super().__init__('face_perception', start_parameter_services=False, **kwargs)
        self._parameter_requests = ParameterRequests(
            self, partial(request_fault, self), self._report
        )
        self._health = Health(self._seconds)
        self._state = 'unconfigured'
        self._fault = ''
        self._enabled = True
        self._configured: Configured | None = None
        faults = declare_parameters(self)
        self._changes = ParameterChanges(self, self._report)
        self._changes.faults = faults
        self._diagnostics = Diagnostics(self, self._health, self._describe, self._camera)
        self._jumps = self.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
            ),
            pre_callback=self._before_time_jump,
            post_callback=self._on_time_jump,
        )

    def _seconds(self) -> float:
        """Return simulated time where it is in use, else one that nobody sets: it is never back."""
        clock = self.get_clock()
        if is_simulated(clock):
            return clock.now().nanoseconds / NANOSECONDS
        return time.monotonic()

    # Lifecycle

    def autostart(self) -> None:
        """Configure and activate, unless the parameter ``autostart`` is false."""
        if not self.get_parameter('autostart').value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the models, create publishers and service; a fault leaves all as it was."""
        try:
            if self._changes.faults:
                raise FacePerceptionError('; '.join(self._changes.faults.values()))
            self._configured = Configured(
                self, settings_from(read_values(self)), self._enabled, self._health, self._report
            )
        except FacePerceptionError as error:
            return self._fail_to_configure(str(error))
        except Exception as error:  # the node stays alive whatever libraries do
            return self._fail_to_configure(f'{error!r}: please report this to the maintainers')
        self._changes.prepare = self._configured.prepare
        self._fault = ''
        self._state = 'inactive'
        return super().on_configure(state)

    def _fail_to_configure(self, reason: str) -> TransitionCallbackReturn:
        self._release()
        self._fault = reason
        self._health.error('configuration', reason)
        if self.context.ok():  # else it was interrupted at that
            self.get_logger().error(f'not configured: {one_line(reason)}')
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to work, and subscribe if anybody listens."""
        result = super().on_activate(state)
        try:
            assert self._configured is not None  # rclpy activates nothing else
            self._configured.start()
            self._state = 'active'
        except Exception as error:  # rclpy would swallow it
            self._fault = f'{error!r}: please report this to the maintainers'
            return TransitionCallbackReturn.ERROR
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and finish the image in work."""
        self._stop()
        self._state = 'inactive'
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free service, publishers and models."""
        self._release()
        self._state = 'unconfigured'
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo everything, from whichever state."""
        self._stop()
        self._release()
        self._fault = ''
        self._state = 'finalized'
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo everything and go back to unconfigured, so that it can be tried again."""
        self._stop()
        self._release()
        self._fault = self._fault or 'a transition failed'
        self._health.error('lifecycle', self._fault)
        self.get_logger().error(f'unconfigured: {self._fault}')
        self._state = 'unconfigured'
        return super().on_error(state)

    def destroy_node(self) -> None:
        """Stop the worker before its publishers go."""
        self._stop()
        super().destroy_node()

    def _stop(self) -> None:
        if self._configured is not None:
            self._configured.stop()

    def _release(self) -> None:
        self._changes.prepare = None
        if self._configured is not None:
            self._enabled = self._configured.enabled
            self._configured.destroy()
            self._configured = None

    # What comes from outside

    def _before_time_jump(self) -> None:
        """Mark the images of the time that ends."""
        if self._configured is not None:
            self._configured.before_reset()

    def _on_time_jump(self, jump) -> None:
        """Begin anew when time was set back, or another clock is used."""
        if self._configured is not None:
            self._configured.begin_anew()
        # Last: the image that was in work has been counted by now.
        self._health.forget_times()
        if self._configured is not None and self._configured.clock_is_restless:
            publishers = self.count_publishers('/clock')
            if publishers > 1:  # one that plays something short in a loop is as it is wanted
                self._report(
                    'clock',
                    f'time is set back again and again, as {publishers} publishers of /clock '
                    'disagree, and hardly an image is processed: end all but one',
                )

    # What is said about it

    def report_internal(self, message: str) -> None:
        """Count and log what no program should cause; it must not end the node."""
        self._report('internal', message)

    def _report(self, kind: str, message: str) -> None:
        if self._health.error(kind, message) and self.context.ok():
            self.get_logger().error(one_line(message))

    def _camera(self) -> str:
        return '' if self._configured is None else self._configured.camera

    def _describe(self) -> tuple[bytes, str, dict[str, str]]:
        """Return level, message and values for /diagnostics."""
        values = {'state': self._state}
        if self._fault:
            return DiagnosticStatus.ERROR, f'unconfigured: {self._fault}', values
        if self._configured is None:
            return DiagnosticStatus.OK, self._state, values
        return *self._configured.describe(), values | self._configured.values()


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the process's exit code."""
    check_command_line(sys.argv[1:] if args is None else args)
    # From rclpy.init on rclpy's own handlers end spinning, then call this one.  An exception
    # could come anywhere, such as in a destructor of rclpy's, where nobody can catch it.
    interrupts = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    warnings: list[str] = []
    node = executor = None
    try:
        prepare(warnings.append, is_camera=False)
        node = begin(args, FacePerceptionNode)
        for warning in warnings + files_for_others(sys.argv if args is None else args, node):
            node.get_logger().warning(warning)
        executor = SteadyExecutor(node.report_internal)
        executor.add_node(node)
        node.autostart()
        gc.freeze()  # what is there by now stays: looking through it again and again costs time
        if not interrupts:
            executor.spin()
    except StartError as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 1
    except ExternalShutdownException:
        pass
    except Exception:
        # A callback that was at work when the signal came finds its publishers gone.
        if rclpy.ok():
            raise
    finally:
        finish(executor, node)
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
