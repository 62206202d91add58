"""
IMDB-WIKI (Rothe, Timofte and Van Gool 2015): ``imdb.mat`` or ``wiki.mat`` and its images.

The file has one struct, ``imdb`` or ``wiki``, with a value per image: ``dob`` (birth as a
Matlab date number), ``photo_taken`` (year), ``full_path`` (beside the file), ``gender``
(0 female, 1 male, NaN unknown), ``face_location`` (left, upper, right, lower edge in pixels
that are counted from 1), ``face_score`` (-inf: no face) and ``second_face_score`` (NaN: none).

The set is also published with "cropped faces": each image is the face and 40 % of its size
around it, but ``face_location`` is still that of the whole photograph.  Such images are told
by the folder's name (``imdb_crop``, ``wiki_crop``) or by their size; the face is in their middle.

The split is by image, and IMDb has many images of each person: a number measured on the
part held out is too good.
"""

from __future__ import annotations

import datetime
import logging
import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...core.types import GENDERS, Box
from .datasets import DatasetError
from .entries import Entry, split_by_name
from .faults import Faults, MalformedError
from .images import read_image, sub_folders

NAMES = ('imdb.mat', 'wiki.mat')
FIELDS = (
    'dob',
    'photo_taken',
    'full_path',
    'gender',
    'face_location',
    'face_score',
    'second_face_score',
)
#: Ages, in years, that are plausible; younger faces hardly show the label.
MINIMUM_AGE, MAXIMUM_AGE = 10, 100
#: Length of a "cropped face" relative to the face in its middle.
CROPPED = 1.8
#: How far the size of a cropped image may be from that, as a share of it.
TOLERANCE = 0.02

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One row of the table, with the values as they are in the file."""

    dob: float
    photo_taken: float
    full_path: str
    gender: float
    face_location: tuple[float, ...]
    face_score: float
    second_face_score: float

    @property
    def age(self) -> int | None:
        """Return whole years in the middle of the year of the photograph, if it is known."""
        if not (math.isfinite(self.dob) and math.isfinite(self.photo_taken)):
            return None
        # Matlab counts days from the year 0, which Python has not.
        ordinal = min(max(int(self.dob) - 366, 1), datetime.date.max.toordinal())
        birth = datetime.date.fromordinal(ordinal)
        return int(self.photo_taken) - birth.year - (birth.month >= 7)

    @property
    def unusable(self) -> str | None:
        """Return why the image is none to learn from, ``None`` when it is one."""
        if math.isnan(self.face_score) or self.face_score == -math.inf:
            return 'without a face'
        if not math.isnan(self.second_face_score):
            return 'with a second face'
        if math.isnan(self.gender):
            return 'of unknown gender'
        if self.age is None or not MINIMUM_AGE <= self.age <= MAXIMUM_AGE:
            return f'not {MINIMUM_AGE} to {MAXIMUM_AGE} years old'
        return None


def find(path: Path) -> list[Path] | None:
    """Return the ``.mat`` files that ``path`` is or holds, itself or one folder below."""
    if path.is_file():
        return [path] if path.suffix.lower() == '.mat' else None
    files = [folder / name for folder in (path, *sub_folders(path)) for name in NAMES]
    return [file for file in files if file.is_file()] or None


def read(paths: list[Path], splits: Collection[str], faults: Faults) -> Iterator[Entry]:
    """
    Yield the images of ``splits``: one face, known gender, 10 to 100 years old.

    Raises ``DatasetError`` when a file is no such table or SciPy is missing.
    """
    for path in paths:
        left_out: Counter[str] = Counter()
        for number, row in enumerate(read_rows(path), start=1):
            reason = row.unusable
            if reason:
                left_out[reason] += 1
            elif row.gender not in range(len(GENDERS)):
                faults.report(
                    f'{path.name}, row {number}', f'the gender {row.gender} is neither 0 nor 1'
                )
            elif split_by_name(row.full_path) in splits:
                yield Entry(
                    f'{row.full_path} ({path.name}, row {number})',
                    int(row.gender),
                    split_by_name(row.full_path),
                    partial(_read, path.parent, row),
                    {} if row.age is None else {'age': row.age},
                )
        for reason, count in left_out.items():
            _logger.info('%s: images %s: %d, left out', path, reason, count)


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a ``.mat`` file; raises ``DatasetError`` when it has another form."""
    table = _load(path)
    missing = [name for name in FIELDS if name not in (table.dtype.names or ())]
    if missing or table.size != 1:
        raise DatasetError(f'{path} has not the fields of IMDB-WIKI: {missing or table.shape}')
    columns = [np.ravel(table.flat[0][name]) for name in FIELDS]
    lengths = {name: len(column) for name, column in zip(FIELDS, columns, strict=True)}
    if len(set(lengths.values())) != 1:
        raise DatasetError(f'{path}: the fields have not the same length: {lengths}')
    for row in zip(*columns, strict=True):
        values = dict(zip(FIELDS, row, strict=True))
        try:
            yield Row(
                **{
                    name: float(value)
                    for name, value in values.items()
                    if name not in ('full_path', 'face_location')
                },
                full_path=''.join(np.ravel(values['full_path']).astype(str)),
                face_location=tuple(np.ravel(values['face_location']).astype(float)),
            )
        except (TypeError, ValueError) as error:
            raise DatasetError(f'{path} is no table of IMDB-WIKI: {error}') from error


def _load(path: Path) -> np.ndarray:
    """Return the struct array in ``path``, however Matlab's file is made."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise DatasetError(f'{path} needs SciPy to be read: pip install scipy') from error
    try:
        content = loadmat(path)
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise DatasetError(f'{path} cannot be read as a Matlab file: {error}') from error
    for name in ('imdb', 'wiki'):
        if name in content:
            return content[name]
    raise DatasetError(
        f'{path} has neither imdb nor wiki: it has '
        f'{[name for name in content if not name.startswith("__")]}'
    )


def _read(folder: Path, row: Row) -> tuple[np.ndarray, Box]:
    image = read_image(folder / row.full_path)
    height, width = image.shape[:2]
    return image, face_box(row.face_location, width, height, folder.name.endswith('_crop'))


def face_box(location: tuple[float, ...], width: int, height: int, cropped: bool = False) -> Box:
    """
    Return the face box in an image of ``width`` x ``height`` pixels.

    ``location`` is left, upper, right and lower edge in the whole photograph, both ends
    included, counted from 1; ``cropped`` tells that the image is a cropped face whatever its
    size.  Raises ``MalformedError`` when it is no box in the image.
    """
    if len(location) != 4 or not all(map(math.isfinite, location)):
        raise MalformedError(f'face_location {location} is no box')
    left, upper, right, lower = location
    box = Box(left - 1, upper - 1, right - left + 1, lower - upper + 1)
    if box.width <= 1 or box.height <= 1:
        raise MalformedError(f'face_location {location} is no box')
    if cropped or _is_cropped(box, width, height):
        return Box(
            width / 2 - width / CROPPED / 2,
            height / 2 - height / CROPPED / 2,
            width / CROPPED,
            height / CROPPED,
        )
    if box.clipped(width, height).area == 0:
        raise MalformedError(
            f'face_location {location} is outside the image of {width}x{height} pixels'
        )
    return box


def _is_cropped(box: Box, width: int, height: int) -> bool:
    return all(
        abs(whole - CROPPED * face) <= max(2, TOLERANCE * whole)
        for whole, face in ((width, box.width), (height, box.height))
    )
