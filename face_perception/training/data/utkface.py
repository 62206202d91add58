"""
UTKFace (Zhang, Song and Qi 2017): aligned face chips with age, gender and race labels.

A ``.zip`` file or a folder with ``index.csv`` (columns file, age, gender: 0 male, 1 female, race:
0..4 in the order of ``RACES``) and the chips, square colour images that OpenCV can decode.
``utkface_folder`` reads the original images, whose names are the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...core.types import GENDERS, Box
from .entries import Entry, is_held_out, split_by_name
from .faults import Faults, MalformedError
from .indexed import INDEX, IndexedImages, columns_of, may_have_index

FILE = 'utkface_train.zip'
SOURCE = 'UTKFace'
COLUMNS = ('file', 'age', 'gender', 'race')
#: The data set's race labels, in the order of its numbers.
RACES = ('White', 'Black', 'Asian', 'Indian', 'other')
#: What the data set's gender numbers mean.
GENDER_OF_NUMBER = {0: 'male', 1: 'female'}
#: Where a detector sees the face in a chip: centre x, centre y, side as shares of the chip.
#: Medians of measure_margin; the chips are aligned, so one box fits all of them.
FACE_IN_CHIP = (0.48, 0.45, 1.0)
#: Younger faces are left out: the label of a small child can hardly be seen in its face.
MINIMUM_AGE = 10
#: The data set's oldest are 116 years old.
MAXIMUM_AGE = 120


@dataclass(frozen=True)
class Chip:
    """
    One image of UTKFace with its labels.

    ``gender`` indexes ``core.types.GENDERS``, ``race`` indexes ``RACES``; ``age`` is in years.
    ``decode`` returns the image or raises ``MalformedError``; ask it before the next chip.
    """

    name: str
    age: int
    gender: int
    race: int
    decode: Callable[[], np.ndarray]

    @property
    def image(self) -> np.ndarray:
        """Return the image, uint8 BGR ``[S, S, 3]``."""
        image = self.decode()
        height, width = image.shape[:2]
        if height != width:
            raise MalformedError(
                f'the image is {width}x{height}, not square: what is meant is '
                'the "aligned and cropped" set'
            )
        return image

    @property
    def held_out(self) -> bool:
        """Tell whether the chip belongs to the tenth that is kept for validation."""
        return is_held_out(self.name)

    def read(self) -> tuple[np.ndarray, Box]:
        """Return image and face box as an ``Entry`` does."""
        image = self.image
        return image, face_box(image.shape[0])


def chip_from(
    name: str, age: str, gender: str, race: str, decode: Callable[[], np.ndarray]
) -> Chip:
    """Return the chip with the data set's own numbers; raises ``MalformedError``."""
    try:
        numbers = int(age), int(gender), int(race)
    except (TypeError, ValueError):
        raise MalformedError(
            f'age {age}, gender {gender}, race {race} are not all numbers'
        ) from None
    for what, number, highest in zip(
        ('age', 'gender', 'race'), numbers, (MAXIMUM_AGE, 1, len(RACES) - 1), strict=True
    ):
        if not 0 <= number <= highest:
            raise MalformedError(f'the {what} {number} is none of 0..{highest}')
    return Chip(name, numbers[0], GENDERS.index(GENDER_OF_NUMBER[numbers[1]]), numbers[2], decode)


def face_box(side: int) -> Box:
    """Return the box that a detector would draw in a chip ``side`` pixels long."""
    x, y, length = (share * side for share in FACE_IN_CHIP)
    return Box(x - length / 2, y - length / 2, length, length)


def entries(chips: Iterable[Chip], splits: Collection[str]) -> Iterator[Entry]:
    """Yield those of ``chips`` that belong to ``splits`` and are old enough."""
    for chip in chips:
        split = split_by_name(chip.name)
        if split in splits and chip.age >= MINIMUM_AGE:
            yield Entry(
                chip.name,
                chip.gender,
                split,
                chip.read,
                {'age': chip.age, 'race': chip.race},
                source=SOURCE,
                group=RACES[chip.race],
            )


def find(path: Path) -> Path | None:
    """Return the ``.zip`` file or folder that ``path`` is, by its columns, or holds, if any."""
    if (path / FILE).is_file():
        return path / FILE
    return path if may_have_index(path) and columns_of(path) >= set(COLUMNS) else None


def read(path: Path, splits: Collection[str], faults: Faults) -> Iterator[Entry]:
    """Yield the images of ``splits`` at ``path``; raises as ``read_chips`` does."""
    return entries(read_chips(path, faults), splits)


def read_chips(path: Path | str, faults: Faults | None = None) -> Iterator[Chip]:
    """
    Yield the images of a ``.zip`` file or folder, in the order of its index.

    Raises ``DatasetError`` when it is missing or malformed; what becomes of a malformed row,
    ``faults`` decides.
    """
    path = Path(path)
    faults = faults or Faults(path)
    with IndexedImages(path, 'UTKFace', COLUMNS) as images:
        for line, row in images.rows():
            name = row['file']
            try:
                yield chip_from(
                    name, row['age'], row['gender'], row['race'], partial(images.decode, name)
                )
            except MalformedError as error:
                faults.report(f'{INDEX}, line {line} ({name})', error)
