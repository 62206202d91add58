"""The forms in which data sets are known here, and which of them a path holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...core.text import file_path
from ...core.types import EMOTIONS, GENDERS
from . import class_folders, face_crops, fer2013, fer2013_csv, imdb_wiki, utkface, utkface_folder
from .datasets import DatasetError
from .entries import Entry
from .faults import Faults
from .indexed import INDEX, IndexedImages, may_have_index

#: The labels of each task, in the order of the network's outputs.
LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}


@dataclass(frozen=True)
class Form:
    """
    One form of a data set.

    ``find`` returns, for a file or folder, what ``read`` wants to know, ``None`` when it is of
    another form; ``description`` says what it looks for.
    """

    description: str
    #: What its images are called where they do not say it themselves; empty: as the folder.
    source: str
    find: Callable[[Path], Any]
    read: Callable[[Any, Collection[str], Faults], Iterator[Entry]]


def _form_of_class_folders(labels: tuple[str, ...]) -> Form:
    return Form(
        f'a folder per class ({", ".join(labels)}), under train and validation or without',
        '',
        partial(class_folders.find, labels=labels),
        partial(class_folders.read, labels=labels),
    )


def _form_of_crops(labels: tuple[str, ...]) -> Form:
    return Form(
        f'a .zip file or folder with index.csv ({", ".join(face_crops.COLUMNS)}, ...)',
        '',
        face_crops.find,
        partial(face_crops.read, labels=labels),
    )


#: By task; where a folder holds several forms, the first is read.
FORMS = {
    'emotion': (
        _form_of_crops(EMOTIONS),
        Form(
            f'{fer2013.TRAIN_FILE} and {fer2013.PUBLIC_FILE}',
            fer2013.SOURCE,
            fer2013.find,
            fer2013.read,
        ),
        Form(
            f'{" or ".join(fer2013_csv.NAMES)}, with {fer2013_csv.VOTES_NAME} beside it or not',
            fer2013.SOURCE,
            fer2013_csv.find,
            fer2013_csv.read,
        ),
        _form_of_class_folders(EMOTIONS),
    ),
    'gender': (
        _form_of_crops(GENDERS),
        Form(
            f'{utkface.FILE}, or {INDEX} ({", ".join(utkface.COLUMNS)}) and images',
            utkface.SOURCE,
            utkface.find,
            utkface.read,
        ),
        Form(
            f'{" or ".join(imdb_wiki.NAMES)} of IMDB-WIKI',
            'IMDB-WIKI',
            imdb_wiki.find,
            imdb_wiki.read,
        ),
        _form_of_class_folders(GENDERS),
        Form(
            'images named by UTKFace, [age]_[gender]_[race]_[date&time].jpg',
            utkface.SOURCE,
            utkface_folder.find,
            utkface_folder.read,
        ),
    ),
}


def recognise(task: str, path: Path | str) -> tuple[Form, Any]:
    """
    Return the form of the data for ``task`` at ``path``, and what its ``find`` returned.

    Raises ``DatasetError`` when ``path`` does not exist or holds nothing that is known.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise DatasetError(
                f'{file_path(path)} does not exist: it should be a file or a folder with data '
                f'for {task}'
            )
        if path.name == INDEX and path.is_file():
            path = path.parent  # the list of the images beside it
        for form in FORMS[task]:
            found = form.find(path)
            if found is not None:
                return form, found
        if may_have_index(path):
            raise _unknown_index(task, path)
        holds = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    except OSError as error:
        raise DatasetError(f'{path} cannot be read: {error.strerror}') from error
    forms = ''.join(f'\n  - {form.description}' for form in FORMS[task])
    content = (
        f'; it holds {", ".join(holds[:8])}{", ..." if len(holds) > 8 else ""}'
        if holds
        else '; it is empty'
        if path.is_dir()
        else ''
    )
    raise DatasetError(
        f'{path} holds no data for {task} in a known form{content}. Looked for:{forms}'
    )


def _unknown_index(task: str, path: Path) -> DatasetError:
    """
    Return the error that says what the index at ``path`` lacks for each form with an index.

    Raises ``DatasetError`` when it is missing or damaged.
    """
    with IndexedImages(path, f'images with {INDEX} at the top', (), rows=False) as images:
        columns = images.columns
    needed: dict[str, tuple[str, ...]] = {'crops with boxes': face_crops.COLUMNS}
    if task == 'gender':
        needed[utkface.SOURCE] = utkface.COLUMNS
    missing = {
        form: [column for column in names if column not in columns]
        for form, names in needed.items()
    }
    first, *others = (
        f'no column {" or ".join(names)} for {form}'
        for form, names in sorted(missing.items(), key=lambda item: len(item[1]))
    )
    known = any(columns & set(names) for names in needed.values())
    hint = '' if known else ' (is it text in UTF-8, with commas between the columns?)'
    return DatasetError(
        f'{path} holds no data for {task} in a known form: {INDEX} has {first}{hint}'
        + ''.join(f'\n  - and {other}' for other in others)
    )
