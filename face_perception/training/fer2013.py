"""
FER-2013 (Goodfellow et al. 2013) with the votes of FER+ (Barsoum et al. 2016).

A file is an ``.npz`` with ``image`` uint8 ``[N, 48, 48]``, ``emotion`` int8 ``[N]`` (the
official label, in the order of ``core.types.EMOTIONS``) and ``ferplus_votes`` uint8
``[N, 10]``: how many of ten people said what, in the order of ``VOTES``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.types import EMOTIONS, Box
from .datasets import DatasetError, FaceSet, existing_file, one_hot

TRAIN_FILE = 'fer2013_train.npz'
PUBLIC_FILE = 'fer2013_public.npz'
#: Length of a side of the square pictures, in pixels.
SIZE = 48
#: The columns of ``ferplus_votes``.
VOTES = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear',
         'contempt', 'unknown', 'not-a-face')
#: Columns of ``ferplus_votes`` that hold the seven emotions, in the order of ``EMOTIONS``.
VOTES_OF_EMOTIONS = tuple(VOTES.index(name) for name in (
    'anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral'))


def load_fer2013(path: Path | str, votes_weight: float = 0.0) -> FaceSet:
    """
    Read one split of FER-2013.

    Targets are ``1 - votes_weight`` of the official label and ``votes_weight`` (0..1) of the
    shares of the FER+ votes; a picture without votes keeps the official label alone.
    ``groups['not_a_face']`` tells where most voters saw no face.

    Raises ``DatasetError`` when the file is missing or has another form.
    """
    path = existing_file(path, 'a split of FER-2013 as .npz')
    try:
        with np.load(path) as file:
            images, labels, votes = file['image'], file['emotion'], file['ferplus_votes']
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DatasetError(f'{path} cannot be read as FER-2013: {error}') from error
    count = len(labels)
    if images.shape != (count, SIZE, SIZE) or votes.shape != (count, len(VOTES)):
        raise DatasetError(
            f'{path} has images {images.shape}, {count} labels and votes {votes.shape}; '
            f'expected [N, {SIZE}, {SIZE}], [N] and [N, {len(VOTES)}]')
    if images.dtype != np.uint8 or labels.min(initial=0) < 0 or \
            labels.max(initial=0) >= len(EMOTIONS):
        raise DatasetError(f'{path}: images must be uint8 and labels 0..{len(EMOTIONS) - 1}')
    labels = labels.astype(np.int64)
    not_a_face = votes[:, VOTES.index('not-a-face')] * 2 > np.maximum(votes.sum(axis=1), 1)
    return FaceSet(images[..., np.newaxis], mixed_targets(labels, votes, votes_weight), labels,
                   {'not_a_face': not_a_face})


def mixed_targets(labels: np.ndarray, votes: np.ndarray, votes_weight: float) -> np.ndarray:
    """Return float32 ``[N, 7]``: the official ``labels`` softened by FER+ ``votes``."""
    official = one_hot(labels, len(EMOTIONS))
    counts = votes[:, VOTES_OF_EMOTIONS].astype(np.float32)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, counts / np.maximum(total, 1), official)
    return (1 - votes_weight) * official + votes_weight * shares


def without_copies(faces: FaceSet, others: FaceSet) -> FaceSet:
    """Return ``faces`` without the pictures that ``others`` has too, pixel for pixel."""
    known = {image.tobytes() for image in others.images}
    return faces.select(np.array([image.tobytes() not in known for image in faces.images]))


def face_box(margin: float) -> Box:
    """
    Return the face box, in a FER-2013 picture, whose crop is the whole picture.

    FER-2013 pictures are crops already; ``margin`` (see ``core.crops``) was measured so that
    a detector's box grows to them.
    """
    side = SIZE / (1 + 2 * margin)
    return Box((SIZE - side) / 2, (SIZE - side) / 2, side, side)


def load_emotion(folder: Path | str, votes_weight: float) -> tuple[FaceSet, FaceSet]:
    """
    Return the training and the validation set (PublicTest) from the files in ``folder``.

    Training leaves out copies of validation pictures and what voters called no face.
    """
    public = load_fer2013(Path(folder) / PUBLIC_FILE)
    train = without_copies(load_fer2013(Path(folder) / TRAIN_FILE, votes_weight), public)
    return train.select(~train.groups['not_a_face']), public
