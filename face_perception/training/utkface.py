"""
UTKFace (Zhang, Song and Qi 2017): aligned face chips with age, gender and race labels.

A file is a ``.zip`` with ``index.csv`` (columns file, age, gender: 0 male, 1 female, race:
0..4 in the order of ``RACES``) and the chips, square colour pictures that OpenCV can decode.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..core.classifier import COLOR_CONVERSIONS
from ..core.crops import crop_face, crop_square
from ..core.types import GENDERS, Box
from .datasets import DatasetError, FaceSet, balancing_weights, existing_file, one_hot

FILE = 'utkface_train.zip'
#: The data set's race labels, in the order of its numbers.
RACES = ('White', 'Black', 'Asian', 'Indian', 'other')
#: What the data set's gender numbers mean.
GENDER_OF_NUMBER = {0: 'male', 1: 'female'}
#: Where a detector sees the face in a chip: centre x, centre y, side as shares of the chip.
#: Medians of measure_margin; the chips are aligned, so one box fits all of them.
FACE_IN_CHIP = (0.49, 0.41, 1.02)
#: Younger faces are left out: the label of a small child can hardly be seen in its face.
MINIMUM_AGE = 10
#: Between these ages, in years, both genders count the same in training.
AGE_LIMITS = (20, 30, 40, 50, 60, 70)
#: Length of a canvas relative to the crop in its middle: room for the jitter of the boxes.
CANVAS = 4 / 3


@dataclass(frozen=True)
class Chip:
    """
    One picture of UTKFace with its labels.

    ``image`` is uint8 BGR ``[S, S, 3]``; ``gender`` indexes ``core.types.GENDERS``, ``race``
    indexes ``RACES``; ``age`` is in years.
    """

    name: str
    image: np.ndarray
    age: int
    gender: int
    race: int

    @property
    def face_box(self) -> Box:
        """Return the box that a detector would draw, in pixels of ``image``."""
        x, y, side = (share * self.image.shape[0] for share in FACE_IN_CHIP)
        return Box(x - side / 2, y - side / 2, side, side)

    @property
    def held_out(self) -> bool:
        """Tell whether the chip belongs to the tenth that is kept for validation."""
        return is_held_out(self.name)


def is_held_out(name: str) -> bool:
    """Return whether the picture called ``name`` is for validation: a fixed tenth is."""
    identifier = Path(name).stem
    return hashlib.sha256(identifier.encode()).digest()[0] % 10 == 0


def read_chips(path: Path | str) -> Iterator[Chip]:
    """
    Yield the pictures of a UTKFace file, in the order of its index.

    Raises ``DatasetError`` when the file is missing or malformed.
    """
    path = existing_file(path, 'UTKFace as .zip with index.csv')
    try:
        with zipfile.ZipFile(path) as archive:
            index = csv.DictReader(io.StringIO(archive.read('index.csv').decode()))
            for row in index:
                yield _read_chip(archive, row)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DatasetError(f'{path} cannot be read as UTKFace: {error}') from error


def _read_chip(archive: zipfile.ZipFile, row: dict[str, str]) -> Chip:
    """Decode the picture of one ``row``; raises ``ValueError`` when that is impossible."""
    encoded = np.frombuffer(archive.read(row['file']), dtype=np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    if image is None or image.shape[0] != image.shape[1]:
        raise ValueError(f'{row["file"]} is not a square picture')
    race = int(row['race'])
    if not 0 <= race < len(RACES):
        raise ValueError(f'{row["file"]} has the unknown race {race}')
    gender = GENDERS.index(GENDER_OF_NUMBER[int(row['gender'])])
    return Chip(row['file'], image, int(row['age']), gender, race)


def canvas(image: np.ndarray, box: Box, margin: float, size: int) -> np.ndarray:
    """
    Return a crop of ``image`` around ``box`` with a border to move in.

    The middle ``size`` x ``size`` pixels are what ``crop_face`` with ``margin`` shows, at the
    same scale within 1 %; the result is ``CANVAS`` times as long on each side.
    """
    length = round(size * CANVAS / 2) * 2
    square = crop_square(box, margin)
    border = round(square.width * (CANVAS - 1) / 2)
    # Whole pixels, as crop_face rounds them: both then have the same centre.
    left, top, side = round(square.x), round(square.y), round(square.width)
    wider = Box(left - border, top - border, side + 2 * border, side + 2 * border)
    return crop_face(image, wider, 0.0, length)


def load_gender(folder: Path | str, margin: float, size: int,
                color: str = 'rgb') -> tuple[FaceSet, FaceSet]:
    """
    Return the training and the validation set of UTKFace from the file in ``folder``.

    The pictures are canvases of crops of ``size`` pixels, ``color`` is ``rgb`` or ``gray``;
    groups are ``age`` and ``race``, weights even out the genders of each age.  Raises
    ``DatasetError`` when the file cannot be used.
    """
    chips, images = [], []
    for chip in read_chips(Path(folder) / FILE):
        if chip.age >= MINIMUM_AGE:
            image = canvas(chip.image, chip.face_box, margin, size)
            image = cv2.cvtColor(image, COLOR_CONVERSIONS[color])
            images.append(image.reshape(*image.shape[:2], -1))
            chips.append((chip.gender, chip.age, chip.race, chip.held_out))
    if not chips:
        raise DatasetError(f'{Path(folder) / FILE} has no face of {MINIMUM_AGE} years or more')
    labels, ages, races, held_out = (np.array(column) for column in zip(*chips, strict=True))
    # Without weights a network learns the data set's habit: past forty, two of three are men.
    faces = FaceSet(np.stack(images), one_hot(labels, len(GENDERS)), labels.astype(np.int64),
                    {'age': ages, 'race': races},
                    balancing_weights(labels, np.digitize(ages, AGE_LIMITS)))
    return faces.select(~held_out), faces.select(held_out)
