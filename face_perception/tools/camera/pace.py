"""A steady beat on the monotonic clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """
    Ticks ``rate`` times a second without drift.

    Ticks that were missed in a stall are left out, not caught up in a burst.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic):
        self._period = 1 / rate
        self._clock = clock
        self._due = clock()

    def delay(self) -> float:
        """Return the seconds until the next tick, 0 when it is due, and count it as taken."""
        now = self._clock()
        missed = max(int((now - self._due) / self._period), 0)
        tick = self._due + missed * self._period
        self._due = tick + self._period
        return max(tick - now, 0.0)

    def wait(self, stop: threading.Event) -> bool:
        """Wait for the next tick; return False when ``stop`` was set."""
        return not stop.wait(self.delay())

    def skips(self) -> bool:
        """Return whether an image that comes now is too early for the rate."""
        # Half a period of tolerance: a webcam is never quite on time.
        if self._clock() < self._due - self._period / 2:
            return True
        self.delay()
        return False
