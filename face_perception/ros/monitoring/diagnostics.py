"""What /diagnostics says: the node's state, in levels with documented thresholds."""

from __future__ import annotations

import time
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from ...core.networks import FaceNetworks
from ..clocks import NO_CLOCK, is_without_clock
from .health import LOG_PERIOD_S, Health
from .neighbours import Lasting, Neighbours

PERIOD_S = 1.0
#: Seconds that /clock may be missing before the log says so: all is started in some order.
CLOCK_PATIENCE_S = 5.0


class Diagnostics:
    """
    Publishes the node's status once a second.

    Its stamp, rates and ages are on the node's own clock. It comes every second of real time,
    so that a paused simulation does not look like a dead node.
    """

    def __init__(self, node: Node, health: Health, describe, camera: Callable[[], str]):
        """
        Begin to publish.

        ``describe()`` returns level, message and values (a dict) of the moment; ``camera()`` the
        topic of the images, ``''`` while none is subscribed to.
        """
        self._node = node
        self._health = health
        self._describe, self._camera = describe, camera
        self._complained = float('-inf')
        self._neighbours = Neighbours(node)
        self._clock_is_missing = Lasting(CLOCK_PATIENCE_S)
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        node.create_timer(PERIOD_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _publish(self) -> None:
        level, message, values = self._describe()
        clock = self._node.get_clock()
        without_clock = is_without_clock(self._node)
        concern = NO_CLOCK if without_clock else self._neighbours.sentence(self._camera())
        if concern and level == DiagnosticStatus.OK:
            level, message = DiagnosticStatus.WARN, concern
        name = self._node.get_fully_qualified_name()
        status = self._health.status(
            f'face_perception: {name}',
            self._node.resolve_topic_name('image'),
            level,
            message,
            values,
        )
        lasts = self._clock_is_missing(without_clock) or not without_clock
        self._log_complaint(concern if lasts else '')
        array = DiagnosticArray(status=[status])
        array.header.stamp = clock.now().to_msg()
        self._publisher.publish(array)

    def _log_complaint(self, concern: str) -> None:
        """Warn of a concern, or of dropped or lost images, in the log too, once a minute."""
        complaint = concern or self._health.complaint()
        if complaint and time.monotonic() - self._complained >= LOG_PERIOD_S:
            self._complained = time.monotonic()
            self._node.get_logger().warning(complaint)


def model_values(networks: FaceNetworks, detector_type: str) -> dict[str, str]:
    """Return which detector and models are in use, with checksums."""
    detector = detector_type
    if model := getattr(networks.detector, 'model', None):
        detector += f', {_model_value(model)}'
    models = {'emotion': networks.emotion, 'gender': networks.gender}
    return {'detector': detector, 'detector input size (px)': str(networks.detector.input_size)} | {
        f'model {task}': _model_value(used.model) if used else 'off'
        for task, used in models.items()
    }


def _model_value(model) -> str:
    name = f'{model.path.name} {model.version}'.strip()
    return f'{name}, SHA-256 {model.sha256[:12]}'
