"""Images that were lost between camera and node."""

from __future__ import annotations

from .stamps import StampGaps


class LostImages:
    """
    Counts the images that the stamps miss, but no more of them than the middleware misses.

    A camera that leaves out images, such as on a busy machine, has gaps between its stamps too, and
    then has sent messages without a gap between their numbers.  Not each middleware numbers them,
    and each publisher counts its own: the numbers alone would tell as little.
    """

    def __init__(self):
        self._gaps = StampGaps()
        self._number = self._missing = 0

    def add(self, stamp_s: float, number: int = 0) -> int:
        """
        Note an image that came; return how many are now known to be lost.

        ``number`` is the one that its publisher gave the message, 0 where that is not known.
        """
        lost = self._gaps.add(stamp_s)
        if not number:
            return lost
        if self._number:
            self._missing += max(number - self._number - 1, 0)
        self._number = number
        lost = min(lost, self._missing)
        self._missing -= lost
        return lost
