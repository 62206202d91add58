"""Measuring where the time goes."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

#: The stages of an image's way, in their order, and the sums.
STAGES = ('transport', 'decode', 'detect', 'track', 'classify', 'publish')
SUMS = ('processing', 'end_to_end')
#: The stages of an image that comes from a file.
OFFLINE_STAGES = STAGES[1:5]


@dataclass
class Timings:
    """
    Where the time of one image went, in seconds, as ``PipelineLatency.msg`` describes it.

    A stage that an image did not go through is 0: the pipeline alone knows ``detect``, ``track``
    and ``classify``, an offline run ``decode`` too, with ``processing`` as their sum.
    """

    transport: float = 0.0
    decode: float = 0.0
    detect: float = 0.0
    track: float = 0.0
    classify: float = 0.0
    publish: float = 0.0
    processing: float = 0.0
    end_to_end: float = 0.0


class Stopwatch:
    """Splits monotonic time into consecutive laps, so that the laps sum to the whole."""

    def __init__(self):
        self._start = self._last = time.perf_counter()

    def lap(self) -> float:
        """Return the seconds since the last one, or the start, and begin the next."""
        now = time.perf_counter()
        elapsed, self._last = now - self._last, now
        return elapsed

    def total(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self._start


class SlidingWindow:
    """The values of the last ``seconds`` seconds, for rates and percentiles."""

    def __init__(self, seconds: float = 10.0, clock=time.monotonic):
        self.seconds = seconds
        self._clock = clock
        self._samples: deque[tuple[float, float]] = deque()
        self._start = self._newest = clock()

    def add(self, value: float = 0.0, now: float | None = None) -> None:
        """Note one event and its value; ``now`` is the time where it is known already."""
        now = self._forget(now)
        self._samples.append((now, value))

    def __len__(self) -> int:
        """Return the number of events in the window."""
        self._forget()
        return len(self._samples)

    def rate(self) -> float:
        """Return events per second (over a shorter time just after the start)."""
        span = min(self._forget() - self._start, self.seconds)
        return len(self._samples) / span if span > 0 else 0.0

    def percentiles(self, *percents: float) -> list[float]:
        """Return what ``percents`` (0..100) of the values lie below; zeros without values."""
        self._forget()
        if not self._samples:
            return [0.0] * len(percents)
        # For so few values numpy needs four times as long.
        values = sorted(value for _, value in self._samples)
        return [_percentile(values, percent) for percent in percents]

    def _forget(self, now: float | None = None) -> float:
        """Forget what is too old, or of a time that was set back since; return the time."""
        now = self._clock() if now is None else now
        if now < self._newest:
            self._samples.clear()
            self._start = now
        self._newest = now
        while self._samples and self._samples[0][0] < now - self.seconds:
            self._samples.popleft()
        return now


def _percentile(values: Sequence[float], percent: float) -> float:
    """Return what ``percent`` (0..100) of sorted values lie below, perhaps between two."""
    place = (len(values) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


class RateLimit:
    """Lets so many events per second through at most, evenly spread."""

    #: Share of a period by which an event may come early: cameras are not that exact.
    EARLY = 0.25

    def __init__(self, rate: float, clock=time.monotonic):
        """``rate`` is in events per second; 0 lets all through."""
        self.rate = rate
        self._period = 1 / rate if rate > 0 else 0.0
        self._clock = clock
        self._due = float('-inf')

    def allows(self, now: float | None = None) -> bool:
        """Return whether an event is let through that happens ``now``, or by the clock."""
        if not self._period:
            return True
        now = self._clock() if now is None else now
        if now < self._due - self.EARLY * self._period:
            return False
        # In step with what is due, so that the mean rate is right; anew after a pause.
        behind = now - self._due > self._period
        self._due = (now if behind else self._due) + self._period
        return True
