"""
Which face is which from image to image.

Each face is followed by a Kalman filter with constant velocity, and detections are given to the
tracks by overlap with the predicted boxes, as in SORT (Bewley et al., "Simple Online and Realtime
Tracking", 2016).  Two things differ: a small or fast face whose boxes no longer overlap is still
linked when it is near, and time is in seconds, so that the frame rate may vary.  What a detector
is not sure of goes on with a track (Zhang et al., "ByteTrack", 2022), and begins one that is kept
quiet until the next detections have confirmed it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..types import Box, Detection, Track
from .assignment import assign

#: Standard deviations of the filter, in sides of the face: of a detector's box, of one that it is
#: not sure of (half a face that goes behind another), of a new face's velocity (per second) and of
#: its acceleration (per second squared).
BOX_NOISE = 0.06
FAINT_BOX_NOISE = 0.25
FIRST_VELOCITY = 1.5
ACCELERATION = np.array([5.0, 5.0, 1.5, 1.5])
#: How far a box may be from the same face's box by another detector, in sides: anywhere, as soon
#: as they are linked.
OTHER_BOX = 10.0
#: Boxes that overlap less than this are linked only by nearness.
LEAST_OVERLAP = 0.1
#: A faint detection is linked only to a track that it overlaps at least so much.
FAINT_OVERLAP = 0.3
#: Near: centres at most this far apart, in sides, and sides at most this factor apart.
NEAR = 1.0
NEAR_SIZE_FACTOR = 1.7
#: What a face that the last detection missed loses against one that it saw: when two cross, the
#: one in front keeps its detections.
ABSENCE_PENALTY = 0.25
#: An image that is older than the one before by more than this means that time was set back, in
#: seconds; one that is less so came out of order.
SET_BACK_S = 1.0
#: Of a slow camera, whose images are further apart than a face may be unseen, each face of the last
#: image is looked for in the next one, if that comes within so many times the gap before, and
#: within so many seconds.
REGULAR, LONGEST_GAP_S = 1.5, 3.0
#: Faces that are followed at most: with those of a new image they make a table of pairs.
MOST_TRACKS = 1000


@dataclass
class _Identity:
    """
    What a track is besides its box: who, how sure, and when it was last detected.

    One that was not confirmed yet has no ``id``; ``hits`` counts the detections that saw it.
    """

    id: str
    score: float
    last_seen: float
    hits: int = 0


class Tracker:
    """
    Gives faces identities that survive short misses and crossings.

    Use one per camera.  ``update`` takes what a detector found; ``predict`` says where those
    faces are in an image on which no detector ran.
    """

    def __init__(self):
        self._born = 0
        self.reset()

    def __len__(self) -> int:
        """Return the number of faces that are followed, also those unseen for a moment."""
        return sum(bool(one.id) for one in self._identities)

    @property
    def ids(self) -> set[str]:
        """Return the identities of the faces that are followed."""
        return {one.id for one in self._identities if one.id}

    def reset(self) -> None:
        """Forget all faces; identities are not given out again."""
        #: When the last image was taken, and the last on which a detector ran; before all: none.
        self._time = self._updated = -math.inf
        #: Seconds between the last two images.
        self._gap = 0.0
        self._identities: list[_Identity] = []
        self._boxes = np.zeros((0, 4))  # centre x, centre y, width, height
        self._velocity = np.zeros((0, 4))
        self._variance = np.zeros((3, 0, 4))  # of box; of box and velocity; of velocity

    def update(
        self,
        detections: Sequence[Detection],
        time_s: float,
        max_age: float = 1.0,
        confirmations: int = 0,
    ) -> list[Track]:
        """
        Link the detections of one image to the faces of earlier ones.

        ``time_s`` is when the image was taken.  A face unseen for longer than ``max_age``
        seconds is forgotten, but not one that nobody looked for meanwhile, in images that were
        predicted; time that was set back forgets all.  A faint detection where no
        face was becomes one when the next ``confirmations`` detections find it too (0: never),
        or one of them is sure of it.  Returns one track per detection, in their order and with
        their boxes, but for those that are no face yet.
        """
        last_image, gap = self._time, self._gap
        self._advance(time_s)
        patience = max(max_age, min(REGULAR * gap, LONGEST_GAP_S) if max_age > 0 else 0.0)
        self._keep(
            [
                (
                    # Who was there when the detector looked last was followed up to the last image.
                    self._time - last_image <= patience
                    if one.last_seen == self._updated
                    else self._time - one.last_seen <= max_age
                )
                if one.id
                else one.last_seen == self._updated and confirmations > 0
                for one in self._identities
            ]
        )
        self._keep_newest(MOST_TRACKS)
        found = np.array(
            [(*each.box.center, each.box.width, each.box.height) for each in detections]
        ).reshape(-1, 4)
        faint = np.array([each.faint for each in detections], bool)
        links = self._link(found, faint)
        self._updated = self._time
        linked = list(links)
        noise = np.where(faint[linked], FAINT_BOX_NOISE, BOX_NOISE)
        self._correct(list(links.values()), found[linked], noise)
        for index, detection in enumerate(detections):
            if index not in links and (confirmations > 0 or not detection.faint):
                links[index] = self._add(found[index])
        tracks = []
        for index in sorted(links):
            detection, identity = detections[index], self._identities[links[index]]
            identity.score, identity.last_seen = detection.score, self._time
            identity.hits += 1
            if not identity.id and (not detection.faint or identity.hits > confirmations):
                self._born += 1
                identity.id = str(self._born)
            if identity.id:
                tracks.append(Track(identity.id, detection.box, detection.score))
        return tracks

    def _link(self, found: np.ndarray, faint: np.ndarray) -> dict[int, int]:
        """Pair detections with tracks, ``{detection: track}``: first the sure ones."""
        affinity = self._affinity(found)
        sure = np.flatnonzero(~faint)
        links = {int(sure[column]): row for column, row in assign(affinity[:, sure]).items()}
        left = [row for row in range(len(self._identities)) if row not in links.values()]
        unsure = np.flatnonzero(faint)
        if left and unsure.size:
            rest = affinity[left][:, unsure]
            rest[rest < FAINT_OVERLAP] = -np.inf
            links |= {int(unsure[column]): left[row] for column, row in assign(rest).items()}
        return links

    def expect_other_boxes(self, wider: float = 1.0, higher: float = 1.0) -> None:
        """
        Take the next detections' boxes as they are: they are drawn otherwise than the last ones.

        ``wider`` and ``higher`` are how many times as large the next images are.

        Another detector's box of the same face may be half as high again, and that is no motion:
        taken for one, the face would be said to grow on until the next detection.
        """
        scale = np.array([wider, higher, wider, higher])
        self._boxes *= scale
        self._velocity *= scale
        box, both, velocity = self._variance
        velocity *= scale**2
        box[:] = (OTHER_BOX * self._sides()[:, None]) ** 2
        both[:] = 0.0

    def predict(self, time_s: float) -> list[Track]:
        """
        Return where the faces of the last ``update`` are at ``time_s``.

        Faces that the detector missed then are not among them: nothing is made up.
        """
        self._advance(time_s)
        return [
            Track(one.id, Box(x - width / 2, y - height / 2, width, height), one.score)
            for one, (x, y, width, height) in zip(self._identities, self._boxes.tolist())
            if one.id and one.last_seen == self._updated
        ]

    def missed(self) -> list[tuple[Track, float]]:
        """
        Return the faces that the last ``update`` missed, and for how many seconds each has been.

        Their boxes are where their motion has brought them: a guess, which gets worse with time.
        """
        return [
            (
                Track(one.id, Box(x - width / 2, y - height / 2, width, height), one.score),
                self._time - one.last_seen,
            )
            for one, (x, y, width, height) in zip(self._identities, self._boxes.tolist())
            if one.id and one.last_seen != self._updated
        ]

    def _advance(self, time_s: float) -> None:
        """Move all faces on to a time."""
        if is_set_back(self._time, time_s):
            self.reset()
        step = max(time_s - self._time, 0.0) if math.isfinite(self._time) else 0.0
        self._time = max(time_s, self._time)
        self._gap = step or self._gap
        if step == 0.0 or not self._identities:
            return
        noise = (ACCELERATION * self._sides()[:, None]) ** 2
        box, both, velocity = self._variance
        box += 2 * step * both + step**2 * velocity + step**3 / 3 * noise
        both += step * velocity + step**2 / 2 * noise
        velocity += step * noise
        self._boxes += step * self._velocity
        np.maximum(self._boxes[:, 2:], 1.0, out=self._boxes[:, 2:])

    def _correct(self, tracks: list[int], found: np.ndarray, noise: np.ndarray) -> None:
        """Take the detected boxes ``[n, 4]``, with a ``noise`` each, into account for tracks."""
        if not tracks:
            return
        box, both, velocity = self._variance[:, tracks]
        total = box + (noise * self._sides()[tracks])[:, None] ** 2
        innovation = found - self._boxes[tracks]
        gain, velocity_gain = box / total, both / total
        self._boxes[tracks] += gain * innovation
        self._velocity[tracks] += velocity_gain * innovation
        self._variance[:, tracks] = (
            box * (1 - gain),
            both * (1 - gain),
            velocity - velocity_gain * both,
        )

    def _affinity(self, found: np.ndarray) -> np.ndarray:
        """
        Return how well each track fits each detection, ``[tracks, detections]``.

        Above 0 by overlap, up to 1; below 0 by nearness; -inf where they cannot be one.
        """
        mine, theirs = self._boxes[:, None], found[None]
        apart = np.abs(mine - theirs)
        reach = (mine + theirs) / 2
        overlap = np.clip(
            np.minimum(reach[..., 2:] - apart[..., :2], np.minimum(mine[..., 2:], theirs[..., 2:])),
            0,
            None,
        ).prod(-1)
        union = mine[..., 2:].prod(-1) + theirs[..., 2:].prod(-1) - overlap
        share = overlap / np.maximum(union, 1e-9)
        distance = (apart[..., :2] / reach[..., 2:]).max(-1)
        bigger = np.maximum(mine[..., 2:], theirs[..., 2:])
        alike = (bigger <= NEAR_SIZE_FACTOR * np.minimum(mine[..., 2:], theirs[..., 2:])).all(-1)
        affinity = np.where(
            share >= LEAST_OVERLAP, share, np.where(alike & (distance <= NEAR), -distance, -np.inf)
        )
        absent = np.array([one.last_seen != self._updated for one in self._identities])
        return affinity - ABSENCE_PENALTY * absent[:, None]

    def _sides(self) -> np.ndarray:
        return self._boxes[:, 2:].max(1)

    def _add(self, box: np.ndarray) -> int:
        self._identities.append(_Identity('', 0.0, self._time))
        side = box[2:].max()
        variance = np.broadcast_to(
            np.array([BOX_NOISE**2, 0.0, FIRST_VELOCITY**2])[:, None, None] * side**2, (3, 1, 4)
        )
        self._boxes = np.vstack([self._boxes, box])
        self._velocity = np.vstack([self._velocity, np.zeros(4)])
        self._variance = np.concatenate([self._variance, variance], axis=1)
        return len(self._identities) - 1

    def _keep_newest(self, most: int) -> None:
        """Forget those that were unseen for longest, where there are more than ``most``."""
        if len(self._identities) > most:
            seen = np.array([one.last_seen for one in self._identities])
            newest = set(np.argsort(-seen, kind='stable')[:most].tolist())
            self._keep([index in newest for index in range(len(seen))])

    def _keep(self, wanted: list[bool]) -> None:
        if all(wanted):
            return
        self._identities = [one for one, kept in zip(self._identities, wanted) if kept]
        mask = np.array(wanted)
        self._boxes, self._velocity = self._boxes[mask], self._velocity[mask]
        self._variance = self._variance[:, mask]


def is_set_back(before_s: float, time_s: float) -> bool:
    """Return whether a stream begins anew with an image of ``time_s`` after one of ``before_s``."""
    return time_s < before_s - SET_BACK_S
