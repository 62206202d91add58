"""
FER-2013 (Goodfellow et al. 2013) with the votes of FER+ (Barsoum et al. 2016), as ``.npz``.

A file has ``image`` uint8 ``[N, 48, 48]``, ``emotion`` int8 ``[N]`` (the official label, in
the order of ``core.types.EMOTIONS``) and ``ferplus_votes`` uint8 ``[N, 10]``: how many of ten
people said what, in the order of ``VOTES``.  ``fer2013_csv`` reads the official files.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ...core.types import EMOTIONS
from .datasets import DatasetError, FaceSet, existing_file, one_hot
from .entries import TRAIN, VALIDATION, Entry
from .faults import Faults

SOURCE = 'FER-2013'
TRAIN_FILE = 'fer2013_train.npz'
PUBLIC_FILE = 'fer2013_public.npz'
#: Length of a side of the square images, in pixels.
SIZE = 48
#: The columns of ``ferplus_votes``.
VOTES = (
    'neutral',
    'happiness',
    'surprise',
    'sadness',
    'anger',
    'disgust',
    'fear',
    'contempt',
    'unknown',
    'not-a-face',
)
#: Columns of ``ferplus_votes`` that hold the seven emotions, in the order of ``EMOTIONS``.
VOTES_OF_EMOTIONS = tuple(
    VOTES.index(name)
    for name in ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral')
)


def find(path: Path) -> Path | None:
    """Return the folder of the ``.npz`` files that ``path`` is or is one of, else ``None``."""
    names = (TRAIN_FILE, PUBLIC_FILE)
    if path.is_file():
        return path.parent if path.name in names else None
    return path if any((path / name).is_file() for name in names) else None


def read(folder: Path, splits: Collection[str], faults: Faults) -> Iterator[Entry]:
    """
    Yield the images of ``splits``; PublicTest is for validation.

    Raises ``DatasetError`` when a file is missing or has another form.
    """
    for split, name in ((TRAIN, TRAIN_FILE), (VALIDATION, PUBLIC_FILE)):
        if split not in splits:
            continue
        images, labels, votes = _read_arrays(folder / name)
        for index, label in enumerate(labels.tolist()):
            where = f'{name}, image {index} (the first is 0)'
            if 0 <= label < len(EMOTIONS):
                yield Entry(
                    where, label, split, partial(as_image, images[index]), votes=votes[index]
                )
            else:
                faults.report(where, unknown_label(label))


def load_fer2013(path: Path | str, votes_weight: float = 0.0) -> FaceSet:
    """
    Read one split of FER-2013, whatever it is for, with targets as ``mixed_targets`` says.

    ``groups['not_a_face']`` tells where most voters saw no face.  Raises ``DatasetError``
    when the file is missing or malformed.
    """
    images, labels, votes = _read_arrays(path)
    for label in labels:
        if not 0 <= label < len(EMOTIONS):
            raise DatasetError(f'{path}: {unknown_label(label)}')
    labels = labels.astype(np.int64)
    return FaceSet(
        images[..., np.newaxis],
        mixed_targets(labels, votes, votes_weight),
        labels,
        {'not_a_face': not_a_face(votes)},
    )


def _read_arrays(path: Path | str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images, labels and votes of a file; labels may still be out of range."""
    path = existing_file(path, 'a split of FER-2013 as .npz')
    try:
        with np.load(path) as file:
            images, labels, votes = file['image'], file['emotion'], file['ferplus_votes']
    # AttributeError or TypeError: a single array, saved with np.save.
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        AttributeError,
        TypeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DatasetError(f'{path} cannot be read as FER-2013: {error}') from error
    count = len(labels) if labels.ndim == 1 else -1
    if images.shape != (count, SIZE, SIZE) or votes.shape != (count, len(VOTES)):
        raise DatasetError(
            f'{path} has images {images.shape}, labels {labels.shape} and votes {votes.shape}; '
            f'expected [N, {SIZE}, {SIZE}], [N] and [N, {len(VOTES)}]'
        )
    if images.dtype != np.uint8 or labels.dtype.kind not in 'iu':
        raise DatasetError(
            f'{path}: images must be uint8 and labels integers, '
            f'not {images.dtype} and {labels.dtype}'
        )
    return images, labels, votes


def as_image(gray: np.ndarray) -> tuple[np.ndarray, None]:
    """Return a gray image ``[H, W]`` as an ``Entry`` gives it; the face fills it."""
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), None


def unknown_label(label: object) -> str:
    """Return what is wrong with a ``label`` that is no emotion."""
    return f'the label {label} is none of 0..{len(EMOTIONS) - 1}'


def not_a_face(votes: np.ndarray) -> np.ndarray:
    """Return a mask ``[N]``: where most ``votes`` (``[N, 10]``) are for 'not-a-face'."""
    return votes[:, VOTES.index('not-a-face')] * 2 > np.maximum(votes.sum(axis=1), 1)


def mixed_targets(labels: np.ndarray, votes: np.ndarray, votes_weight: float) -> np.ndarray:
    """
    Return float32 ``[N, 7]``: the official ``labels`` softened by FER+ ``votes``.

    Targets are ``1 - votes_weight`` of the official label and ``votes_weight`` (0..1) of the
    shares of the votes; an image without votes keeps the official label alone.
    """
    official = one_hot(labels, len(EMOTIONS))
    counts = votes[:, VOTES_OF_EMOTIONS].astype(np.float32)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, counts / np.maximum(total, 1), official)
    return (1 - votes_weight) * official + votes_weight * shares
