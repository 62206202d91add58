"""What the node has while it is configured."""

from __future__ import annotations

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from std_srvs.srv import SetBool

from ..core.networks import FaceNetworks
from .frames import FrameProcessor
from .image_input import ImageInput
from .monitoring.diagnostics import model_values
from .monitoring.health import Health
from .monitoring.silence import SilenceWatch
from .outputs.topics import Outputs
from .parameters import Value
from .settings import NodeSettings, settings_from

#: Where nobody tells of subscribers, the node looks so often, in seconds.
DEMAND_PERIOD_S = 0.5


class Configured:
    """
    Models, publishers and service, the worker, and the subscription to the camera.

    It exists while the node is configured.  It works between ``start`` and ``stop``, and then
    subscribes to the images while it is ``enabled`` and somebody wants what they give.
    """

    def __init__(
        self,
        node: LifecycleNode,
        settings: NodeSettings,
        enabled: bool,
        health: Health,
        report: Callable[[str, str], None],
    ):
        """
        Load the models and create the publishers.

        ``report`` gets a kind and a sentence for each fault.  Raises ``FacePerceptionError``
        where the settings cannot be met; nothing is left then.
        """
        self._node, self._health, self._report = node, health, report
        self._settings, self._works = settings, False
        self.enabled = enabled
        self._networks = FaceNetworks.load(settings.pipeline)
        self._silence = SilenceWatch(node, health)
        self._outputs = Outputs(node, settings, self.update_input)
        self._enable_service = self._demand_timer = None
        try:
            self._frames = FrameProcessor(
                node.get_clock(), health, self._outputs, report, settings, self._networks
            )
            self._input = ImageInput(node, settings, self._frames.receive, report)
            self._enable_service = node.create_service(SetBool, '~/enable', self._on_enable)
            if self._outputs.polled:
                self._demand_timer = node.create_timer(
                    DEMAND_PERIOD_S,
                    self.update_input,
                    clock=Clock(clock_type=ClockType.STEADY_TIME),
                )
        except BaseException:
            self.destroy()
            raise

    def start(self) -> None:
        """Begin to work, and subscribe if anybody listens."""
        self._health.restart()
        self._frames.reset()
        self._frames.start()
        self._works = True
        self.update_input()
        self._node.get_logger().info(
            f"active: looking for faces on '{self._input.topic}' ({self._settings.image_transport})"
        )

    def stop(self) -> None:
        """Unsubscribe and finish the image in work."""
        self._works = False
        self._input.unsubscribe()
        self._frames.stop()

    def destroy(self) -> None:
        """Free publishers and service; use it no more."""
        if self._enable_service is not None:
            self._node.destroy_service(self._enable_service)
        if self._demand_timer is not None:
            self._node.destroy_timer(self._demand_timer)
        self._outputs.destroy()

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.enabled = request.data
        self.update_input()
        response.success = True
        response.message = 'enabled' if self.enabled else 'disabled: no images are subscribed to'
        return response

    def prepare(self, values: dict[str, Value]) -> Callable[[], None]:
        """Load what other parameters ask for; return what puts it to use between two images."""
        settings = settings_from(values)
        networks = FaceNetworks.load(settings.pipeline, self._networks, self._settings.pipeline)

        def apply() -> None:
            self._settings, self._networks = settings, networks
            self._frames.configure(settings, networks)
            self._input.configure(settings)
            self.update_input()

        return apply

    def before_reset(self) -> None:
        """Mark the images of the time that ends: the clock is about to be set."""
        self._frames.before_reset()

    @property
    def clock_is_restless(self) -> bool:
        """Return whether time is set back again and again."""
        return self._frames.clock_is_restless

    def begin_anew(self) -> None:
        """Forget the faces: time was set back, or another clock is used."""
        self._frames.reset()
        self._input.change_clock()

    def update_input(self) -> None:
        """Subscribe to the images while somebody wants what they give."""
        if not self._works:
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
        wanted = self.enabled and (not self._settings.lazy or self._outputs.wanted())
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
        self._node.get_logger().debug('subscribed' if wanted else 'unsubscribed')

    @property
    def camera(self) -> str:
        """Return the topic of the images, or ``''`` while none is subscribed to."""
        return self._input.topic if self._input.subscribed else ''

    def describe(self) -> tuple[bytes, str]:
        """Return level and message for /diagnostics."""
        if not self._works:
            return DiagnosticStatus.OK, 'inactive'
        if not self.enabled:
            return DiagnosticStatus.OK, 'active, disabled by ~/enable'
        if not self._input.subscribed:
            return DiagnosticStatus.OK, 'active, idle: nobody subscribes to an output'
        if silence := self._silence.sentence(self._input, self._settings):
            self._frames.say_nobody()
            return DiagnosticStatus.ERROR, silence
        return DiagnosticStatus.OK, 'active'

    def values(self) -> dict[str, str]:
        """Return which detector and models are in use, for /diagnostics."""
        return model_values(self._networks, self._settings.pipeline.detector_type)
