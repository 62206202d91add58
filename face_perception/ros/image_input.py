"""The subscription to the camera, which exists only while somebody wants its images."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from .quality import reliability_of
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
        on_image: Callable[[Image | CompressedImage], None],
    ):
        self._node = node
        self._settings = settings
        self._on_image = on_image
        self._subscription: Subscription | None = None

    @property
    def subscribed(self) -> bool:
        """Return whether images can come."""
        return self._subscription is not None

    @property
    def message_type(self) -> type:
        """Return the type of the messages."""
        return CompressedImage if self._settings.image_transport == 'compressed' else Image

    @property
    def topic(self) -> str:
        """Return the full name of the topic."""
        topic = self._node.resolve_topic_name('image')
        # Beside the raw topic, wherever that is remapped to, as image_transport has it.
        return f'{topic}/compressed' if self.message_type is CompressedImage else topic

    def subscribe(self) -> None:
        """Let images come."""
        if self._subscription is None:
            self._subscription = self._node.create_subscription(
                self.message_type, self.topic, self._on_image, profile(self._settings.image_qos)
            )

    def unsubscribe(self) -> None:
        """Let no more images come."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def configure(self, settings: NodeSettings) -> None:
        """Take on new settings, with a new subscription where they ask for one."""
        former, self._settings = self._settings, settings
        if self.subscribed and (former.image_transport, former.image_qos) != (
            settings.image_transport,
            settings.image_qos,
        ):
            self.unsubscribe()
            self.subscribe()
