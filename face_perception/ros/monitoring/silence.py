"""Why no image arrives: the likely cause and its remedy."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rclpy import get_rmw_implementation_identifier
from rclpy.node import Node
from rclpy.qos import QoSReliabilityPolicy

from ...core.text import value
from ..image_input import ImageInput
from ..settings import NodeSettings, QosSettings
from ..shared_memory import shortage
from ..transport import is_fast_dds, loss_remedy
from .health import LOG_PERIOD_S, Health

RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
#: Of the errors that are counted here.
KIND = 'no image'
#: What a compressed topic's name adds to that of the raw one, as image_transport has it.
SUFFIX = '/compressed'
#: Topics that a sentence names at most.
MOST_NAMES = 5


@dataclass(frozen=True)
class Cause:
    """Why no image arrives: ``kind`` tells causes apart, ``sentence`` is for the user."""

    kind: str
    sentence: str


class SilenceWatch:
    """
    Says why no image came for long: each cause once in the log, until one comes again.

    Once a minute at most: a camera may be slower than images are waited for.
    """

    def __init__(self, node: Node, health: Health):
        self._node = node
        self._health = health
        #: When each kind of cause was logged.
        self._logged: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        """Forget what was said."""
        self._said, self._received, self._is_logged = '', 0, False

    def sentence(self, source: ImageInput, settings: NodeSettings) -> str:
        """Return why no image came for ``no_image_timeout`` seconds, or ``''``."""
        seconds = self._health.silence()
        if seconds < settings.no_image_timeout:
            # Else time was set.
            if self._said and self._health.received > self._received:
                self._health.is_over(KIND)
                if self._is_logged:
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
        self._received = self._health.received
        if cause.kind != self._said:
            self._said = cause.kind
            self._health.error(KIND, cause.sentence)
            now = time.monotonic()
            self._is_logged = now - self._logged.get(cause.kind, float('-inf')) >= LOG_PERIOD_S
            if self._is_logged:
                self._logged[cause.kind] = now
                self._node.get_logger().warning(sentence)
        return sentence


def explain_silence(node: Node, topic: str, message_type: str, qos: QosSettings) -> Cause:
    """
    Return why a subscription to ``topic`` hears nothing.

    ``message_type`` is the one subscribed to, such as ``sensor_msgs/msg/Image``.
    """
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        others = other_topics(node, topic, message_type)
        return Cause(
            'remap' if others else 'no publisher',
            f"nobody publishes on '{topic}': start the camera{others}",
        )
    if not any(publisher.topic_type == message_type for publisher in publishers):
        return Cause(
            'type',
            f"'{topic}' carries {value(publishers[0].topic_type)}, not {message_type}: correct "
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
    middleware = get_rmw_implementation_identifier()
    if is_fast_dds(middleware) and (sentence := shortage()):
        return Cause('shared memory', f"'{topic}' has a publisher but no image arrives: {sentence}")
    return Cause(
        'lost',
        f"'{topic}' has a publisher but no image arrives: the camera may be idle, or "
        + loss_remedy(middleware),
    )


def other_topics(node: Node, topic: str, message_type: str) -> str:
    """Say which image topics do exist, and how to come to the likeliest; ``''`` without any."""
    own = f'{node.get_fully_qualified_name()}/image_annotated'
    found = {}
    for name, types in node.get_topic_names_and_types():
        kind = next((kind for kind in (RAW, COMPRESSED) if kind in types), None)
        if kind and name not in (topic, own) and node.count_publishers(name):
            found[name] = kind
    if not found:
        return ''
    remapped = node.resolve_topic_name('image')
    # The same camera in another form first, then what this node could subscribe to as it is.
    names = sorted(
        found,
        key=lambda name: (
            name.removesuffix(SUFFIX) != remapped.removesuffix(SUFFIX),
            found[name] != message_type,
            name,
        ),
    )
    listed = ', '.join(map(value, names[:MOST_NAMES])) + (', …' if len(names) > MOST_NAMES else '')
    way = way_to(names[0], found[names[0]], remapped, message_type)
    return f'; images are published on {listed}: {way}' + (' for the first' if names[1:] else '')


def way_to(name: str, kind: str, remapped: str, message_type: str) -> str:
    """Say what to set so that a node that is remapped to ``remapped`` takes the topic ``name``."""
    transport = 'compressed' if kind == COMPRESSED else 'raw'
    setting = f"set the parameter image_transport to '{transport}'"
    base = name.removesuffix(SUFFIX) if kind == COMPRESSED else name
    if kind == COMPRESSED and base == name:  # the node always adds the suffix
        remapping = f"remap '{value(remapped)}{SUFFIX}' to it"
    elif base == remapped:
        return setting
    else:
        remapping = "remap 'image' to " + ('it' if base == name else f"'{value(base)}'")
    return remapping if kind == message_type else f'{setting} and {remapping}'
