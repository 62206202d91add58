"""Ctrl-C and its like as a question, so that a program ends where it can."""

from __future__ import annotations

import signal
from collections.abc import Callable


def catch_signals() -> Callable[[], bool]:
    """
    Turn the first SIGINT, SIGTERM or SIGHUP into a flag and return how to ask for it.

    What ``nohup`` lets it ignore stays ignored.
    """
    caught = []

    def catch(number: int, frame) -> None:
        caught.append(number)
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once

    signal.signal(signal.SIGINT, catch)
    signal.signal(signal.SIGTERM, catch)
    hangup = getattr(signal, 'SIGHUP', None)  # not on Windows
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        signal.signal(hangup, catch)
    return lambda: bool(caught)
