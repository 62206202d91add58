"""When each image was taken, for those who follow faces: by its stamp, unless that is a slip."""

from __future__ import annotations

#: Seconds that a stamp may go back, or run ahead of the time that has passed, and still be right:
#: images overtake each other, and their ways differ.
SLIP_S = 1.0
#: So many images in a row whose stamps fit nothing before are followed all the same.
MOST_ODD = 5


class TakenTimes:
    """
    Keeps one wrong stamp among good ones from moving the time of the images.

    Stamps may be of any clock, also of one that is hours off, of a bag that is replayed at ten
    times its speed, or of one that is set back when it begins anew.  So a stamp is judged by the
    one before, not by the node's clock: it is a slip where it goes back, or runs further ahead
    than time has passed; the image was then taken when it came.  If the next stamp goes on from
    there, it was none: the images' clock was set, and is followed.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Begin anew: the node's clock has jumped."""
        self._stamp: float | None = None
        self._receipt = 0.0
        self._odd: float | None = None
        self._odd_receipt = 0.0
        self._odds = 0

    def of(self, stamp_s: float | None, receipt_s: float, passed_s: float) -> float:
        """
        Return when an image was taken, in seconds of the images' clock.

        ``stamp_s`` is its stamp, ``None`` without one, ``receipt_s`` its receipt by the node's
        clock, and ``passed_s`` its receipt by a clock that nobody sets.
        """
        if self._stamp is None:
            if stamp_s is None:
                return receipt_s
            return self._follow(stamp_s, passed_s)
        expected = self._stamp + max(passed_s - self._receipt, 0.0)
        if stamp_s is None:
            return expected
        if self._stamp - SLIP_S <= stamp_s <= expected + SLIP_S:
            return self._follow(max(stamp_s, self._stamp), passed_s, stamp_s)
        self._odds += 1
        odd, since = self._odd, passed_s - self._odd_receipt
        if self._odds == MOST_ODD or (
            odd is not None and odd - SLIP_S <= stamp_s <= odd + since + SLIP_S
        ):
            return self._follow(stamp_s, passed_s)
        self._odd, self._odd_receipt = stamp_s, passed_s
        return expected

    def _follow(self, newest_s: float, passed_s: float, stamp_s: float | None = None) -> float:
        self._stamp, self._receipt = newest_s, passed_s
        self._odd, self._odds = None, 0
        return newest_s if stamp_s is None else stamp_s
