"""
UTKFace as its authors publish it: images whose file names are the labels.

What is meant is the "aligned and cropped" set, ``[age]_[gender]_[race]_[date&time].jpg.chip.jpg``
(some copies end in ``.jpg`` alone), in one folder or several.  The images "in the wild" (the
parts ``part1``, ``part2`` and ``part3``) have the same names but are not aligned: where the face
is in them is not known here, and those that are not square are refused.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from . import utkface
from .entries import Entry
from .faults import Faults, MalformedError
from .images import read_image, sorted_images, walk_images
from .utkface import Chip

#: The fourth part is not looked at: a few real names have spaces or lack the dot.
NAME = re.compile(r'(\d{1,3})_(\d)_(\d)_\d[^_]*')

_logger = logging.getLogger(__name__)


def find(path: Path) -> Path | None:
    """Return the folder ``path`` when an image in it or below is named as UTKFace names."""
    if not path.is_dir():
        return None
    named = any(NAME.fullmatch(file.name) for file in walk_images(path))
    return path if named else None


def read(folder: Path, splits: Collection[str], faults: Faults) -> Iterator[Entry]:
    """Yield the images of ``splits`` in ``folder`` and below."""
    return utkface.entries(_read_chips(folder, faults), splits)


def _read_chips(folder: Path, faults: Faults) -> Iterator[Chip]:
    # Common copies hold all images twice, in two folders.
    seen: set[str] = set()
    copies = 0
    for path in sorted_images(folder):
        if path.name in seen:
            copies += 1
            continue
        seen.add(path.name)
        try:
            yield _chip(path, path.relative_to(folder).as_posix())
        except MalformedError as error:
            faults.report(path.relative_to(folder).as_posix(), error)
    if copies:
        _logger.info('%s: %d images of a name that another has already: left out', folder, copies)


def _chip(path: Path, name: str) -> Chip:
    matched = NAME.fullmatch(path.name)
    if matched is None:
        raise MalformedError('the name is not [age]_[gender]_[race]_[date&time].jpg')
    age, gender, race = matched.groups()
    return utkface.chip_from(name, age, gender, race, partial(read_image, path))
