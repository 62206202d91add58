"""Value types of the core: plain data, no ROS and no drawing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .timing import Timings

#: Order of the emotion labels everywhere (FER-2013, Goodfellow et al. 2013).
EMOTIONS = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
#: Order of the gender labels everywhere.
GENDERS = ('female', 'male')


@dataclass(frozen=True)
class Box:
    """
    An axis-aligned rectangle in pixels of the source image.

    ``x`` and ``y`` are the left and upper edge; the right edge ``x + width`` and the
    lower edge ``y + height`` lie just outside the box.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> tuple[float, float]:
        """Return the centre (x, y) in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        """Return the area in square pixels."""
        return self.width * self.height

    def clipped(self, image_width: int, image_height: int) -> Box:
        """
        Return the part inside an image, on whole pixels.

        The result lies inside ``image_width`` x ``image_height``; it is empty
        (``area == 0``) when box and image do not overlap.
        """
        left = min(max(round(self.x), 0), image_width)
        top = min(max(round(self.y), 0), image_height)
        right = min(max(round(self.x + self.width), left), image_width)
        bottom = min(max(round(self.y + self.height), top), image_height)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class Detection:
    """
    A face found by a detector: where, and how sure (``score`` in 0..1).

    A ``faint`` one scores less than the threshold: it is a face only if one was just there.
    """

    box: Box
    score: float
    faint: bool = False


@dataclass(frozen=True)
class Track:
    """A detected face and who it is: the same ``id`` in all images that show it."""

    id: str
    box: Box
    score: float


@dataclass(frozen=True, eq=False)
class Classification:
    """
    One prediction of a classifier.

    ``probabilities`` is float32 ``[K]`` in the order of ``labels``; it sums to 1.  Where the
    most probable one is less than ``min_confidence`` (0..1), it says that it is not known.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray
    min_confidence: float = 0.0

    def __eq__(self, other: object) -> bool:
        """Return whether labels and probabilities are the same."""
        if not isinstance(other, Classification):
            return NotImplemented
        return (self.labels, self.min_confidence) == (
            other.labels,
            other.min_confidence,
        ) and np.array_equal(self.probabilities, other.probabilities)

    def __hash__(self) -> int:
        """Return the same for equal ones."""
        return hash((self.labels, self.min_confidence, *self.probabilities.tolist()))

    @property
    def index(self) -> int:
        """Return the position of the most probable label."""
        return int(self.probabilities.argmax())

    @property
    def label(self) -> str:
        """Return the most probable label, or ``''`` where that is not sure enough."""
        return self.labels[self.index] if self.confidence >= self.min_confidence else ''

    @property
    def confidence(self) -> float:
        """Return the probability of the most probable label, 0..1."""
        return float(self.probabilities[self.index])

    def probabilities_of(self, labels: tuple[str, ...]) -> np.ndarray:
        """Return float32 ``[len(labels)]``, 0 for a label that a user's network does not know."""
        if labels == self.labels:
            return self.probabilities.astype(np.float32)
        known = dict(zip(self.labels, self.probabilities))
        return np.array([known.get(label, 0.0) for label in labels], np.float32)


@dataclass(frozen=True)
class Face:
    """
    A detected face with its labels; a classifier that is off leaves ``None``.

    ``gender`` and ``emotion`` are averaged over time where the face is followed from image to
    image; ``gender_raw`` and ``emotion_raw`` are what the networks said last.  ``track_id`` is
    ``''`` where faces are not followed.
    """

    box: Box
    score: float
    gender: Classification | None = None
    emotion: Classification | None = None
    track_id: str = ''
    gender_raw: Classification | None = None
    emotion_raw: Classification | None = None


@dataclass
class FrameResult:
    """
    What the pipeline says about one image; ``faces`` are sorted largest first.

    ``detected`` is whether the detector ran on this image, ``classified`` how many faces the
    networks saw, and ``tracks`` how many faces are followed, also those unseen for a moment;
    ``followed`` are the ``track_id`` of these (none where faces are not followed).
    """

    image_width: int
    image_height: int
    faces: list[Face] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    detected: bool = True
    classified: int = 0
    tracks: int = 0
    followed: frozenset[str] = frozenset()
