"""The data of a task, whatever form they have: to train on, and to measure on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.text import value
from ...core.types import Box
from .canvases import check_box, filling_box, training_canvas
from .datasets import (
    UNLABELLED,
    DatasetError,
    FaceSet,
    Sample,
    digest,
    digests_of,
    one_hot,
)
from .entries import SPLITS, TRAIN, VALIDATION, Entry
from .faults import STOP, Faults, MalformedError
from .fer2013 import VOTES, mixed_targets, not_a_face
from .forms import LABELS, recognise
from .weights import UNKNOWN, weights_of

if TYPE_CHECKING:  # its module needs PyTorch, which no loader does
    from ..recipe import Recipe

#: What to do where no image is held out.
HELD_OUT = (
    ': of what has no split of its own about a tenth is held out, by name; give more images, or '
    'say which (folders train and validation, or a column split in index.csv)'
)

#: A file or folder, or several: what each holds is found out by looking.
Data = Path | str | Sequence[Path | str]

_logger = logging.getLogger(__name__)


def load_task(recipe: Recipe, data: Data, malformed: str = STOP) -> tuple[FaceSet, FaceSet]:
    """
    Return the training and the validation set of ``recipe`` from ``data``.

    The images are canvases (see ``augmentation.augment``).  Copies of validation images are
    left out of training.  Emotion: so is what voters called no face; ``votes_weight`` of the
    training targets is their votes where there are any, and the votes are kept beside.
    ``weights`` even out what the recipe's ``balance_...`` say, and of gender always the two
    labels of each source and age, or of each source where ages are unknown.

    ``malformed`` is ``stop``, or ``skip`` to leave malformed images and rows out with
    warnings.  Raises ``DatasetError`` when data are malformed, in no known form, or when no
    image is left for training or for validation.
    """
    images = {TRAIN: _Images(recipe), VALIDATION: _Images(recipe)}
    for entry, image, box in _read(
        recipe.task, data, tuple(images), malformed, unlabelled=recipe.distillation > 0
    ):
        images[entry.split].add(entry, image, box)
    for split, read in images.items():
        _demand(read.labels, data, split)
    sets = _emotion_sets if recipe.task == 'emotion' else _gender_sets
    train, validation = sets(images[TRAIN], images[VALIDATION])
    train = _without_copies(train, validation)
    _demand(train.labels, data, f'{TRAIN} beside those for {VALIDATION}')
    unseen = [name for index, name in enumerate(LABELS[recipe.task]) if index not in train.labels]
    if unseen:
        _logger.warning('%s: no image to learn %s from', named(data), ', '.join(unseen))
    for source in sorted(images[TRAIN].labelled_sources - images[VALIDATION].labelled_sources):
        _logger.warning(
            '%s: learned from but not measured, as none of its images is held out: '
            'give its index.csv a column split, or more persons',
            source,
        )
    of_train, of_validation = weights_of(train, validation, recipe)
    return replace(train, weights=of_train), replace(validation, weights=of_validation)


def load_samples(
    task: str, data: Data, margin: float, split: str = VALIDATION, malformed: str = STOP
) -> list[Sample]:
    """
    Return the images of one ``split`` of ``data``, to measure on.

    Where a face fills its image, the box is such that a crop with ``margin`` (see
    ``core.crops``) shows the whole image.  ``split`` is ``validation``, ``train`` (all
    images of it, copies of others too) or ``test``, which FER-2013's own CSV files
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
            entry.source,
            entry.group,
        )
        for entry, image, box in _read(task, data, (split,), malformed)
    ]
    _demand(samples, data, split)
    return samples


def named(data: Data) -> str:
    """Return what ``data`` are called in messages."""
    return str(data) if isinstance(data, (str, Path)) else ', '.join(map(str, data))


def _read(
    task: str, data: Data, splits: Collection[str], malformed: str, unlabelled: bool = False
) -> Iterator[tuple[Entry, np.ndarray, Box | None]]:
    """
    Yield what is listed for ``splits`` with its source, its decoded image and its box.

    What has no label is left out, but for training images where ``unlabelled`` says so.
    """
    for path in [data] if isinstance(data, (str, Path)) else data:
        faults = Faults(path, malformed)
        form, found = recognise(task, path)
        source = form.source or Path(path).resolve().stem
        try:
            for entry in form.read(found, splits, faults):
                if entry.label == UNLABELLED and not (unlabelled and entry.split == TRAIN):
                    continue
                try:
                    image, box = entry.read()
                    if box is not None:
                        check_box(box, *image.shape[1::-1])
                except MalformedError as error:
                    faults.report(entry.name, error)
                else:
                    # An index may be anybody's, and both will be shown.
                    shown = value(entry.source or source)
                    yield replace(entry, source=shown, group=value(entry.group)), image, box
        except OSError as error:
            raise DatasetError(f'{path} cannot be read: {error}') from error
        faults.summarise()


