"""A steady beat on the monotonic clock, and whether it is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Seconds over which images are counted, and how many of them at least.
COUNTED_S, COUNTED = 5.0, 10
#: A smaller share of what was wanted is too few, if it is twice in a row: once may be a stall.
ENOUGH = 0.8


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


class Shortfall:
    """Tells when there are fewer images a second than ``rate``, once."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic):
        self._rate, self._clock = rate, clock
        self._period = max(COUNTED_S, COUNTED / rate)
        self._start: float | None = None
        self._count = 0
        self._was_short = self._told = False

    def found(self) -> float:
        """Count an image; return how many there are a second where those are too few, else 0."""
        now = self._clock()
        if self._start is None:
            self._start = now
            return 0.0
        self._count += 1
        if (passed := now - self._start) < self._period:
            return 0.0
        real = self._count / passed
        self._start, self._count = now, 0
        was_short, self._was_short = self._was_short, real < ENOUGH * self._rate
        if self._told or not (was_short and self._was_short):
            return 0.0
        self._told = True
        return real
