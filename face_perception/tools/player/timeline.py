"""The time of a recording, as it passes again."""

from __future__ import annotations

import time
from collections.abc import Callable

#: A player that is later than this, in seconds, lets the recording's time wait for it.
MOST_LATE_S = 0.1
NANOSECONDS = 1_000_000_000


class Timeline:
    """
    Recorded time that runs at ``rate`` seconds per second from the first ``delay`` on.

    Whoever cannot keep up plays slower: nothing is played in a burst, and the recorded time
    never runs ahead of what is shown.
    """

    def __init__(self, start_ns: int, rate: float, clock: Callable[[], float] = time.monotonic):
        """``start_ns`` is the recorded time at which it begins."""
        self._rate, self._clock = rate, clock
        self._origin_ns = start_ns
        self._began: float | None = None

    def now_ns(self) -> int:
        """Return the recorded time of this moment."""
        if self._began is None:
            self._began = self._clock()
        passed = (self._clock() - self._began) * self._rate
        return self._origin_ns + round(passed * NANOSECONDS)

    def delay(self, time_ns: int) -> float:
        """
        Return the seconds until a recorded time is due, 0 when it is.

        Where it is long overdue, time goes on from there.
        """
        left = (time_ns - self.now_ns()) / NANOSECONDS / self._rate
        if left < -MOST_LATE_S:
            self._origin_ns, self._began = time_ns, self._clock()
        return max(left, 0.0)
