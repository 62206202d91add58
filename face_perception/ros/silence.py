"""Why no image arrives: the likely cause and its remedy."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import QoSReliabilityPolicy

from .parameters import QosSettings


def explain_silence(node: Node, topic: str, message_type: str, qos: QosSettings) -> str:
    """
    Return one sentence about why a subscription to ``topic`` hears nothing.

    ``message_type`` is the one subscribed to, such as ``sensor_msgs/msg/Image``.
    """
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        return f"nobody publishes on '{topic}': start the camera{_other_topics(node, topic)}"
    if not any(publisher.topic_type == message_type for publisher in publishers):
        return (f"'{topic}' carries {publishers[0].topic_type}, not {message_type}: "
                "correct the remapping, or the parameter image_transport ('raw' or 'compressed')")
    if qos.reliability == 'reliable' and all(
            publisher.qos_profile.reliability == QoSReliabilityPolicy.BEST_EFFORT
            for publisher in publishers):
        return (f"the publisher of '{topic}' is best effort and this node asks for reliable, "
                "which never match: set the parameter qos.image.reliability to 'best_effort'")
    return (f"'{topic}' has a publisher but no image arrives: the camera may be idle, or its "
            'images are larger than the default shared memory of Fast DDS and get lost: start '
            "the camera's process with FASTDDS_DEFAULT_PROFILES_FILE (Kilted and later) or "
            "FASTRTPS_DEFAULT_PROFILES_FILE (Humble, Jazzy) set to this package's "
            'config/fastdds_large_images.xml, or use image_transport compressed')


def _other_topics(node: Node, topic: str) -> str:
    """Name the image topics that do exist: a forgotten remapping is the usual cause."""
    images = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
    own = node.get_fully_qualified_name() + '/'
    names = [name for name, types in node.get_topic_names_and_types()
             if name != topic and not name.startswith(own) and any(t in images for t in types)
             and node.count_publishers(name)]
    return f"; images are published on {', '.join(sorted(names))}: remap 'image'" if names else ''
