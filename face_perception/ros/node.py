"""The face_perception node: a camera's images in, faces and latency out."""

from __future__ import annotations

import signal
import sys
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import SetBool

from ..core.errors import FacePerceptionError
from ..core.networks import FaceNetworks
from ..core.text import one_line
from ..media.messages.decoding import ImageDecoder
from ..media.messages.fields import NANOSECONDS
from .changes import ParameterChanges
from .frames import FrameProcessor
from .image_input import ImageInput
from .monitoring.diagnostics import Diagnostics, model_values
from .monitoring.health import Health
from .monitoring.silence import SilenceWatch
from .outputs import topics as outputs
from .parameter_requests import ParameterRequests
from .parameters import NodeSettings, Value, declare_parameters, read_values, settings_from
from .spinning import SteadyExecutor
from .start import StartError, begin, prepare

#: Where nobody tells of subscribers, the node looks so often, in seconds.
DEMAND_PERIOD_S = 0.5


class FacePerceptionNode(LifecycleNode):
    """
    Lifecycle node: each transition undoes its opposite.

    Configured it has models, publishers and its service; active it works, and subscribes to the
    images while somebody wants what they give.
    """

    def __init__(self, **kwargs):
        super().__init__('face_perception', start_parameter_services=False, **kwargs)
        self._parameter_requests = ParameterRequests(self)
        self._health = Health(self._seconds)
        self._silence = SilenceWatch(self, self._health)
        self._state = 'unconfigured'
        self._fault = ''
        self._enabled = True
        self._settings: NodeSettings | None = None
        self._networks: FaceNetworks | None = None
        self._outputs: outputs.Outputs | None = None
        self._frames: FrameProcessor | None = None
        self._input: ImageInput | None = None
        self._enable_service = self._demand_timer = None
        faults = declare_parameters(self)
        self._changes = ParameterChanges(self, self._prepare, self._report)
        self._changes.faults = faults
        self._diagnostics = Diagnostics(self, self._health, self._describe)
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
        if clock.ros_time_is_active:
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
            self._settings = settings = settings_from(read_values(self))
            self._networks = FaceNetworks.load(settings.pipeline)
            self._outputs = outputs.Outputs(self, settings, self._update_input)
            if self._outputs.polled:
                self._demand_timer = self.create_timer(
                    DEMAND_PERIOD_S,
                    self._update_input,
                    clock=Clock(clock_type=ClockType.STEADY_TIME),
                )
            self._frames = FrameProcessor(
                self.get_clock(), self._health, self._outputs, self._report
            )
            self._frames.configure(settings, self._networks, ImageDecoder(settings.max_image_size))
            self._input = ImageInput(self, settings, self._frames.receive)
            self._enable_service = self.create_service(SetBool, '~/enable', self._on_enable)
        except FacePerceptionError as error:
            return self._fail_to_configure(str(error))
        except Exception as error:  # the node stays alive whatever libraries do
            return self._fail_to_configure(f'{error!r}: please report this to the maintainers')
        self._changes.configured = True
        self._fault = ''
        self._state = 'inactive'
        return super().on_configure(state)

    def _fail_to_configure(self, reason: str) -> TransitionCallbackReturn:
        self._release()
        self._fault = reason
        self._health.error('configuration', reason)
        self.get_logger().error(f'not configured: {one_line(reason)}')
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to work, and subscribe if anybody listens."""
        result = super().on_activate(state)
        try:
            self._health.restart()
            self._frames.reset()
            self._frames.start()
            self._state = 'active'
            self._update_input()
        except Exception as error:  # rclpy would swallow it
            self._fault = f'{error!r}: please report this to the maintainers'
            return TransitionCallbackReturn.ERROR
        self.get_logger().info(
            f"active: looking for faces on '{self._input.topic}' ({self._settings.image_transport})"
        )
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
        if self._input is not None:
            self._input.unsubscribe()
        if self._frames is not None:
            self._frames.stop()

    def _release(self) -> None:
        self._changes.configured = False
        if self._enable_service is not None:
            self.destroy_service(self._enable_service)
        if self._demand_timer is not None:
            self.destroy_timer(self._demand_timer)
        if self._outputs is not None:
            self._outputs.destroy()
        self._enable_service = self._demand_timer = None
        self._outputs = self._frames = self._input = None
        self._networks = self._settings = None

    # What comes from outside

    def _update_input(self) -> None:
        """Subscribe to the images while somebody wants what they give."""
        if self._state != 'active':
            return
        try:
            self._subscribe_or_not()
        except Exception as error:  # called by the middleware: it would end the node
            self._report(
                'internal',
                f'the images cannot be subscribed to ({error!r}): '
                'please report this to the maintainers',
            )

    def _subscribe_or_not(self) -> None:
        wanted = self._enabled and (not self._settings.lazy or self._outputs.wanted())
        if wanted == self._input.subscribed:
            return
        if wanted:
            self._health.forget_times()
            self._frames.forget_gaps()
            self._silence.restart()
            self._input.subscribe()
        else:
            self._input.unsubscribe()
            self._frames.say_nobody()
        self.get_logger().debug('subscribed' if wanted else 'unsubscribed')

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        self._update_input()
        response.success = True
        response.message = 'enabled' if self._enabled else 'disabled: no images are subscribed to'
        return response

    def _prepare(self, values: dict[str, Value]):
        """Load what other parameters ask for; return what puts it to use between two images."""
        settings = settings_from(values)
        networks = FaceNetworks.load(settings.pipeline, self._networks, self._settings.pipeline)

        def apply() -> None:
            self._settings, self._networks = settings, networks
            self._frames.configure(settings, networks, ImageDecoder(settings.max_image_size))
            self._input.configure(settings)
            self._update_input()

        return apply

    def _before_time_jump(self) -> None:
        """Mark the images of the time that ends."""
        if self._frames is not None:
            self._frames.end_epoch()

    def _on_time_jump(self, jump) -> None:
        """Begin anew when time was set back, or another clock is used."""
        if self._frames is not None:
            self._frames.reset()
        # Last: the image that was in work has been counted by now.
        self._health.forget_times()

    # What is said about it

    def report_internal(self, message: str) -> None:
        """Count and log what no program should cause; it must not end the node."""
        self._report('internal', message)

    def _report(self, kind: str, message: str) -> None:
        if self._health.error(kind, message) and self.context.ok():
            self.get_logger().error(one_line(message))

    def _describe(self) -> tuple[bytes, str, dict[str, str]]:
        """Return level, message and values for /diagnostics."""
        level, message = DiagnosticStatus.OK, self._state
        if self._fault:
            level, message = DiagnosticStatus.ERROR, f'unconfigured: {self._fault}'
        elif self._state == 'active' and not self._input.subscribed:
            message = (
                'active, idle: nobody subscribes to an output'
                if self._enabled
                else 'active, disabled by ~/enable'
            )
        elif self._state == 'active':
            silence = self._silence.sentence(self._input, self._settings)
            if silence:
                self._frames.say_nobody()
                level, message = DiagnosticStatus.ERROR, silence
        values = {'state': self._state}
        if self._networks is not None:
            values |= model_values(self._networks, self._settings.pipeline.detector_type)
        return level, message, values


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the process's exit code."""
    # From rclpy.init on rclpy's own handlers end spinning, then call this one.  An exception
    # could come anywhere, such as in a destructor of rclpy's, where nobody can catch it.
    interrupts = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    warnings: list[str] = []
    node = executor = None
    try:
        prepare(warnings.append)
        node = begin(args, FacePerceptionNode)
        for warning in warnings:
            node.get_logger().warning(warning)
        executor = SteadyExecutor(node.report_internal)
        executor.add_node(node)
        node.autostart()
        if not interrupts:
            executor.spin()
    except StartError as error:
        print(f'face_perception_node: {error}', file=sys.stderr)
        return 1
    except ExternalShutdownException:
        pass
    except Exception:
        # A callback that was at work when the signal came finds its publishers gone.
        if rclpy.ok():
            raise
    finally:
        if executor is not None:
            executor.shutdown()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
