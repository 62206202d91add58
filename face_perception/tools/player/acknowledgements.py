"""Whether a node has answered the image that it was shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from std_msgs.msg import Header

from ...media.errors import SourceError
from ...msg import FaceArray
from ..found import FACES_TYPE, UNKNOWN


class Acknowledgements:
    """
    Listens to the faces of one or more nodes, and tells which images each of them answers.

    A node answers the images of the topics that it subscribes to: the graph says which.
    """

    def __init__(self, node: Node, topics: Sequence[str], images: dict[str, Publisher]):
        """
        ``topics`` are the faces, ``images`` the publishers by their topic in the bag.

        Raises ``SourceError`` for a topic that cannot be one of faces.
        """
        self._node, self._images = node, images
        self._subscriptions = [self._subscribe(index, topic) for index, topic in enumerate(topics)]
        self._links: dict[str, set[int]] = {}
        self._header: Header | None = None
        self._missing: set[int] = set()

    def _subscribe(self, index: int, topic: str) -> Subscription:
        try:
            return self._node.create_subscription(
                FaceArray, topic, partial(self._on_faces, index), QoSProfile(depth=10)
            )
        except Exception as error:  # no name of a topic, or one with another type in this process
            reason = ' '.join(str(error).split())
            raise SourceError(
                f"'{topic}' cannot be listened to ({reason}): name the topic of "
                "the node's faces with --wait-for"
            ) from error

    def connect(self) -> str:
        """
        Look who answers which images; return why somebody cannot yet, or ``''``.

        Raises ``SourceError`` where that cannot change.
        """
        self._links = {topic: set() for topic in self._images}
        for index, subscription in enumerate(self._subscriptions):
            fault = self._connect(index, subscription.topic_name)
            if fault:
                return fault
        return ''

    def _connect(self, index: int, faces: str) -> str:
        publishers = self._node.get_publishers_info_by_topic(faces)
        if not publishers:
            return (
                f"nobody publishes on '{faces}': start face_perception_node, or name the "
                'topic of its faces with --wait-for'
            )
        if all(one.topic_type != FACES_TYPE for one in publishers):
            raise SourceError(
                f"'{faces}' carries {publishers[0].topic_type}, not {FACES_TYPE}: name the topic "
                "of the node's faces with --wait-for"
            )
        if not (nodes := _nodes(publishers)):
            return f"the node that publishes on '{faces}' has not said its name yet: try again"
        topics = [
            topic
            for topic, publisher in self._images.items()
            if publisher.get_subscription_count()
            and nodes & _nodes(self._node.get_subscriptions_info_by_topic(publisher.topic_name))
        ]
        if not topics:
            played = ', '.join(publisher.topic_name for publisher in self._images.values())
            return (
                f"the node that publishes on '{faces}' subscribes to none of {played}: start "
                f'it with -r image:=<topic>, and for compressed images with -p '
                'image_transport:=compressed'
            )
        for topic in topics:
            self._links[topic].add(index)
        return ''

    def gone(self) -> str:
        """Return why no answer can come any more, or ``''``."""
        for subscription in self._subscriptions:
            if not self._node.count_publishers(subscription.topic_name):
                return f"the node that published on '{subscription.topic_name}' has ended"
        return ''

    def expect(self, topic: str, header: Header) -> None:
        """Wait from now on for the answers to the image of this header."""
        self._header, self._missing = header, set(self._links[topic])

    @property
    def complete(self) -> bool:
        """Return whether all that can answer have answered."""
        return not self._missing

    @property
    def missing(self) -> str:
        """Return the topics on which no answer came."""
        return ', '.join(
            f"'{self._subscriptions[index].topic_name}'" for index in sorted(self._missing)
        )

    def _on_faces(self, index: int, message: FaceArray) -> None:
        if message.header == self._header:
            self._missing.discard(index)


def _nodes(endpoints) -> set[tuple[str, str]]:
    """Return namespace and name of the nodes that have these endpoints, as far as known by now."""
    return {(one.node_namespace, one.node_name) for one in endpoints if one.node_name != UNKNOWN}
