"""The demo keeps to itself, and says so where it cannot."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

from rclpy.node import Node

from ...core.errors import FacePerceptionError

#: The largest domain id whose ports lie below those that Linux gives out itself.
LARGEST_DOMAIN_ID = 101


class OthersError(FacePerceptionError):
    """Somebody else takes part."""


def keep_to_this_machine() -> None:
    """Let this process and its children talk to nobody else, unless the user chose a domain."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(random.randint(1, LARGEST_DOMAIN_ID)))
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if os.environ.get('ROS_DISTRO') == 'humble':  # before there was a discovery range
        os.environ['ROS_LOCALHOST_ONLY'] = '1'


def check_alone(observer: Node, topics: Sequence[str]) -> None:
    """
    Raise ``OthersError`` where a topic has more than one publisher.

    What others say would be counted too, and their node would see the demo's images.
    """
    for topic in topics:
        if observer.count_publishers(topic) > 1:
            domain = os.environ.get('ROS_DOMAIN_ID', '0')
            raise OthersError(
                f'somebody else, such as another demo, publishes on {topic} in ROS domain {domain} '
                'too: end that, or set ROS_DOMAIN_ID to another number for the demo'
            )
