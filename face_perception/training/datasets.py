"""What a training set is, and which files hold the one of each task."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..core.errors import FacePerceptionError


class DatasetError(FacePerceptionError):
    """A data set is missing, damaged, or not in the form that its loader reads."""


@dataclass(frozen=True)
class FaceSet:
    """
    Pictures of faces and what they show.

    ``images`` is uint8 ``[N, S, S, C]`` (C = 1 gray or 3 RGB), ``targets`` float32 ``[N, K]``
    with rows that sum to 1 (what the loss compares with), ``labels`` int64 ``[N]`` (what
    accuracy counts).  ``groups`` names further numbers per picture, such as the age.
    """

    images: np.ndarray
    targets: np.ndarray
    labels: np.ndarray
    groups: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.images)

    def select(self, keep: np.ndarray) -> FaceSet:
        """Return the pictures where ``keep`` (a mask or indices) says so."""
        return FaceSet(self.images[keep], self.targets[keep], self.labels[keep],
                       {name: values[keep] for name, values in self.groups.items()})


def one_hot(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return float32 ``[N, K]`` rows with a single 1 at each of ``labels`` (int ``[N]``)."""
    return np.eye(num_classes, dtype=np.float32)[labels]


def existing_file(folder: Path | str, name: str, what: str) -> Path:
    """
    Return the path of ``name`` in ``folder``.

    Raises ``DatasetError``, saying what the file would be, when it is not there.
    """
    path = Path(folder) / name
    if not path.is_file():
        raise DatasetError(f'{path} does not exist: it should be {what}')
    return path
