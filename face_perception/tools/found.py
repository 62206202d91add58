"""Which nodes of this package are running."""

from __future__ import annotations

from rclpy.node import Node

FACES_TYPE = 'face_perception/msg/FaceArray'
#: What to do where there is none.
NONE_FOUND = (
    'start face_perception_node with the same ROS_DOMAIN_ID, on this machine or its network'
)


def find_nodes(observer: Node) -> list[str]:
    """Return the full names of the nodes that publish faces, as ``observer`` knows them by now."""
    return sorted(
        topic.removesuffix('/faces')
        for topic, kinds in observer.get_topic_names_and_types()
        if FACES_TYPE in kinds and topic.endswith('/faces') and observer.count_publishers(topic)
    )
