"""Image files, and which files of a folder are some."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.errors import ImageError
from ..errors import SourceError
from .decode import MAX_PIXELS, decode_image

#: Endings of files that are opened as images; OpenCV reads an animated GIF as a video.
IMAGE_SUFFIXES = (
    '.avif',
    '.bmp',
    '.heic',
    '.heif',
    '.j2k',
    '.jfif',
    '.jp2',
    '.jpe',
    '.jpeg',
    '.jpg',
    '.pbm',
    '.pgm',
    '.png',
    '.pnm',
    '.ppm',
    '.tif',
    '.tiff',
    '.webp',
)
#: Images that are taken in a folder only, whether they can be read or not: what is passed over
#: there should be counted. Moving ones and the raw files of cameras are among them.
FOLDER_SUFFIXES = (
    *IMAGE_SUFFIXES,
    '.apng',
    '.arw',
    '.cr2',
    '.cr3',
    '.dng',
    '.exr',
    '.gif',
    '.hdr',
    '.hif',
    '.j2c',
    '.jpf',
    '.jpx',
    '.jxl',
    '.nef',
    '.orf',
    '.pam',
    '.psd',
    '.raf',
    '.rw2',
    '.tga',
)
VIDEO_SUFFIXES = ('.3gp', '.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpg', '.mts', '.webm', '.wmv')
#: Bytes of a file that are read as an image at most: what the largest image takes unpacked with
#: 16 bits for each of four channels.
LARGEST_FILE = 8 * MAX_PIXELS


def images_in(folder: Path) -> list[Path]:
    """
    Return the images and videos directly inside a folder, by name.

    Raises ``SourceError`` where none of them is an image.
    """
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (*FOLDER_SUFFIXES, *VIDEO_SUFFIXES)
        and not path.is_dir()  # a link that leads nowhere is told and counted by who reads it
        or path.is_file()
        and _begins_as_image(path)
    )
    if all(path.suffix.lower() in VIDEO_SUFFIXES for path in paths):
        raise SourceError(
            f"the folder '{folder}' holds no image: images end in {', '.join(IMAGE_SUFFIXES)}"
        )
    return paths


def _begins_as_image(path: Path) -> bool:
    """Return whether a file is an image whatever its name, as browsers save some."""
    try:
        with path.open('rb') as file:
            start = file.read(12)
    except OSError:
        return False
    return start.startswith((b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'GIF87a', b'GIF89a')) or (
        start[:4] == b'RIFF' and start[8:] == b'WEBP'
    )


def load_image(path: Path, limit: int = MAX_PIXELS) -> np.ndarray:
    """
    Return an image file as uint8 ``[H, W, 3]`` BGR.

    Raises ``ImageError`` with why it cannot be used, such as more than ``limit`` pixels.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise ImageError('encoding', 'a video among the images: give it by itself')
    try:
        if not path.is_file():
            raise ImageError('encoding', 'it is no file')
        size = path.stat().st_size
        if size > max(LARGEST_FILE, 8 * limit):
            raise ImageError('size', f'a file of {size} bytes is larger than images are')
        if not size:
            raise ImageError('truncated', 'it is empty')
        return decode_image(path.read_bytes(), limit)
    except OSError as error:
        raise ImageError('file', f'it cannot be read ({error.strerror})') from None


def read_image(path: Path, limit: int = MAX_PIXELS) -> np.ndarray | None:
    """Return an image file as uint8 ``[H, W, 3]`` BGR, ``None`` where it cannot be used."""
    try:
        return load_image(path, limit)
    except ImageError:
        return None
