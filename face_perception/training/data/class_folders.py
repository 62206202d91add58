"""
A folder per class: the folder's name is the label, and a face fills each image in it.

Either ``train/angry/...`` (also ``training``) and ``validation/angry/...`` (also ``val``, ``valid``
or ``test``), or
``angry/...`` alone, where a fixed tenth by the hash of the file's name is held out.  Next to
``validation`` a folder ``test`` is left alone.  Images may have any size and colours and lie
in further folders.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from .datasets import DatasetError
from .entries import TEST, TRAIN, VALIDATION, Entry, split_by_name
from .faults import Faults
from .images import read_image, sorted_images, sub_folders

#: Folders that may hold the images for validation; the first that exists does.
VALIDATION_NAMES = ('validation', 'val', 'valid', 'test')
TRAIN_NAMES = ('train', 'training')
SPLIT_NAMES = (*TRAIN_NAMES, *VALIDATION_NAMES)
#: Copies of FER-2013 as images have the set held back in ``test`` too, by these names.
PRIVATE = 'PrivateTest_'


def find(path: Path, labels: tuple[str, ...]) -> Path | None:
    """Return ``path`` when it holds a folder that is named as one of ``labels``."""
    if not path.is_dir():
        return None
    candidates = [
        path,
        *(folder for folder in sub_folders(path) if folder.name.lower() in SPLIT_NAMES),
    ]
    known = any(
        folder.name.lower() in labels
        for candidate in candidates
        for folder in sub_folders(candidate)
    )
    return path if known else None


def read(
    path: Path, splits: Collection[str], faults: Faults, labels: tuple[str, ...]
) -> Iterator[Entry]:
    """
    Yield the images of ``splits`` in the folders named as ``labels``, folder by folder.

    Raises ``DatasetError`` when there are splits but no ``train``.
    """
    for folder, split in _split_folders(path, splits, faults):
        for class_folder in sub_folders(folder):
            if class_folder.name.lower() not in labels:
                faults.report(
                    class_folder.relative_to(path).as_posix(),
                    f'the folder is none of {", ".join(labels)}',
                )
                continue
            label = labels.index(class_folder.name.lower())
            for file in sorted_images(class_folder):
                name = file.relative_to(path).as_posix()
                of_split = split or split_by_name(name)
                if file.name.startswith(PRIVATE):
                    of_split = TEST
                if of_split in splits:
                    yield Entry(name, label, of_split, partial(_read, file))


def _split_folders(
    path: Path, splits: Collection[str], faults: Faults
) -> list[tuple[Path, str | None]]:
    """Return the folders that hold ``splits``; ``None`` where names decide on the split."""
    folders = {folder.name.lower(): folder for folder in sub_folders(path)}
    if not set(folders) & set(SPLIT_NAMES):
        return [(path, None)]
    train = next((name for name in TRAIN_NAMES if name in folders), None)
    if train is None:
        raise DatasetError(f'{path} has no folder train beside {", ".join(sorted(folders))}')
    validation = next((name for name in VALIDATION_NAMES if name in folders), None)
    roles = {train: TRAIN, 'test': TEST, validation: VALIDATION} if validation else {train: None}
    for name, folder in folders.items():
        if name not in roles:
            faults.report(folder.name, f'the folder is none of {", ".join(roles)}')
    # Validation images may have some of FER-2013's set held back among them.
    return [
        (folders[name], role)
        for name, role in roles.items()
        if name in folders and (role in (None, VALIDATION) or role in splits)
    ]


def _read(path: Path) -> tuple[np.ndarray, None]:
    return read_image(path), None
