"""What others do that a node gets on with, and its user may not have meant."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.node import Node

#: Seconds for which it must be so: a killed process is still listed for 20 s, and in a start all
#: come in some order.
LASTING_S = 30.0


class Lasting:
    """Says whether something has been so for long, by a clock that nobody sets."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic):
        self._seconds, self._monotonic = seconds, monotonic
        self._since: float | None = None

    def __call__(self, is_so: bool) -> bool:
        """Note whether it is so now; return whether it has been for ``seconds``."""
        if not is_so:
            self._since = None
            return False
        now = self._monotonic()
        if self._since is None:
            self._since = now
        return now - self._since >= self._seconds


class Neighbours:
    """Says when another node has this one's name, or two cameras publish on its topic."""

    def __init__(self, node: Node):
        self._node = node
        self._twins, self._cameras = Lasting(LASTING_S), Lasting(LASTING_S)

    def sentence(self, topic: str) -> str:
        """Return what is so, and what to do, or ``''``; ``topic`` is the camera's, or ``''``."""
        own = (self._node.get_name(), self._node.get_namespace())
        nodes = self._node.get_node_names_and_namespaces().count(own)
        cameras = self._node.count_publishers(topic) if topic else 0
        twins, several = self._twins(nodes > 1), self._cameras(cameras > 1)
        if twins:
            return (
                f'{nodes} nodes have the name {self._node.get_fully_qualified_name()}, so that '
                'faces come twice and parameters reach any of them: end all but one, or give each '
                'a namespace or name of its own'
            )
        if several:
            return (
                f"{cameras} publishers send images on '{topic}', and their faces are taken for "
                'those of one camera: end all but one, or start a node for each'
            )
        return ''
