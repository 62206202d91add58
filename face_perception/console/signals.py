"""Ctrl-C and its like as a question, so that a program ends where it can."""

from __future__ import annotations

import signal
from collections.abc import Callable


def catch_signals() -> Callable[[], bool]:
    """Turn the first SIGINT or SIGTERM into a flag and return how to ask for it."""
    caught = []

    def catch(number: int, frame) -> None:
        caught.append(number)
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once

    signal.signal(signal.SIGINT, catch)
    signal.signal(signal.SIGTERM, catch)
    return lambda: bool(caught)
