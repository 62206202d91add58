"""Images listed by an ``index.csv``, in a ``.zip`` file or in a folder."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from ...core.files import read_bounded
from .datasets import DatasetError
from .faults import MalformedError
from .images import decode_image, read_image

INDEX = 'index.csv'
#: Bytes of a packed image at most: a few may unpack to more than any memory.
LARGEST_IMAGE = 64 * 2**20
#: Bytes of an index, or of a list of boxes, at most: a million rows take a tenth.
LARGEST_INDEX = 512 * 2**20

#: What a damaged archive or index raises; RuntimeError: a password, or, as
#: NotImplementedError, an unknown compression.
DAMAGES = (
    KeyError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
)


class IndexedImages:
    """
    The images of a ``.zip`` file or folder and the rows of its index.

    A context manager: an archive stays open while its images are read.
    """

    def __init__(self, path: Path, what: str, columns: Collection[str], rows: bool = True) -> None:
        """
        Read the index, with its ``rows`` or without.

        Raises ``DatasetError``, saying ``what`` it should be, if it cannot.
        """
        self._folder = path
        self._archive: zipfile.ZipFile | None = None
        try:
            if not path.is_dir():
                self._archive = zipfile.ZipFile(path)
            text = self._content().decode('utf-8-sig', 'strict' if rows else 'replace')
            index = csv.DictReader(io.StringIO(text), strict=True)
            self.columns = {name for name in index.fieldnames or () if name}
            missing = set(columns) - self.columns
            self._rows = [(index.line_num, row) for row in index] if rows else []
        except DAMAGES as error:
            self.close()
            reason: object = error
            if self._archive is not None and INDEX not in self._archive.namelist():
                reason = f'it holds no {INDEX}; if it holds a folder per class, unpack it'
            raise DatasetError(f'{path} cannot be read as {what}: {reason}') from error
        if missing:
            self.close()
            raise DatasetError(f'{path}: {INDEX} has no column {" or ".join(sorted(missing))}')

    def __enter__(self) -> IndexedImages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive, if there is one."""
        if self._archive is not None:
            self._archive.close()

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield line number and columns of each row; an absent cell is an empty text."""
        for line, row in self._rows:
            yield line, {name: (value or '').strip() for name, value in row.items() if name}

    def decode(self, name: str) -> np.ndarray:
        """Return the image called ``name``, uint8 BGR ``[H, W, 3]``; else ``MalformedError``."""
        if self._archive is None:
            return read_image(self._folder / name)
        return image_in(self._archive, name)

    def _content(self) -> bytes:
        if self._archive is None:
            return read_bounded(self._folder / INDEX, LARGEST_INDEX)
        return unpacked(self._archive, INDEX, LARGEST_INDEX)


def may_have_index(path: Path) -> bool:
    """Tell whether ``path`` is a ``.zip`` file, or a folder with an index."""
    is_archive = path.is_file() and path.suffix.lower() == '.zip'
    return is_archive or (path / INDEX).is_file()


def image_in(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Return the image ``name``, uint8 BGR ``[H, W, 3]``; else ``MalformedError``."""
    try:
        content = unpacked(archive, name, LARGEST_IMAGE)
    except KeyError:
        raise MalformedError('the image is missing') from None
    except DAMAGES as error:
        raise MalformedError(f'the image cannot be unpacked: {error}') from error
    return decode_image(content)


def unpacked(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """
    Return the file ``name`` of ``archive``, which may have ``largest`` bytes.

    Raises ``ValueError`` when it has more, and what else is in ``DAMAGES``.
    """
    with archive.open(name) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f'{name} unpacks to more than {largest >> 20} MiB')
    return content


def columns_of(path: Path) -> set[str]:
    """Return the columns of the index in the ``.zip`` file or folder; none if there is none."""
    try:
        with IndexedImages(path, INDEX, (), rows=False) as images:
            return images.columns
    except DatasetError:
        return set()
