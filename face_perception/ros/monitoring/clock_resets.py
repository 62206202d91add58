"""Which images are of the time before a jump of the clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from .stamps import FUTURE_STAMP_S

#: Seconds of real time in which images of the time before a jump may still arrive.
STRAY_S = 2.0
#: So many resets within so many seconds of real time: the clock has no rest.
RESTLESS, RESTLESS_S = 3, 5.0


class ClockResets:
    """
    Counts the times that the clock was set back, as a simulation or a bag does that begins anew.

    Clock and images come by separate ways: an image of the time before may be in work when the
    clock changes, may wait, or may even come after it.  ``end`` is called *before* the clock
    changes: who reads the clock first and then finds the same ``current`` has read the time
    before it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self.current = 0
        self._ended_at = 0.0
        self._strays_until = float('-inf')
        self._last: deque[float] = deque(maxlen=RESTLESS)

    def end(self, now_s: float) -> None:
        """Count a reset; ``now_s`` is the time that ends, in seconds."""
        self._ended_at = now_s
        self._strays_until = self._monotonic() + STRAY_S
        self.current += 1
        self._last.append(self._monotonic())

    @property
    def restless(self) -> bool:
        """Return whether the clock is set back again and again, as by two who publish it."""
        return len(self._last) == RESTLESS and self._last[-1] - self._last[0] < RESTLESS_S

    def is_stray(self, stamp_s: float, now_s: float) -> bool:
        """Return whether an image that comes at ``now_s`` was sent before the last jump."""
        return (
            now_s + FUTURE_STAMP_S < stamp_s <= self._ended_at + FUTURE_STAMP_S
            and self._monotonic() < self._strays_until
        )
