"""The data of a task, whatever form they have: to train on, and to measure on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.types import Box
from .canvases import filling_box, training_canvas
from .datasets import DatasetError, FaceSet, Sample, balancing_weights, one_hot
from .entries import SPLITS, TRAIN, VALIDATION, Entry
from .faults import STOP, Faults, MalformedError
from .fer2013 import VOTES, mixed_targets, not_a_face
from .forms import LABELS, recognise

if TYPE_CHECKING:  # its module needs PyTorch, which no loader does
    from ..recipe import Recipe

#: Between these ages, in years, both genders count the same in training.
AGE_LIMITS = (20, 30, 40, 50, 60, 70)

_logger = logging.getLogger(__name__)


def load_task(recipe: Recipe, path: Path | str, malformed: str = STOP) -> tuple[FaceSet, FaceSet]:
    """
    Return the training and the validation set of ``recipe`` from the file or folder ``path``.

    The pictures are canvases (see ``augmentation.augment``).  Emotion: copies of validation
    pictures, and what voters called no face, are left out of training; ``votes_weight`` of the
    training targets is their votes where there are any, and the votes are kept beside.  Gender:
    ``weights`` even out the genders of each age, or altogether where ages are unknown.

    ``malformed`` is ``stop``, or ``skip`` to leave malformed pictures and rows out with
    warnings.  Raises ``DatasetError`` when data are malformed, in no known form, or when no
    picture is left for training or for validation.
    """
    pictures = {TRAIN: _Pictures(recipe), VALIDATION: _Pictures(recipe)}
    for entry, image, box in _read(recipe.task, path, tuple(pictures), malformed):
        pictures[entry.split].add(entry, image, box)
    for split, read in pictures.items():
        _demand(read.labels, path, split)
    if recipe.task == 'emotion':
        train, validation = _emotion_sets(pictures[TRAIN], pictures[VALIDATION])
    else:
        train, validation = _gender_sets(pictures[TRAIN], pictures[VALIDATION])
    _demand(train.labels, path, f'{TRAIN} beside those for {VALIDATION}')
    unseen = [name for index, name in enumerate(LABELS[recipe.task]) if index not in train.labels]
    if unseen:
        _logger.warning('%s: no picture to learn %s from', path, ', '.join(unseen))
    return train, validation


def load_samples(
    task: str, path: Path | str, margin: float, split: str = VALIDATION, malformed: str = STOP
) -> list[Sample]:
    """
    Return the pictures of one ``split`` of the file or folder ``path``, to measure on.

    Where a face fills its picture, the box is such that a crop with ``margin`` (see
    ``core.crops``) shows the whole picture.  ``split`` is ``validation``, ``train`` (all
    pictures of it, copies of others too) or ``test``, which FER-2013's own CSV files
    (PrivateTest) and folders named ``test`` beside ``validation`` have.

    ``malformed`` and errors are those of ``load_task``; an unknown split is a ``ValueError``.
    """
    if split not in SPLITS:
        raise ValueError(f'split must be one of {SPLITS}, not {split!r}')
    samples = [
        Sample(
            image,
            box or filling_box(image.shape[1], image.shape[0], margin),
            entry.label,
            dict(entry.groups),
            entry.name,
        )
        for entry, image, box in _read(task, path, (split,), malformed)
    ]
    _demand(samples, path, split)
    return samples


def _read(
    task: str, path: Path | str, splits: Collection[str], malformed: str
) -> Iterator[tuple[Entry, np.ndarray, Box | None]]:
    """Yield what is listed for ``splits`` with its decoded picture and its box."""
    faults = Faults(path, malformed)
    form, found = recognise(task, path)
    try:
        for entry in form.read(found, splits, faults):
            try:
                image, box = entry.read()
            except MalformedError as error:
                faults.report(entry.name, error)
            else:
                yield entry, image, box
    except OSError as error:
        raise DatasetError(f'{path} cannot be read: {error}') from error
    faults.summarise()


def _demand(pictures: Collection, path: Path | str, split: str) -> None:
    if len(pictures) == 0:
        raise DatasetError(f'{path} has no usable picture for {split}')


class _Pictures:
    """The canvases and labels of one split, in the order in which they were added."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.labels: list[int] = []
        self._groups: list[dict[str, int]] = []
        self._votes: list[np.ndarray | None] = []
        # One growing block: a list of arrays would have to be copied as a whole at the end.
        self._pixels = bytearray()
        self._shape: tuple[int, ...] = ()

    def add(self, entry: Entry, image: np.ndarray, box: Box | None) -> None:
        """Keep the canvas of a picture and what is known about it."""
        recipe = self.recipe
        kept = training_canvas(image, box, recipe.crop_margin, recipe.input_size, recipe.color)
        self._shape = kept.shape
        self._pixels += kept.tobytes()
        self.labels.append(entry.label)
        self._groups.append(entry.groups)
        self._votes.append(entry.votes)

    @property
    def has_votes(self) -> bool:
        """Tell whether people have voted on any of the pictures."""
        return any(votes is not None for votes in self._votes)

    def votes(self) -> np.ndarray:
        """Return uint8 ``[N, 10]``; zeros where there are none."""
        none = np.zeros(len(VOTES), dtype=np.uint8)
        return np.stack([none if votes is None else votes for votes in self._votes])

    def faces(self) -> FaceSet:
        """Return the pictures with their labels alone as targets."""
        labels = np.array(self.labels, dtype=np.int64)
        images = np.frombuffer(self._pixels, dtype=np.uint8).reshape(-1, *self._shape)
        groups = {
            name: np.array([groups[name] for groups in self._groups]) for name in self._groups[0]
        }
        return FaceSet(images, one_hot(labels, len(LABELS[self.recipe.task])), labels, groups)


def _emotion_sets(train: _Pictures, validation: _Pictures) -> tuple[FaceSet, FaceSet]:
    sets = []
    for pictures, votes_weight in ((train, train.recipe.votes_weight), (validation, 0.0)):
        faces = pictures.faces()
        if pictures.has_votes:
            votes = pictures.votes()
            faces = FaceSet(
                faces.images,
                mixed_targets(faces.labels, votes, votes_weight),
                faces.labels,
                {'not_a_face': not_a_face(votes)},
                votes=votes / np.maximum(votes.sum(axis=1, keepdims=True), 1, dtype=np.float32),
            )
        sets.append(faces)
    known = {image.tobytes() for image in sets[1].images}
    keep = np.array([image.tobytes() not in known for image in sets[0].images])
    if 'not_a_face' in sets[0].groups:
        keep &= ~sets[0].groups['not_a_face']
    return sets[0].select(keep), sets[1]


def _gender_sets(train: _Pictures, validation: _Pictures) -> tuple[FaceSet, FaceSet]:
    sets = train.faces(), validation.faces()
    labels = np.concatenate([faces.labels for faces in sets])
    ages = np.concatenate([faces.groups.get('age', np.zeros(len(faces))) for faces in sets])
    # Without weights a network learns the data set's habit: past forty, two of three are men.
    weights = balancing_weights(labels, np.digitize(ages, AGE_LIMITS))
    return tuple(
        FaceSet(faces.images, faces.targets, faces.labels, faces.groups, part)
        for faces, part in zip(sets, np.split(weights, [len(train.labels)]), strict=True)
    )