def _demand(images: Collection, data: Data, split: str) -> None:
    if len(images) == 0:
        remedy = HELD_OUT if split == VALIDATION else ''
        raise DatasetError(f'{named(data)} has no usable image for {split}{remedy}')


class _Images:
    """The canvases and labels of one split, in the order in which they were added."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.labels: list[int] = []
        self._groups: list[dict[str, int]] = []
        self._sources: list[str] = []
        self._votes: list[np.ndarray | None] = []
        self._digests: list[int] = []
        # One growing block: a list of arrays would have to be copied as a whole at the end.
        self._pixels = bytearray()
        self._shape: tuple[int, ...] = ()

    def add(self, entry: Entry, image: np.ndarray, box: Box | None) -> None:
        """Keep the canvas of an image and what is known about it."""
        recipe = self.recipe
        kept = training_canvas(image, box, recipe.crop_margin, recipe.input_size, recipe.color)
        self._digests.append(digest(kept))
        kept = self._as_large(kept)
        self._pixels += kept.tobytes()
        self.labels.append(entry.label)
        self._groups.append(entry.groups)
        self._sources.append(entry.source)
        self._votes.append(entry.votes)

    @property
    def labelled_sources(self) -> set[str]:
        """Return whose the images are that have a label."""
        pairs = zip(self._sources, self.labels, strict=True)
        return {source for source, label in pairs if label != UNLABELLED}

    @property
    def has_votes(self) -> bool:
        """Tell whether people have voted on any of the images."""
        return any(votes is not None for votes in self._votes)

    def votes(self) -> np.ndarray:
        """Return uint8 ``[N, 10]``; zeros where there are none."""
        none = np.zeros(len(VOTES), dtype=np.uint8)
        return np.stack([none if votes is None else votes for votes in self._votes])

    def faces(self) -> FaceSet:
        """Return the images with their labels alone as targets; a group unknown is -1."""
        labels = np.array(self.labels, dtype=np.int64)
        known = dict.fromkeys(name for groups in self._groups for name in groups)
        groups = {
            name: np.array([groups.get(name, UNKNOWN) for groups in self._groups]) for name in known
        }
        targets = one_hot(labels, len(LABELS[self.recipe.task]))
        return FaceSet(
            self._images(),
            targets,
            labels,
            groups,
            sources=np.array(self._sources),
            digests=np.array(self._digests, np.uint64),
        )

    def _images(self) -> np.ndarray:
        return np.frombuffer(self._pixels, dtype=np.uint8).reshape(-1, *self._shape)

    def _as_large(self, kept: np.ndarray) -> np.ndarray:
        """
        Return ``kept`` as large as the images before, or enlarge those, by repeating edges.

        An image that a face fills has no border to move in, one with a box around it has.
        """
        if self._shape and kept.shape[0] > self._shape[0]:
            self._pixels = bytearray(_bordered(self._images(), kept.shape[0]).tobytes())
            self._shape = kept.shape
        self._shape = self._shape or kept.shape
        return _bordered(kept[np.newaxis], self._shape[0])[0]


def _bordered(images: np.ndarray, side: int) -> np.ndarray:
    """Return ``images [N, S, S, C]`` as ``[N, side, side, C]`` with repeated edges around."""
    border = side - images.shape[1]
    around = (border // 2, border - border // 2)
    return np.pad(images, ((0, 0), around, around, (0, 0)), mode='edge') if border else images


def _emotion_sets(train: _Images, validation: _Images) -> tuple[FaceSet, FaceSet]:
    sets = []
    for images, votes_weight in ((train, train.recipe.votes_weight), (validation, 0.0)):
        faces = images.faces()
        if images.has_votes:
            votes = images.votes()
            faces = replace(
                faces,
                targets=mixed_targets(faces.labels, votes, votes_weight),
                groups={**faces.groups, 'not_a_face': not_a_face(votes)},
                votes=votes / np.maximum(votes.sum(axis=1, keepdims=True), 1, dtype=np.float32),
            )
        sets.append(faces)
    if 'not_a_face' in sets[0].groups:
        sets[0] = sets[0].select(~sets[0].groups['not_a_face'])
    return sets[0], sets[1]


def _gender_sets(train: _Images, validation: _Images) -> tuple[FaceSet, FaceSet]:
    return train.faces(), validation.faces()


def _without_copies(train: FaceSet, validation: FaceSet) -> FaceSet:
    copies = np.isin(digests_of(train), digests_of(validation))
    return train.select(~copies) if copies.any() else train
