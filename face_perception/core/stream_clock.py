"""When the images of a stream were taken, also where their clock stands."""

from __future__ import annotations

import math

from .errors import ImageError
from .text import value
from .tracking.tracker import is_set_back

#: Seconds that a clock may show: what nanoseconds of 64 bits count.
LATEST_S = 2**63 / 1e9
#: So many images in a row may have the same time, as those of a burst or of a coarse clock have.
MOST_AT_ONCE = 5
#: Seconds that further ones are taken to be apart: what is common for a camera.
ASSUMED_PERIOD_S = 1 / 30


class StreamClock:
    """
    Lets the time of a stream go on where the clock of its images stands.

    OpenCV says of many webcams that each image is at 0 ms, and some drivers stamp all images
    alike.  By such a time it would never be the detector's turn again, no face would be
    forgotten and no label change.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next image."""
        self._newest = -math.inf
        self._stood = 0
        self._ahead = 0.0

    def of(self, time_s: float) -> float:
        """Return the stream's time for the next image, which was taken at ``time_s``."""
        step = time_s - self._newest
        if is_set_back(self._newest, time_s):
            self.reset()
            self._newest = time_s
        elif step > 0:
            # What was assumed is given back as far as time goes on all the same.
            self._ahead = max(self._ahead - max(step - ASSUMED_PERIOD_S, 0.0), 0.0)
            self._newest, self._stood = time_s, 0
        elif step == 0:
            self._stood += 1
            self._ahead += ASSUMED_PERIOD_S if self._stood >= MOST_AT_ONCE else 0.0
        return time_s + self._ahead


def clock_time(time_s: float) -> float:
    """Return a time in seconds; raises ``ImageError`` for what no clock shows."""
    try:
        # An array or a decimal would meet what it cannot be added to, images later.
        seconds = math.nan if isinstance(time_s, str) else float(time_s)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not -LATEST_S <= seconds <= LATEST_S:
        raise ImageError(
            'time',
            f'an image was taken at {value(time_s)}: give the time of a clock, in seconds',
        )
    return seconds
