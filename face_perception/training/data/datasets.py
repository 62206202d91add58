"""What a set of labelled faces is, to train on and to measure on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...core.errors import FacePerceptionError
from ...core.types import Box

#: The label of an image whose label nobody knows: only a teacher's predictions can be learned.
UNLABELLED = -1


class DatasetError(FacePerceptionError):
    """A data set is missing, damaged, or in no form that is known here."""

    with_list = True


@dataclass(frozen=True)
class FaceSet:
    """
    Images of faces and what they show.

    ``images`` is uint8 ``[N, S, S, C]`` (C = 1 gray or 3 RGB), ``targets`` float32 ``[N, K]``
    with rows that sum to 1 (what the loss compares with), ``labels`` int64 ``[N]`` (what
    accuracy counts).  Where a label is ``UNLABELLED`` the row of the targets is zeros.
    ``groups`` names further numbers per image, such as the age;
    ``weights`` is how much each image counts in training, 1 on average (float32 ``[N]``).
    ``votes`` are further opinions on the images, shares of people float32 ``[N, V]``, with
    zeros for an image on which nobody voted.  ``sources`` names, per image, whose it is.
    ``digests`` are ``digest`` of the images before borders were put around them, uint64 ``[N]``:
    those of copies are equal, whatever other images there are.
    """

    images: np.ndarray
    targets: np.ndarray
    labels: np.ndarray
    groups: dict[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray | None = None
    votes: np.ndarray | None = None
    sources: np.ndarray | None = None
    digests: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def select(self, keep: np.ndarray) -> FaceSet:
        """Return the images where ``keep`` (a mask or indices) says so."""
        return FaceSet(
            self.images[keep],
            self.targets[keep],
            self.labels[keep],
            {name: values[keep] for name, values in self.groups.items()},
            *(
                None if values is None else values[keep]
                for values in (self.weights, self.votes, self.sources, self.digests)
            ),
        )

    def count_by_source(self) -> dict[str, int]:
        """Return how many images each source has, by its name."""
        if self.sources is None:
            return {}
        names, counts = np.unique(self.sources, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class Sample:
    """
    An image to measure on, served to a network as the node would serve it.

    ``image`` is uint8 BGR ``[H, W, 3]``; ``box`` the face as a detector would draw it, in
    pixels of ``image`` (it may reach beyond); ``label`` indexes the labels of the task.
    ``groups`` holds ``age`` (years) and ``race`` (indexes ``utkface.RACES``) where they are
    known; ``name`` is the file or row, for reports; ``source`` and ``group`` as of ``Entry``.
    """

    image: np.ndarray
    box: Box
    label: int
    groups: dict[str, int]
    name: str
    source: str = ''
    group: str = ''


def balancing_weights(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """
    Return float32 ``[N]`` weights by which all labels count the same within each group.

    ``labels`` and ``groups`` are int ``[N]``.  A group keeps the share it has of the images.
    """
    weights = np.empty(len(labels), dtype=np.float32)
    for group in np.unique(groups):
        inside = groups == group
        found, counts = np.unique(labels[inside], return_counts=True)
        for label, count in zip(found, counts, strict=True):
            weights[inside & (labels == label)] = inside.sum() / (len(found) * count)
    return weights


def evening_weights(values: np.ndarray, share: float) -> np.ndarray:
    """
    Return float32 ``[N]`` weights, 1 on average, by which rare ``values [N]`` count more.

    With a ``share`` of 0 each image counts the same, with 1 each value; 0.5 is between: a value
    with four times the images counts twice as much altogether.
    """
    _, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    weights = counts[groups].astype(np.float64) ** -share
    return (weights / weights.mean()).astype(np.float32)


def split_for_calibration(faces: FaceSet, share: float) -> tuple[FaceSet, FaceSet]:
    """
    Return what of ``faces`` is learned from, and about ``share`` (0..1) to calibrate with.

    The pixels decide, so that it is the same part each time, and copies are in the same one.
    """
    kept_back = digests_of(faces) < share * 2.0**64
    kept_back &= faces.labels != UNLABELLED
    return faces.select(~kept_back), faces.select(kept_back)


def digests_of(faces: FaceSet) -> np.ndarray:
    """Return a number for each image, uint64 ``[N]``, that is the same for copies alone."""
    if faces.digests is not None:
        return faces.digests
    return np.array([digest(image) for image in faces.images], np.uint64)


def digest(image: np.ndarray) -> int:
    """Return a number of 64 bits that only copies of ``image`` share."""
    return int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:8], 'big')


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """
    Return float32 ``[N, K]`` rows with a single 1 at each of ``labels`` (int ``[N]``).

    Rows of ``UNLABELLED`` are zeros.
    """
    rows = np.eye(num_classes, dtype=np.float32)[labels]
    rows[np.asarray(labels) == UNLABELLED] = 0
    return rows


def existing_file(path: Path | str, what: str) -> Path:
    """
    Return ``path`` as a ``Path``.

    Raises ``DatasetError``, saying ``what`` the file would be, when it is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f'{path} does not exist: it should be {what}')
    return path


def single(data: Path | str | Sequence[Path | str]) -> Path:
    """Return the one path of ``data``; raises ``DatasetError`` for several."""
    paths = [data] if isinstance(data, (str, Path)) else list(data)
    if len(paths) != 1:
        raise DatasetError(
            f'scenes for a detector lie as .zip files in one folder: give that one instead of '
            f'{len(paths)} paths'
        )
    return Path(paths[0])
