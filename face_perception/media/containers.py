"""
Whether a video file is as long as its container says: what is cut off shows nowhere else.

A container's length in time says little: sound may go on longer than the pictures, and a picture
may stay longer than the others.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = b'\x1a\x45\xdf\xa3', b'\x18\x53\x80\x67'
#: Boxes of ISO/IEC 14496-12 with which files begin.
_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'pnot', b'jP  ')


def is_whole(path: Path) -> bool | None:
    """
    Return whether a video has all its bytes, ``None`` where its format does not say.

    Known are GIF, Matroska and WebM, AVI and WebP, and MP4 with its like.
    """
    with path.open('rb') as file:
        return has_all_bytes(file, path.stat().st_size)


def has_all_bytes(file: BinaryIO, size: int) -> bool | None:
    """Return the same for an open file of ``size`` bytes, also for the still images among them."""
    start = file.read(12)
    file.seek(0)
    try:
        if start[:6] in (b'GIF87a', b'GIF89a'):
            return _gif(file)
        if start[:4] == _EBML:
            return _matroska(file, size)
        if start[:4] == b'RIFF':
            return _riff(file, size)
        if start[4:8] in _BOXES:
            return _boxes(file, size)
    except (struct.error, IndexError):
        return False
    return None


def stated_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of a GIF in pixels, which OpenCV only says when it has decoded."""
    with path.open('rb') as file:
        start = file.read(10)
    known = len(start) == 10 and start[:6] in (b'GIF87a', b'GIF89a')
    return struct.unpack_from('<HH', start, 6) if known else None


def sound_may_be_longer(path: Path) -> bool:
    """Return whether what a container states as its length may be that of its sound."""
    with path.open('rb') as file:
        start = file.read(12)
    return not (start[:4] == b'RIFF' or start[4:8] in _BOXES)


def _gif(file: BinaryIO) -> bool:
    """Walk through the blocks up to the trailer."""
    flags = file.read(13)[10]
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, 1)
    while True:
        (kind,) = file.read(1) or (None,)
        if kind == 0x3B:
            return True
        if kind == 0x21:
            file.seek(1, 1)
        elif kind == 0x2C:
            flags = file.read(9)[8]
            if flags & 0x80:
                file.seek(3 << (flags & 7) + 1, 1)
            file.seek(1, 1)
        else:
            return False
        while length := file.read(1)[0]:
            file.seek(length, 1)


def _matroska(file: BinaryIO, size: int) -> bool | None:
    """Compare the size of the segment, which recordings that are not finished leave open."""
    file.seek(4)
    header = _ebml_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    segment = _ebml_size(file)
    return None if segment is None else file.tell() + segment <= size


def _ebml_size(file: BinaryIO) -> int | None:
    """Return an element's size, ``None`` where it is open."""
    first = file.read(1)[0]
    length = 9 - first.bit_length()
    if length > 8:
        raise struct.error('no size of an element')
    value = int.from_bytes(bytes([first]) + file.read(length - 1), 'big')
    value &= (1 << 7 * length) - 1
    return None if value == (1 << 7 * length) - 1 else value


def _riff(file: BinaryIO, size: int) -> bool | None:
    """Follow the RIFF chunks, of which large AVIs have several."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack('<4sI', file.read(8))
        if name != b'RIFF':
            break  # something was appended
        if not length:
            return None  # it was never finished
        place += 8 + length + length % 2
    return 0 < place <= size + 1


def _boxes(file: BinaryIO, size: int) -> bool | None:
    """Follow the boxes at the top, the last of which may go on to the end."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        length, name = struct.unpack('>I4s', file.read(8))
        if length == 1:
            (length,) = struct.unpack('>Q', file.read(8))
        if not name.strip(b'\0') or 0 < length < 8:
            break  # something was appended
        if length == 0:
            return None
        place += length
    return 0 < place <= size
