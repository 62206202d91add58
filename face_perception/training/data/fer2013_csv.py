"""
FER-2013 and FER+ as their authors publish them: ``fer2013.csv`` and ``fer2013new.csv``.

``fer2013.csv`` has the columns emotion (0..6 in the order of ``core.types.EMOTIONS``), pixels
(48 x 48 numbers, row by row) and Usage (Training, PublicTest, PrivateTest).  The later
``icml_face_data.csv`` has the same columns in another order, with spaces in their names.
``fer2013new.csv`` beside it has the FER+ votes, row for row of the same images.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ...core.types import EMOTIONS, Box
from .datasets import DatasetError
from .entries import TEST, TRAIN, VALIDATION, Entry
from .faults import Faults, MalformedError
from .fer2013 import SIZE, VOTES, as_image, unknown_label

#: Names under which the file is published; in a folder the first that exists is read.
NAMES = ('fer2013.csv', 'icml_face_data.csv')
VOTES_NAME = 'fer2013new.csv'
COLUMNS = ('emotion', 'pixels', 'usage')
#: Columns of the votes in the order of ``fer2013.VOTES``.
VOTES_COLUMNS = (*VOTES[:-1], 'nf')
#: Faster than ``int``, and nothing else passes: a file has 80 million pixels.
_VALUE_OF = {str(value): value for value in range(256)}
SPLIT_OF_USAGE = {'Training': TRAIN, 'PublicTest': VALIDATION, 'PrivateTest': TEST}


def find(path: Path) -> Path | None:
    """Return the ``.csv`` file that ``path`` is or holds, else ``None``."""
    if path.is_file():
        return path if path.suffix.lower() == '.csv' else None
    return next((path / name for name in NAMES if (path / name).is_file()), None)


def read(path: Path, splits: Collection[str], faults: Faults) -> Iterator[Entry]:
    """
    Yield the images of ``splits``: PublicTest is for validation, PrivateTest for tests.

    Raises ``DatasetError`` when a file is no CSV, lacks a column, or when the votes are not
    those of the same rows.
    """
    rows = _rows(path, COLUMNS)
    votes_path = path.with_name(VOTES_NAME)
    if votes_path.is_file():
        votes = _rows(votes_path, ('usage', *VOTES_COLUMNS))
        return _entries(path, _side_by_side(rows, votes, votes_path), splits, faults)
    return _entries(path, ((*row, None) for row in rows), splits, faults)


def _entries(
    path: Path, rows: Iterator[tuple], splits: Collection[str], faults: Faults
) -> Iterator[Entry]:
    for line, row, counts in rows:
        name = f'{path.name}, line {line}'
        try:
            entry = _entry(name, row, counts)
        except MalformedError as error:
            faults.report(name, error)
        else:
            if entry.split in splits:
                yield entry


def _entry(name: str, row: list[str] | None, counts: list[str] | None) -> Entry:
    if row is None:
        raise MalformedError('the row has too few columns')
    label, pixels, usage = row
    if usage not in SPLIT_OF_USAGE:
        raise MalformedError(f'Usage {usage!r} is none of {", ".join(SPLIT_OF_USAGE)}')
    if label not in map(str, range(len(EMOTIONS))):
        raise MalformedError(unknown_label(repr(label)))
    return Entry(
        name,
        int(label),
        SPLIT_OF_USAGE[usage],
        partial(_read_pixels, pixels),
        votes=None if counts is None else _parse_votes(counts),
    )


def _read_pixels(text: str) -> tuple[np.ndarray, Box | None]:
    values = text.split()
    if len(values) != SIZE * SIZE:
        raise MalformedError(f'there are {len(values)} pixels, not {SIZE * SIZE}')
    try:
        gray = np.frombuffer(bytes(map(_VALUE_OF.__getitem__, values)), dtype=np.uint8)
    except KeyError as error:
        raise MalformedError(f'the pixel {error} is no number 0..255') from None
    return as_image(gray.reshape(SIZE, SIZE))


def _parse_votes(counts: list[str]) -> np.ndarray:
    try:
        return np.frombuffer(bytes(map(int, counts)), dtype=np.uint8)
    except ValueError:
        raise MalformedError(f'{VOTES_NAME} has {counts}, which are no votes') from None


def _side_by_side(
    rows: Iterator[tuple], votes: Iterator[tuple], votes_path: Path
) -> Iterator[tuple[int, list[str] | None, list[str] | None]]:
    """Yield line, row and votes; ``DatasetError`` when they cannot be of the same images."""
    for number, pair in enumerate(zip_longest(rows, votes), start=1):
        if None in pair:
            raise DatasetError(
                f'{votes_path} has {"more" if pair[0] is None else "fewer"} rows '
                f'than the images: they differ from row {number} on'
            )
        (line, row), (votes_line, counts) = pair
        if counts is None:
            raise DatasetError(f'{votes_path}, line {votes_line}: the row has too few columns')
        if row is not None and row[-1] in SPLIT_OF_USAGE and row[-1] != counts[0]:
            raise DatasetError(
                f'{votes_path}, line {votes_line}: Usage is {counts[0]!r}, that of '
                f'the image {row[-1]!r}: the files have not the same order'
            )
        yield line, row, counts[1:]


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str] | None]]:
    """
    Yield line number and stripped values of ``columns``, ``None`` where a row is too short.

    The order of the columns in the file, and spaces and capitals in their names, do not matter.
    """
    try:
        with path.open(encoding='utf-8-sig', newline='') as file:
            reader = csv.reader(file)
            header = [name.strip().lower() for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise DatasetError(
                    f'{path} has no column {" or ".join(missing)}; its columns are {header[:12]}'
                )
            indices = [header.index(name) for name in columns]
            for row in filter(None, reader):
                short = len(row) <= max(indices)
                yield reader.line_num, None if short else [row[index].strip() for index in indices]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f'{path} cannot be read as CSV: {error}') from error
