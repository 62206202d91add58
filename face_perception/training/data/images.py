"""Finding and decoding image files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...core.errors import ImageError
from ...core.files import read_bounded
from ...media.images.decode import check_pixels, decode_header, image_header
from ...media.images.files import LARGEST_FILE
from .faults import MalformedError

#: Files with other endings are no images and are passed over.
SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')


def walk_images(folder: Path) -> Iterator[Path]:
    """Yield the image files in ``folder`` and below, hidden ones left out, in any order."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in files:
            if name.lower().endswith(SUFFIXES) and not is_hidden(name):
                yield Path(parent, name)


def sorted_images(folder: Path) -> list[Path]:
    """Return the image files in ``folder`` and below, always in the same order."""
    return sorted(walk_images(folder), key=Path.as_posix)


def sub_folders(folder: Path) -> list[Path]:
    """Return the folders directly in ``folder`` by name, hidden ones left out."""
    return sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not is_hidden(entry.name)
    )


def is_hidden(name: str) -> bool:
    """Tell whether ``name`` is hidden or what macOS adds to archives."""
    return name.startswith('.') or name == '__MACOSX'


def read_image(path: Path) -> np.ndarray:
    """Return the image at ``path``, uint8 BGR ``[H, W, 3]``, or raise ``MalformedError``."""
    try:
        content = read_bounded(path, LARGEST_FILE)
    except FileNotFoundError:
        raise MalformedError('the image is missing') from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, 'strerror', error)
        raise MalformedError(f'the image cannot be read: {reason}') from error
    return decode_image(content)


def decode_image(content: bytes) -> np.ndarray:
    """
    Return an encoded image of any colours as uint8 BGR ``[H, W, 3]``.

    Raises ``MalformedError`` when it is empty, cut, damaged, or of more pixels than are bearable.
    """
    if not content:
        raise MalformedError('the image has zero bytes')
    try:
        header = image_header(content)
        if header is None:
            raise MalformedError('the image cannot be decoded')
        check_pixels(header.width, header.height)
        return decode_header(header)
    except ImageError as error:
        raise MalformedError(f'the image cannot be decoded: {error}') from error
