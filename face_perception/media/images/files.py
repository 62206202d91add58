"""Image files, and which files of a folder are some."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.errors import ImageError
from ..errors import SourceError
from .decode import MAX_PIXELS, checked_header, decode_header
from .header import ImageHeader
from .heif import BRANDS, HEVC_SEQUENCES
from .others import TIFF_MAGIC

#: Endings of files that are opened as images; OpenCV reads an animated GIF as a video.
IMAGE_SUFFIXES = (
    '.avif',
    '.avifs',
    '.bmp',
    '.dib',
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
    '.3fr',
    '.apng',
    '.arw',
    '.cr2',
    '.cr3',
    '.dng',
    '.exr',
    '.gif',
    '.hdr',
    '.heics',
    '.heifs',
    '.hif',
    '.iiq',
    '.j2c',
    '.jpf',
    '.jpx',
    '.jxl',
    '.mpo',
    '.nef',
    '.nrw',
    '.orf',
    '.pam',
    '.pcx',
    '.pef',
    '.pfm',
    '.pic',
    '.psd',
    '.raf',
    '.ras',
    '.rw2',
    '.srw',
    '.tga',
    '.x3f',
)
VIDEO_SUFFIXES = (
    '.3g2',
    '.3gp',
    '.avi',
    '.flv',
    '.m2ts',
    '.m4v',
    '.mjpeg',
    '.mjpg',
    '.mkv',
    '.mov',
    '.mp4',
    '.mpeg',
    '.mpg',
    '.mts',
    '.mxf',
    '.ogv',
    '.ts',
    '.vob',
    '.webm',
    '.wmv',
    '.y4m',
)
_GIF = (b'GIF87a', b'GIF89a')
#: Bytes of a file that are read as an image at most: what the largest image takes unpacked with
#: 16 bits for each of four channels.
LARGEST_FILE = 8 * MAX_PIXELS
#: So many JPEGs behind the first, in so many bytes, are a video; some photographs have one or two
#: there, of the depth or the brightness.
STREAM_IMAGES, STREAM_BYTES = 4, 2**24


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
        and begins_as_image(path)
    )
    if all(path.suffix.lower() in VIDEO_SUFFIXES for path in paths):
        raise SourceError(_without_images(folder, paths))
    return paths


def _without_images(folder: Path, videos: list[Path]) -> str:
    """Return what is wrong with a folder that has no image itself, and what to give instead."""
    if videos:
        return (
            f"the folder '{folder}' holds videos, but no image: give the videos themselves, such "
            f"as '{videos[0]}'"
        )
    if within := sorted(path for path in folder.glob('[!.]*') if path.is_dir()):
        return (
            f"the folder '{folder}' holds folders, but no image: give what is in it, such as "
            f"'{within[0]}'"
        )
    return f"the folder '{folder}' holds no image: images end in {', '.join(IMAGE_SUFFIXES)}"


def is_image(path: Path) -> bool:
    """
    Return whether a file by itself is opened as an image, by how it begins or by its name.

    A GIF may move, and a video may be one JPEG behind the other: names are believed, and where they
    say nothing, many are a video.
    """
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES or _start(path).startswith(_GIF):
        return False
    return suffix in IMAGE_SUFFIXES or (begins_as_image(path) and not _is_stream(path))


def begins_as_image(path: Path) -> bool:
    """Return whether a file is an image whatever its name, as browsers save some."""
    start = _start(path)
    return (
        start.startswith((b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', *_GIF, *TIFF_MAGIC))
        or (start[:4] == b'RIFF' and start[8:] == b'WEBP')
        or (start[4:8] == b'ftyp' and start[8:] in BRANDS and start[8:] not in HEVC_SEQUENCES)
    )


def _is_stream(path: Path) -> bool:
    """Return whether a file is one JPEG behind the other."""
    return _start(path, STREAM_BYTES).count(b'\xff\xd9\xff\xd8\xff') >= STREAM_IMAGES


def _start(path: Path, most: int = 12) -> bytes:
    """Return the first bytes of a file, none of one that cannot be read."""
    try:
        with path.open('rb') as file:
            return file.read(most)
    except OSError:
        return b''


def read_header(path: Path, limit: int = MAX_PIXELS) -> ImageHeader:
    """
    Return an image file's header and bytes.

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
        return checked_header(path.read_bytes(), limit)
    except OSError as error:
        raise ImageError('file', f'it cannot be read ({error.strerror})') from None


def load_image(path: Path, limit: int = MAX_PIXELS) -> np.ndarray:
    """
    Return an image file as uint8 ``[H, W, 3]`` BGR.

    Raises ``ImageError`` as ``read_header`` does, and for an image that cannot be decoded.
    """
    return decode_header(read_header(path, limit))


def read_image(path: Path, limit: int = MAX_PIXELS) -> np.ndarray | None:
    """Return an image file as uint8 ``[H, W, 3]`` BGR, ``None`` where it cannot be used."""
    try:
        return load_image(path, limit)
    except ImageError:
        return None
