"""Which time a node lives in."""

from __future__ import annotations

from rclpy.clock import Clock, ROSClock
from rclpy.node import Node

#: What is said to who lives in simulated time that nobody gives.
NO_CLOCK = (
    'use_sim_time is true, but nobody publishes /clock: start the simulation, play the bag with '
    '--clock, or set use_sim_time to false'
)


def is_simulated(clock: Clock) -> bool:
    """Return whether ``clock`` follows the topic ``/clock`` at present."""
    return isinstance(clock, ROSClock) and clock.ros_time_is_active


def is_without_clock(node: Node) -> bool:
    """Return whether ``node`` lives in simulated time that nobody gives, or no longer."""
    return is_simulated(node.get_clock()) and not node.count_publishers('/clock')
