"""How finely to look for faces, so that an image is done in time."""

from __future__ import annotations

from collections import deque
from statistics import median

#: One step changes the detector's input by this factor; its cost goes with the square.
STEP = 0.8
#: Sizes are multiples of this many pixels, as networks with strides want them.
MULTIPLE_PX = 32
#: Images between two steps.
PATIENCE = 10
#: Images that are enough at first, until a size has held the target, where the target is clearly
#: missed, by this factor: a slow machine finds its size within seconds.
PATIENCE_AT_FIRST, CLEARLY = 3, 1.1
#: A larger size that missed the target is tried again after twice as many images each time.
LONGEST_WAIT = 1000
#: A larger size is tried when it is expected to need less than this share of the target.
COMFORT = 0.85


def sizes(largest: int, smallest: int) -> list[int]:
    """Return the sizes to choose from, in pixels, the largest first and exactly as given."""
    ladder = [largest]
    size = largest * STEP
    while size > smallest:
        rounded = round(size / MULTIPLE_PX) * MULTIPLE_PX
        if smallest < rounded < ladder[-1]:
            ladder.append(rounded)
        size *= STEP
    return ladder if smallest >= ladder[-1] else [*ladder, smallest]


class SizeBudget:
    """
    Chooses the detector's input size so that processing holds a target.

    One step at a time, and only after ``PATIENCE`` images at a size (three where it is missed
    clearly and no size has held it yet): down when their median
    misses the target, up when the larger size is expected to hold it with a margin.  A step up
    that had to be taken back is tried again later and later.
    """

    def __init__(self, target_s: float, largest: int, smallest: int):
        """Begin with ``largest``; both sizes in pixels, ``target_s`` in seconds."""
        self.target_s = target_s
        self._sizes = sizes(largest, smallest)
        self._step = 0
        self._times: deque[tuple[float, float]] = deque(maxlen=PATIENCE)
        self._images = 0
        self._wait = PATIENCE
        self._last_move = 0
        self._found = False

    @property
    def size(self) -> int:
        """Return the size for the next image, in pixels."""
        return self._sizes[self._step]

    @property
    def exhausted(self) -> bool:
        """Return whether the target is missed though the size is the smallest."""
        return (
            self._step == len(self._sizes) - 1
            and len(self._times) == PATIENCE
            and median(time for time, _ in self._times) > self.target_s
        )

    @property
    def state(self) -> str:
        """Return in a word or few whether the target is held."""
        if self.exhausted:
            return 'missed at the smallest size'
        return 'held' if self._found else 'looking for the size'

    def add(self, processing_s: float, detect_s: float) -> int:
        """Note how long an image with a detection took; return the size for the next."""
        self._times.append((processing_s, detect_s))
        self._images += 1
        if len(self._times) < PATIENCE_AT_FIRST:
            return self.size
        processing = median(time for time, _ in self._times)
        if len(self._times) < PATIENCE:
            if not self._found and processing > CLEARLY * self.target_s:
                self._move(+1)
            return self.size
        self._found = self._found or processing <= self.target_s or self.exhausted
        if processing > self.target_s:
            if self._last_move < 0 and self._images <= 2 * PATIENCE:
                self._wait = min(2 * self._wait, LONGEST_WAIT)
            self._move(+1)
        elif self._step > 0 and self._images >= self._wait:
            detect = median(time for _, time in self._times)
            dearer = (self._sizes[self._step - 1] / self.size) ** 2 - 1
            if processing + dearer * detect < COMFORT * self.target_s:
                self._move(-1)
        return self.size

    def _move(self, by: int) -> None:
        step = min(self._step + by, len(self._sizes) - 1)
        if step != self._step:
            self._step, self._last_move, self._images = step, by, 0
            self._times.clear()
