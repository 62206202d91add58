"""Steady probabilities: averages over time that do not depend on the frame rate."""

from __future__ import annotations

import math

import numpy as np

#: The share of the time constant that the first value stands for.
FIRST_SHARE = 0.1


class TimeAverage:
    """
    A running average in which a value counts ``1/e`` of a new one after ``time_constant``.

    Each value stands for the time since the one before, so that ten images a second and thirty
    give the same average.  The weights are normalised: the average of equal values is that value
    from the first one on, and the first counts no more than any other.
    """

    def __init__(self):
        self._sum: np.ndarray = np.zeros(())
        self._weight = 0.0
        self._time: float | None = None

    def add(self, values: np.ndarray, time_s: float, time_constant: float) -> np.ndarray:
        """
        Return the average of all values so far, this one included.

        ``values`` is float ``[K]``, ``time_s`` its time and ``time_constant`` in seconds; with
        0 the average is the newest value.  One that comes out of order stands for no time.
        """
        if time_constant <= 0:
            kept = 0.0
        elif self._time is None:
            kept = math.exp(-FIRST_SHARE)
        else:
            kept = math.exp(-max(time_s - self._time, 0.0) / time_constant)
        self._time = time_s if self._time is None else max(self._time, time_s)
        self._sum = kept * self._sum + (1 - kept) * np.asarray(values, np.float64)
        self._weight = kept * self._weight + (1 - kept)
        return (self._sum / self._weight).astype(np.float32)
