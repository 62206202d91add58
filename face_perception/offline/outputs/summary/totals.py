"""What was in an input, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ....core.timing import OFFLINE_STAGES
from ....core.types import EMOTIONS
from .accumulators import Bins, Percentiles

#: What is counted per face and bin: the emotions, and faces without a label: those that were not
#: asked about, or whose label is not sure enough to be named.
LABELS = (*EMOTIONS, '')
#: Width of the first bins in seconds: at most one image in each.
FIRST_WIDTH_S = 1 / 64


@dataclass
class TrackSummary:
    """What is known of a face that was followed; ``first`` and ``last`` are times."""

    stream: str
    id: str
    first: float
    last: float = 0.0
    images: int = 0
    #: Per bin, how often each of ``LABELS`` was given.
    labels: dict[int, np.ndarray] = field(default_factory=dict)
    emotions: Counter = field(default_factory=Counter)
    genders: Counter = field(default_factory=Counter)
    thumbnail: np.ndarray | None = None
    quality: float = 0.0

    def fold(self) -> None:
        """Join neighbouring bins."""
        former, self.labels = self.labels, {}
        for index, counts in former.items():
            self.labels[index // 2] = self.labels.get(index // 2, 0) + counts


@dataclass
class InputSummary:
    """
    What was in an input, in memory that does not grow with its length.

    Times are seconds since its beginning, or numbers of images where ``stills`` is set.
    The arrays have one row per bin of ``bins``.
    """

    name: str
    anonymized: str = ''
    stills: bool = False
    frames: int = 0
    frames_with_faces: int = 0
    faces: int = 0
    most_faces: int = 0
    sizes: set[tuple[int, int]] = field(default_factory=set)
    streams: Counter = field(default_factory=Counter)
    emotions: Counter = field(default_factory=Counter)
    genders: Counter = field(default_factory=Counter)
    tracks: dict[tuple[str, str], TrackSummary] = field(default_factory=dict)
    tracks_seen: int = 0
    thumbnails: list[np.ndarray] = field(default_factory=list)
    bins: Bins = field(default_factory=lambda: Bins(FIRST_WIDTH_S))
    #: Per bin: images, labels ``[n, 8]``, sums of seconds ``[n, 4]``, the longest image's seconds.
    images: np.ndarray = field(default_factory=lambda: np.zeros(Bins.COUNT))
    labels: np.ndarray = field(default_factory=lambda: np.zeros((Bins.COUNT, len(LABELS))))
    seconds: np.ndarray = field(default_factory=lambda: np.zeros((Bins.COUNT, len(OFFLINE_STAGES))))
    slowest: np.ndarray = field(default_factory=lambda: np.zeros(Bins.COUNT))
    percentiles: dict[str, Percentiles] = field(
        default_factory=lambda: {name: Percentiles() for name in (*OFFLINE_STAGES, 'total')}
    )
    end: float = 0.0
