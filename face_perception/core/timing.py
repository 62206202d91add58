"""Measuring where the time goes."""

from __future__ import annotations

import time
from collections import deque

import numpy as np


class Stopwatch:
    """Splits monotonic time into consecutive laps, so that the laps sum to the whole."""

    def __init__(self):
        self._start = self._last = time.perf_counter()

    def lap(self) -> float:
        """Return the seconds since the last lap (or the start) and begin the next."""
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
        self._start = clock()

    def add(self, value: float = 0.0) -> None:
        """Note one event and its value."""
        self._samples.append((self._clock(), value))
        self._forget()

    def rate(self) -> float:
        """Return events per second (over a shorter time just after the start)."""
        self._forget()
        span = min(self._clock() - self._start, self.seconds)
        return len(self._samples) / span if span > 0 else 0.0

    def percentiles(self, *percents: float) -> list[float]:
        """Return the percentiles (0..100) of the values; zeros when there are none."""
        self._forget()
        if not self._samples:
            return [0.0] * len(percents)
        values = [value for _, value in self._samples]
        return [float(value) for value in np.percentile(values, percents)]

    def _forget(self) -> None:
        oldest = self._clock() - self.seconds
        while self._samples and self._samples[0][0] < oldest:
            self._samples.popleft()
