"""Which nodes of this package are running, and what they are called."""

from __future__ import annotations

from rclpy.exceptions import NameValidationException
from rclpy.node import Node
from rclpy.validate_full_topic_name import validate_full_topic_name

from ..core.errors import FacePerceptionError
from ..core.text import value

FACES_TYPE = 'face_perception/msg/FaceArray'
LATENCY_TYPE = 'face_perception/msg/PipelineLatency'
#: What to do where there is none.
NONE_FOUND = (
    'start face_perception_node with the same ROS_DOMAIN_ID, on this machine or its network'
)
#: What rmw calls a node whose topics were announced before itself.
UNKNOWN = '_NODE_NAME_UNKNOWN_'


class NodeNameError(FacePerceptionError):
    """No node can have this name."""


def full_name(text: str) -> str:
    """Return the full name of a node that a user gives; raises ``NodeNameError``."""
    name = '/' + text.strip('/')
    try:
        validate_full_topic_name(name)
    except NameValidationException as error:
        reason = str(error).partition('\n')[0]
        raise NodeNameError(
            f"'{value(text)}' is no name of a node ({reason}): give the full one, such as "
            '/left/face_perception'
        ) from None
    return name


def find_nodes(observer: Node) -> list[str]:
    """
    Return the full names of the nodes that run, as ``observer`` knows them by now.

    By what they publish, whatever their topics are called.  Faces alone may be those that somebody
    else passes on.
    """
    names = {
        f'{one.node_namespace.rstrip("/")}/{one.node_name}'
        for topic, kinds in observer.get_topic_names_and_types()
        if FACES_TYPE in kinds
        for one in observer.get_publishers_info_by_topic(topic)
        if one.topic_type == FACES_TYPE and one.node_name != UNKNOWN
    }
    return sorted(name for name in names if LATENCY_TYPE in outputs_of(observer, name))


def outputs_of(observer: Node, name: str) -> dict[str, str]:
    """Return the topics of the node with this full name by their types, as known by now."""
    namespace, _, own = name.rpartition('/')
    try:
        topics = observer.get_publisher_names_and_types_by_node(own, namespace or '/')
    except Exception:  # rclpy's NodeNameNonExistentError: the node is gone, or has yet to come
        return {}
    return {kind: topic for topic, kinds in topics for kind in kinds}
