"""Quality of service by the names that parameters and options have for it."""

from __future__ import annotations

from rclpy.qos import QoSReliabilityPolicy


def reliability_of(name: str) -> QoSReliabilityPolicy:
    """Return the policy that is called ``best_effort`` or ``reliable``."""
    return QoSReliabilityPolicy(QoSReliabilityPolicy.get_from_short_key(name))
