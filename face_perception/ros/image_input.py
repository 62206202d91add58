"""The subscription to the camera, which exists only while somebody wants its images."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from .clocks import is_simulated
from .quality import reliability_of
from .receiver import Receiver, Subscribed
from .settings import NodeSettings, QosSettings


def profile(settings: QosSettings) -> QoSProfile:
    """Return the QoS profile that parameters describe."""
    return QoSProfile(depth=settings.depth, reliability=reliability_of(settings.reliability))


class ImageInput:
    """Subscribes and unsubscribes; the topic follows from the settings and remappings."""

    def __init__(
        self,
        node: Node,
        settings: NodeSettings,
        on_image: Callable[..., None],
        report: Callable[[str, str], None],
    ):
        """
        Subscribe to nothing yet.

        ``on_image`` may be called in a thread of its own, and then gets the message's number too;
        ``report`` is as of ``Receiver``.
        """
        self._node = node
        self._settings = settings
        self._on_image, self._report = on_image, report
        self._receiver: Receiver | Subscribed | None = None

    @property
    def subscribed(self) -> bool:
        """Return whether images can come."""
        return self._receiver is not None

    @property
    def message_type(self) -> type:
        """Return the type of the messages."""
        return CompressedImage if self._settings.image_transport == 'compressed' else Image

    @property
    def topic(self) -> str:
        """Return the full name of the topic."""
        topic = self._node.resolve_topic_name('image')
        if self.message_type is Image:
            return topic
        # Beside the raw topic, wherever that is remapped to, as image_transport has it; and this
        # name may be remapped itself.
        return self._node.resolve_topic_name(f'{topic}/compressed')

    def subscribe(self) -> None:
        """Let images come."""
        if self._receiver is None:
            arguments = (
                self._node,
                self.message_type,
                self.topic,
                self._on_image,
                profile(self._settings.image_qos),
            )
            # Simulated time comes through the executor: no image may overtake it.
            self._receiver = (
                Subscribed(*arguments)
                if is_simulated(self._node.get_clock())
                else Receiver(*arguments, self._report)
            )

    def unsubscribe(self) -> None:
        """Let no more images come."""
        if self._receiver is not None:
            self._receiver.destroy()
            self._receiver = None

    def configure(self, settings: NodeSettings) -> None:
        """Take on new settings, with a new subscription where they ask for one."""
        former, self._settings = self._settings, settings
        if self.subscribed and (former.image_transport, former.image_qos) != (
            settings.image_transport,
            settings.image_qos,
        ):
            self._again()

    def change_clock(self) -> None:
        """Subscribe anew where another clock is used than before."""
        simulated = is_simulated(self._node.get_clock())
        if self._receiver is not None and simulated != isinstance(self._receiver, Subscribed):
            self._again()

    def _again(self) -> None:
        self.unsubscribe()
        self.subscribe()
