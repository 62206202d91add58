"""How many of the faces that are known already may be classified in an image."""

from __future__ import annotations

import math


class Turns:
    """
    Shares out classifications over time, so that no image has to bear all of them.

    Each known face in view earns ``max_rate`` turns a second, whatever the rate of the images,
    and at most one turn per face is saved up.
    """

    #: Share of a turn by which one may come early: cameras are not exact.  It is earned later.
    EARLY = 0.25

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget what was earned, and the time."""
        self._earned = 0.0
        self._time: float | None = None

    def earn(self, faces: int, max_rate: float, time_s: float) -> int:
        """
        Return how many turns an image at ``time_s`` has, 0 to ``faces``.

        ``max_rate`` is in Hz per face; 0 is no limit.  An image that comes out of order earns
        nothing.
        """
        step = 0.0 if self._time is None else max(time_s - self._time, 0.0)
        self._time = time_s if self._time is None else max(time_s, self._time)
        if max_rate <= 0:
            self._earned = 0.0
            return faces
        self._earned = min(self._earned + step * max_rate * faces, float(faces))
        return min(math.floor(max(self._earned, 0.0) + self.EARLY), faces)

    def spend(self, turns: int) -> None:
        """Note how many faces had their turn."""
        self._earned -= turns
