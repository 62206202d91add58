"""What the images' stamps tell: wrong clocks, and images that were lost on their way."""

from __future__ import annotations

import time
from bisect import insort
from collections import deque
from collections.abc import Callable

from builtin_interfaces.msg import Time as TimeMessage
from rclpy.time import Time

from ...media.messages.fields import NANOSECONDS
from ..clocks import NO_CLOCK

#: An image older than this, or more than a second from the future, has a wrong stamp.
OLDEST_STAMP_S = 10.0
FUTURE_STAMP_S = 1.0
#: What is done about it outside of simulations.
REMEDY = (
    "synchronise the machines' clocks (chrony), let the camera's driver stamp with the system's "
    "time rather than the camera's own, or set use_sim_time when a bag is replayed, with --clock"
)
#: Seconds of real time for which stamps must be wrong in simulation before that is said.
SETTLE_S = 1.0
#: Intervals between images from which the camera's period is estimated, at least and at most.
FEWEST_INTERVALS = 10
MOST_INTERVALS = 50
#: An interval is a multiple of the period when it is off by at most this share of it; a camera
#: whose intervals are not, but for ``IRREGULAR_SHARE`` of them, has no period.
TOLERANCE = 0.25
IRREGULAR_SHARE = 0.2
#: Nor has one whose images come in groups, as of two cameras on one topic: of its intervals more
#: than ``LONG_SHARE`` have over ``LONG`` periods, which losses at random do not make.
LONG, LONG_SHARE = 5, 0.25
#: So many intervals in a row that are the same multiple of the period: the camera has another one
#: by now, as a webcam's that lengthens its exposure in dim light. Losses are not that even.
SAME = 6
#: After a pause of so many seconds the camera was stopped rather than its images lost, and after
#: one of fewer that is of more than so many periods: what gets lost is lost here and there.
PAUSE_S = 5.0
SHORT_PAUSE_S, MOST_IN_A_ROW = 1.0, 10
#: Images that may come before one that was sent before them.
MOST_OVERTAKING = 3


def has_stamp(stamp: TimeMessage) -> bool:
    """Return whether the camera driver set a stamp at all."""
    return bool(stamp.sec or stamp.nanosec)


def seconds_of(stamp: TimeMessage) -> float:
    """Return a stamp in seconds."""
    return nanoseconds_of(stamp) / NANOSECONDS


def nanoseconds_of(stamp: TimeMessage) -> int:
    """Return a stamp in nanoseconds, below 0 for one before 1970."""
    return stamp.sec * NANOSECONDS + stamp.nanosec


class StampCheck:
    """
    Says how old images are, and reports stamps that make no sense.

    In simulation only those that go on: clock and images come by separate ways, and when the
    clock jumps, an image may be here before it.
    """

    def __init__(
        self, report: Callable[[str, str], None], monotonic: Callable[[], float] = time.monotonic
    ):
        """``report`` gets a kind and a sentence for each image whose stamp makes no sense."""
        self._report = report
        self._monotonic = monotonic
        self.restart()

    def restart(self) -> None:
        """Begin anew: the clock has jumped."""
        self._wrong_since: float | None = None

    def transport_time(self, stamp: TimeMessage, receipt: Time, simulated: bool = False) -> float:
        """Return the seconds from an image's stamp to its receipt, 0 without a stamp."""
        if not has_stamp(stamp):
            self._report(
                'stamp zero',
                'an image has a stamp of 0, so its latency is unknown: '
                'let the camera driver set header.stamp',
            )
            return 0.0
        # Not rclpy's Time: it refuses those before 1970, as of a clock that was never set.
        age = (receipt.nanoseconds - nanoseconds_of(stamp)) / NANOSECONDS
        if -FUTURE_STAMP_S <= age <= OLDEST_STAMP_S:
            self._wrong_since = None
            return age
        now = self._monotonic()
        if self._wrong_since is None:
            self._wrong_since = now
        if not simulated or now - self._wrong_since >= SETTLE_S:
            where = 'past' if age > 0 else 'future'
            self._report(
                f'stamp {where}',
                f'an image has a stamp {abs(age):.1f} s in the {where}: '
                + (_remedy_in_simulation(receipt) if simulated else REMEDY),
            )
        return age


def _remedy_in_simulation(receipt: Time) -> str:
    if receipt.nanoseconds == 0:
        return NO_CLOCK
    return (
        'use_sim_time is true, so images have to be of the time of /clock: let the same simulation '
        'or bag give both, or set use_sim_time to false'
    )


class StampGaps:
    """
    Counts the images that a regular camera sent and that never came.

    The period is the lower quartile of the last intervals, so that it holds also while half of
    the images are lost.  A camera without a period, such as one that is triggered, loses none, and
    one that goes on at a half or a third of its rate has lost none, but for the first few.
    An image that a few later ones have overtaken on its way did come: what is missing is counted
    once ``MOST_OVERTAKING`` more images are here.
    """

    def __init__(self):
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=MOST_INTERVALS)
        #: The newest stamps, in their order: an older image may still come between them.
        self._waiting: list[float] = []

    def add(self, stamp_s: float) -> int:
        """Note the stamp of an image that came; return how many are now known to be lost."""
        newest = self._waiting[-1] if self._waiting else self._last
        if newest is not None and not -PAUSE_S < stamp_s - newest < PAUSE_S:
            lost = self._close()
            self._last = None
        else:
            lost = 0
        insort(self._waiting, stamp_s)
        if len(self._waiting) > MOST_OVERTAKING:
            lost += self._pass(self._waiting.pop(0))
        return lost

    def _close(self) -> int:
        """Count what is missing between the stamps that wait: none of theirs will come."""
        lost = sum(map(self._pass, self._waiting))
        self._waiting.clear()
        return lost

    def _pass(self, stamp_s: float) -> int:
        """Take the next stamp in their order; return how many are missing before it."""
        interval = None if self._last is None else stamp_s - self._last
        if interval is not None and interval < 0:  # overtaken by more images than are waited for
            return 0
        self._last = stamp_s
        if interval is None or not 0 < interval < PAUSE_S:
            return 0
        self._intervals.append(interval)
        if interval < 1.5 * min(self._intervals):  # nor is it two of any period
            return 0
        period = self._period()
        if period is None:
            return 0
        lost = max(round(interval / period) - 1, 0)
        if lost > MOST_IN_A_ROW and interval > SHORT_PAUSE_S:
            return 0
        if lost and {round(each / period) for each in list(self._intervals)[-SAME:]} == {lost + 1}:
            self._intervals.clear()
            return 0
        return lost

    def _period(self) -> float | None:
        if len(self._intervals) < FEWEST_INTERVALS:
            return None
        period = sorted(self._intervals)[len(self._intervals) // 4]
        irregular = sum(
            abs(each / period - max(round(each / period), 1)) > TOLERANCE
            for each in self._intervals
        )
        long = sum(each > LONG * period for each in self._intervals)
        regular = irregular <= IRREGULAR_SHARE * len(self._intervals)
        return period if regular and long <= LONG_SHARE * len(self._intervals) else None
