"""What the readers of all forms yield: images with labels, listed but not yet decoded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...core.types import Box

#: What an image is for.  ``TEST`` is neither trained on nor used to choose anything.
TRAIN, VALIDATION, TEST = SPLITS = ('train', 'validation', 'test')


@dataclass(frozen=True)
class Entry:
    """
    One image that a data set lists.

    ``read`` decodes it: uint8 BGR ``[H, W, 3]`` and the face's box in it as a detector would
    draw it, or ``None`` where the face fills the image.  It raises ``MalformedError``, and
    may be called only until the reader that yielded the entry is asked for the next one.

    ``name`` is the file or row, for messages; ``label`` indexes the labels of the task;
    ``split`` is one of ``SPLITS``; ``groups`` holds age and race where they are known;
    ``votes`` is uint8 ``[10]`` in the order of ``fer2013.VOTES``, where people have voted;
    ``source`` is whose image it is (empty: the name of the form), ``group`` another word that
    images are counted by.
    """

    name: str
    label: int
    split: str
    read: Callable[[], tuple[np.ndarray, Box | None]]
    groups: dict[str, int] = field(default_factory=dict)
    votes: np.ndarray | None = None
    source: str = ''
    group: str = ''


def is_held_out(name: str) -> bool:
    """Return whether the image called ``name`` is for validation: a fixed tenth is."""
    identifier = Path(name).stem
    return hashlib.sha256(identifier.encode()).digest()[0] % 10 == 0


def split_by_name(name: str) -> str:
    """Return the split of the image called ``name`` where a data set has no split itself."""
    return VALIDATION if is_held_out(name) else TRAIN
