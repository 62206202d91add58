"""
Ctrl-C that nothing swallows.

A ``KeyboardInterrupt`` that comes while rclpy turns a message into Python, or back, leaves it as
another exception, such as a ``TypeError``: who takes that for a damaged message would go on.
"""

from __future__ import annotations

import signal
from types import FrameType

_came: list[int] = []


def end_on_signals() -> None:
    """Let SIGINT and SIGTERM raise ``KeyboardInterrupt``, and remember that one came."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _remember)


def check() -> None:
    """Raise ``KeyboardInterrupt`` if a signal came, also where its own was swallowed."""
    if _came:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _came.append(number)
    raise KeyboardInterrupt
