"""Running totals of an input of any length, in memory that does not grow with it."""

from __future__ import annotations

import numpy as np

from ....core.tracking.tracker import is_set_back

#: A longer step is a jump of the clock and counts as nothing, as one back in time does.
LONGEST_STEP_S = 3600.0


class PlayTime:
    """
    Turns the stamps of several streams into one time that begins at 0 and never goes back.

    A stream that begins later begins at what the time is then.
    """

    def __init__(self):
        self.now_s = 0.0
        self._last: dict[str, tuple[int, float]] = {}

    def advance(self, stream: str, stamp_ns: int) -> float:
        """Return the time in seconds of an image of ``stream`` with this stamp."""
        before, time_s = self._last.get(stream, (stamp_ns, self.now_s))
        if before > stamp_ns and not is_set_back(before / 1e9, stamp_ns / 1e9):
            return time_s  # it came out of order
        step = (stamp_ns - before) / 1e9
        if 0 <= step <= LONGEST_STEP_S:
            time_s += step
        self._last[stream] = stamp_ns, time_s
        self.now_s = max(self.now_s, time_s)
        return time_s


class Bins:
    """
    The width of time bins, of which there are at most ``COUNT``: it doubles as time goes on.

    What is kept per bin has to be folded when ``index`` says so.
    """

    COUNT = 512

    def __init__(self, width: float):
        """Begin with bins of ``width``, in the unit of time."""
        self.width = width

    def index(self, time: float) -> tuple[int, int]:
        """Return the bin of a time, and how often neighbours have to be folded before."""
        folds = 0
        while time >= self.COUNT * self.width:
            self.width *= 2
            folds += 1
        return int(time / self.width), folds


def folded(values: np.ndarray, join=np.add) -> np.ndarray:
    """Return ``[n, ...]`` with neighbours joined by ``join``, and zeros from the middle on."""
    half = join(values[0::2], values[1::2])
    return np.concatenate([half, np.zeros_like(half)])


class Percentiles:
    """
    Percentiles of any number of times, within one percent.

    Times are counted in a histogram with logarithmic steps from a microsecond to 1000 seconds;
    shorter ones count as 0.
    """

    _LEAST_S, _STEP = 1e-6, 0.01

    def __init__(self):
        self._counts = np.zeros(int(np.log(1e9) / self._STEP) + 2, np.int64)

    def add(self, seconds: float) -> None:
        """Count one time."""
        index = (
            int(np.log(seconds / self._LEAST_S) / self._STEP) + 1 if seconds >= self._LEAST_S else 0
        )
        self._counts[min(index, len(self._counts) - 1)] += 1

    def seconds(self, *percents: float) -> list[float]:
        """Return percentiles (0..100); zeros when nothing was counted."""
        sums = self._counts.cumsum()
        if not sums[-1]:
            return [0.0] * len(percents)
        steps = [
            int(np.searchsorted(sums, max(percent / 100 * sums[-1], 1))) for percent in percents
        ]
        return [
            self._LEAST_S * float(np.exp(self._STEP * (index - 0.5))) if index else 0.0
            for index in steps
        ]
