"""Which time a node lives in."""

from __future__ import annotations

from rclpy.clock import Clock, ROSClock


def is_simulated(clock: Clock) -> bool:
    """Return whether ``clock`` follows the topic ``/clock`` at present."""
    return isinstance(clock, ROSClock) and clock.ros_time_is_active
