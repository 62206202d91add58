"""Why no image arrives: the likely cause and its remedy."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node
from rclpy.qos import QoSReliabilityPolicy

from ..image_input import ImageInput
from ..parameters import NodeSettings, QosSettings
from .health import Health


@dataclass(frozen=True)
class Cause:
    """Why no image arrives: ``kind`` tells causes apart, ``sentence`` is for the user."""

    kind: str
    sentence: str


class SilenceWatch:
    """Says why no image came for long: each cause once in the log, until one comes again."""

    def __init__(self, node: Node, health: Health):
        self._node = node
        self._health = health
        self.restart()

    def restart(self) -> None:
        """Forget what was said."""
        self._said = ''

    def sentence(self, source: ImageInput, settings: NodeSettings) -> str:
        """Return why no image came for ``no_image_timeout`` seconds, or ``''``."""
        seconds = self._health.silence()
        if seconds < settings.no_image_timeout:
            if self._said:
                self._node.get_logger().info('images arrive again')
            self._said = ''
            return ''
        cause = explain_silence(
            self._node,
            source.topic,
            f'sensor_msgs/msg/{source.message_type.__name__}',
            settings.image_qos,
        )
        sentence = f'no image for {seconds:.0f} s: {cause.sentence}'
        if cause.kind != self._said:
            self._said = cause.kind
            self._health.error('no image', cause.sentence)
            self._node.get_logger().warning(sentence)
        return sentence


def explain_silence(node: Node, topic: str, message_type: str, qos: QosSettings) -> Cause:
    """
    Return why a subscription to ``topic`` hears nothing.

    ``message_type`` is the one subscribed to, such as ``sensor_msgs/msg/Image``.
    """
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        others = _other_topics(node, topic)
        return Cause(
            'remap' if others else 'no publisher',
            f"nobody publishes on '{topic}': start the camera{others}",
        )
    if not any(publisher.topic_type == message_type for publisher in publishers):
        return Cause(
            'type',
            f"'{topic}' carries {publishers[0].topic_type}, not {message_type}: correct "
            "the remapping, or the parameter image_transport ('raw' or 'compressed')",
        )
    if qos.reliability == 'reliable' and all(
        publisher.qos_profile.reliability == QoSReliabilityPolicy.BEST_EFFORT
        for publisher in publishers
    ):
        return Cause(
            'reliability',
            f"the publisher of '{topic}' is best effort and this node asks for "
            'reliable, which never match: set the parameter qos.image.reliability to '
            "'best_effort'",
        )
    return Cause(
        'lost',
        f"'{topic}' has a publisher but no image arrives: the camera may be idle, or its "
        'images are larger than the default shared memory of Fast DDS and get lost: start '
        "the camera's process with FASTDDS_DEFAULT_PROFILES_FILE (Kilted and later) or "
        "FASTRTPS_DEFAULT_PROFILES_FILE (Humble, Jazzy) set to this package's "
        'config/fastdds_large_images.xml, or use image_transport compressed',
    )


def _other_topics(node: Node, topic: str) -> str:
    """Name the image topics that do exist: a forgotten remapping is the usual cause."""
    images = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
    own = node.get_fully_qualified_name() + '/'
    names = sorted(
        name
        for name, types in node.get_topic_names_and_types()
        if name != topic
        and not name.startswith(own)
        and any(t in images for t in types)
        and node.count_publishers(name)
    )
    if not names:
        return ''
    listed = ', '.join(names[:5]) + (', …' if len(names) > 5 else '')
    return f"; images are published on {listed}: remap 'image' to the one you want"
