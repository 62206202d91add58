"""What the classifiers said about each face that is followed, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..types import Classification, Track
from .classifier import Classifier
from .mirror import Shown, joined, next_shown
from .smoothing import TimeAverage
from .turns import Turns

#: A label that became too unsure to be named is named again when it is this much surer than asked,
#: so that it does not come and go with every image.
SURER = 0.1


@dataclass
class SmoothedLabel:
    """
    One label of one face: what ``source`` said last, and the average over time.

    ``last`` are the probabilities as the network gave them last, at ``time_s``, ``raw`` those for
    image and mirror image together, from two turns if need be.  ``doubted`` is the least
    confidence below which it was, if it has not become surer since.
    """

    source: Classifier | None
    average: TimeAverage = field(default_factory=TimeAverage)
    last: np.ndarray | None = None
    time_s: float = 0.0
    raw: Classification | None = None
    smooth: Classification | None = None
    doubted: float | None = None

    def add(
        self, said: Classification, time_s: float, time_constant: float, alone: bool = False
    ) -> None:
        """Take a new prediction into the average, ``alone`` if it is one of a pair's."""
        before, self.last = self.last, said.probabilities
        gap, self.time_s = max(time_s - self.time_s, 0.0), max(time_s, self.time_s)
        if alone and before is not None:
            said = Classification(said.labels, joined(before, said.probabilities))
            # Half of a pair is older by the gap: the average takes that much less time, so that
            # a changed prediction does not show later.
            time_constant = max(time_constant - gap, 0.0)
        self.raw = said
        self.smooth = Classification(
            said.labels, self.average.add(said.probabilities, time_s, time_constant)
        )

    def least(self, min_confidence: float) -> float:
        """Return how sure the average has to be to be named now, where that is asked (0..1)."""
        surer = min(min_confidence + SURER, (min_confidence + 1) / 2)
        if self.smooth is None or self.smooth.confidence >= surer:
            self.doubted = None
        elif self.smooth.confidence < min_confidence:
            self.doubted = min_confidence
        return surer if self.doubted == min_confidence else min_confidence


NO_LABEL = SmoothedLabel(None)


class LabelHistory:
    """
    Keeps what the classifiers said per face.

    ``classifiers`` below are the classifiers in use by name, such as ``{'emotion': classifier}``;
    what another classifier said under that name before is forgotten.
    """

    def __init__(self):
        self._labels: dict[str, dict[str, SmoothedLabel]] = {}
        self._waited: dict[str, int] = {}
        self._shown: dict[str, tuple[Shown, float]] = {}
        self._turns = Turns()

    def reset(self) -> None:
        """Forget all labels."""
        self._labels.clear()
        self._waited.clear()
        self._shown.clear()
        self._turns.reset()

    def keep(self, ids: set[str]) -> None:
        """Forget the faces that are no longer followed."""
        for gone in set(self._labels) - ids:
            del self._labels[gone], self._waited[gone]
            self._shown.pop(gone, None)

    def forget_older(self, tracks: Sequence[Track], time_s: float) -> None:
        """Forget what was said of faces before ``time_s``, as nobody asks about them now."""
        for track in tracks:
            labels = self._labels.get(track.id, {})
            for name in [name for name, label in labels.items() if label.time_s < time_s]:
                del labels[name]

    def due(
        self,
        tracks: Sequence[Track],
        classifiers: Mapping[str, Classifier],
        interval: int = 1,
        max_rate: float = 0.0,
        time_s: float = 0.0,
    ) -> list[Track]:
        """
        Return whom to classify in this image, in the order of ``tracks``.

        Everybody who lacks a label, and of the others those that have waited for ``interval``
        images, each at most ``max_rate`` times a second (0: no limit) by the images' ``time_s``:
        the longest wait first, and no more of them than keeps every image's share equal.
        """
        if not classifiers:
            return []
        for track in tracks:
            self._waited[track.id] = self._waited.get(track.id, interval - 1) + 1
            self._labels.setdefault(track.id, {})
        unknown = [
            track
            for track in tracks
            if any(self.get(track.id, *each) is NO_LABEL for each in classifiers.items())
        ]
        waiting = [
            track for track in tracks if track not in unknown and self._waited[track.id] >= interval
        ]
        waiting.sort(key=lambda track: -self._waited[track.id])
        share = max(-(-len(tracks) // interval) - len(unknown), 0)
        share = min(share, self._turns.earn(len(tracks) - len(unknown), max_rate, time_s))
        if max_rate > 0:
            self._turns.spend(len(waiting[:share]))
        chosen = {track.id for track in unknown + waiting[:share]}
        return [track for track in tracks if track.id in chosen]

    def shown(
        self,
        chosen: Sequence[Track],
        classifiers: Mapping[str, Classifier],
        time_s: float,
        time_constant: float,
    ) -> list[Shown]:
        """
        Return how each of the ``chosen`` faces is to be shown, and note it as done.

        A face that lacks a label is shown as image and mirror image; see ``mirror.next_shown``.
        """
        result = []
        for track in chosen:
            last, then = self._shown.get(track.id, (None, time_s))
            if any(self.get(track.id, *each) is NO_LABEL for each in classifiers.items()):
                last = None
            how = next_shown(last, time_s - then, time_constant)
            self._shown[track.id] = how, max(then, time_s)
            result.append(how)
        return result

    def add(
        self,
        track: Track,
        name: str,
        source: Classifier,
        said: Classification | None,
        time_s: float,
        time_constant: float,
        shown: Shown = Shown.BOTH,
    ) -> None:
        """Note what a classifier said about a face that was due, ``None`` if nothing."""
        self._waited[track.id] = 0
        if said is None:
            return
        label = self.get(track.id, name, source)
        if label is NO_LABEL:
            label = self._labels.setdefault(track.id, {})[name] = SmoothedLabel(source)
        label.add(said, time_s, time_constant, shown is not Shown.BOTH)

    def get(self, track_id: str, name: str, source: Classifier | None) -> SmoothedLabel:
        """Return the label of ``source`` about a face, an empty one if it was never asked."""
        label = self._labels.get(track_id, {}).get(name)
        return label if label is not None and label.source is source else NO_LABEL
