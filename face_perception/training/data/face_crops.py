"""
Crops with boxes: images with the face's box, for either task, from any source.

A ``.zip`` file or a folder with ``index.csv``, a row per image:

========  =====================================================================================
file      the image, relative to the index; any size and colours
label     the label's name (``female``, ``fear``) or its number: gender 0 male, 1 female as in
          UTKFace, emotion 0 angry ... 6 neutral as in FER-2013 (0 and 1 alone are refused:
          they are genders); or ``unknown``: a face that only a teacher's predictions are
          learned for, and that is never measured on
x y w h   the face's box as a detector draws it, in pixels of the image
source    optional: what the row of a table is called (else the name of the file or folder)
person    optional: who it is, so that nobody is on both sides of a split
age       optional: in years
group     optional: another word to group images by, such as a race label of UTKFace
split     optional: ``train``, ``validation`` or ``test``
========  =====================================================================================

Where no split is given, a fifth of the persons is held out, and a tenth of the images of
nobody in particular.  Of gender, faces under ten years are left out as with UTKFace.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from ...core.types import GENDERS, Box
from .datasets import UNLABELLED, DatasetError
from .entries import SPLITS, TRAIN, VALIDATION, Entry, split_by_name
from .faults import Faults, MalformedError
from .indexed import INDEX, IndexedImages, columns_of, may_have_index
from .utkface import GENDER_OF_NUMBER, MAXIMUM_AGE, MINIMUM_AGE, RACES

COLUMNS = ('file', 'label', 'x', 'y', 'w', 'h')
#: One of so many persons is held out.
PERSONS_PER_HELD_OUT = 5
#: What the column ``label`` says of a face whose label nobody knows.
UNKNOWN_LABEL = 'unknown'


def find(path: Path) -> Path | None:
    """Return the ``.zip`` file or folder ``path`` when its index has the columns of this form."""
    return path if may_have_index(path) and columns_of(path) >= set(COLUMNS) else None


def read(
    path: Path, splits: Collection[str], faults: Faults, labels: tuple[str, ...]
) -> Iterator[Entry]:
    """
    Yield the images of ``splits`` in the order of the index.

    Where no ``labels`` are asked for, all are unlabelled, whatever task the index is of.
    Raises ``DatasetError`` when it cannot be read, or holds genders where ``labels`` are others.
    """
    own_source = path.resolve().stem  # the same for '.', a link, and the folder itself
    with IndexedImages(path, f'crops with boxes and {INDEX}', COLUMNS) as images:
        if labels != GENDERS:
            _refuse_genders(images, path, labels)
        for line, row in images.rows():
            try:
                entry = _entry(row, images, own_source, labels)
            except MalformedError as error:
                faults.report(f'{INDEX}, line {line} ({row["file"]})', error)
                continue
            too_young = labels == GENDERS and entry.groups.get('age', MINIMUM_AGE) < MINIMUM_AGE
            if entry.split in splits and not too_young:
                yield entry


def split_of_person(person: str) -> str:
    """Return the split of all images of ``person``: a fixed fifth of all persons is held out."""
    held_out = hashlib.sha256(person.encode()).digest()[0] % PERSONS_PER_HELD_OUT == 0
    return VALIDATION if held_out else TRAIN


def _entry(
    row: dict[str, str], images: IndexedImages, own_source: str, labels: tuple[str, ...]
) -> Entry:
    name, source = row['file'], row.get('source') or own_source
    person, group = row.get('person', ''), row.get('group', '')
    box = _box(row)

    def decode() -> tuple[np.ndarray, Box]:
        return images.decode(name), box

    groups = {}
    if row.get('age'):
        groups['age'] = _age(row['age'])
    if group.capitalize() in RACES or group in RACES:
        groups['race'] = RACES.index(group if group in RACES else group.capitalize())
    label = _label(row['label'], labels) if labels else UNLABELLED
    split = _split(row.get('split', ''), source, person, name)
    if row['label'].lower() == UNKNOWN_LABEL and not row.get('split'):
        split = TRAIN
    return Entry(
        name,
        label,
        split,
        decode,
        groups,
        source=source,
        group=group,
    )


def _split(given: str, source: str, person: str, name: str) -> str:
    if given:
        if given not in SPLITS:
            raise MalformedError(f'the split {given} is none of {", ".join(SPLITS)}')
        return given
    return split_of_person(f'{source}/{person}') if person else split_by_name(name)


def _refuse_genders(images: IndexedImages, path: Path, labels: tuple[str, ...]) -> None:
    """Raise ``DatasetError`` where no label of ``labels`` occurs but the numbers of genders."""
    known = {*labels, *map(str, range(len(labels)))}
    found = known & {row['label'].lower() for _, row in images.rows()}
    if found and found <= set(map(str, GENDER_OF_NUMBER)):
        raise DatasetError(
            f'{path}: {INDEX} has no label but the numbers 0 and 1, which look like genders: '
            f'where emotions are meant, write their names ({", ".join(labels)})'
        )


def _label(text: str, labels: tuple[str, ...]) -> int:
    if text.lower() == UNKNOWN_LABEL:
        return UNLABELLED
    if text.lower() in labels:
        return labels.index(text.lower())
    if labels == GENDERS and text in map(str, GENDER_OF_NUMBER):
        return labels.index(GENDER_OF_NUMBER[int(text)])
    if labels != GENDERS and text in map(str, range(len(labels))):
        return int(text)
    raise MalformedError(f'the label {text or "(none)"} is none of {", ".join(labels)}')


def _box(row: dict[str, str]) -> Box:
    try:
        x, y, width, height = (float(row[name]) for name in 'xywh')
    except ValueError:
        raise MalformedError('x, y, w and h are not all numbers') from None
    if not all(map(math.isfinite, (x, y, width, height))) or min(width, height) <= 0:
        raise MalformedError(f'the box {x:g}, {y:g}, {width:g}, {height:g} has no area')
    return Box(x, y, width, height)


def _age(text: str) -> int:
    try:
        age = int(float(text))
    except (ValueError, OverflowError):
        raise MalformedError(f'the age {text} is no number') from None
    if not 0 <= age <= MAXIMUM_AGE:
        raise MalformedError(f'the age {age} is none of 0..{MAXIMUM_AGE}')
    return age
