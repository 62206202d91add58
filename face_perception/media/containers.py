"""
Whether a video file is as long as its container says: what is cut off shows nowhere else.

A container's length in time says little: sound may go on longer than the images, and an image
may stay longer than the others.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = b'\x1a\x45\xdf\xa3', b'\x18\x53\x80\x67'
#: Bytes of an MP4's index that are read.
_LARGEST_INDEX = 1 << 26
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


def stated_length(path: Path, counted_s: float) -> float | None:
    """
    Return how long the images of a whole video last in seconds, as its container says.

    ``counted_s`` is the length as OpenCV counts it: right where the container knows the number of
    its images, but of an MP4 only a part may be shown.  ``None`` where the length may be that of
    the sound.
    """
    with path.open('rb') as file:
        start = file.read(12)
        if start[:4] == b'RIFF':
            return counted_s
        if start[4:8] not in _BOXES:
            return None
        try:
            shown_s = _shown_s(file, path.stat().st_size)
        except (struct.error, IndexError):
            shown_s = None
    return None if shown_s is None else min(counted_s, shown_s)


def is_mirrored(path: Path) -> bool:
    """Return whether an MP4 is to be shown as in a mirror, as the matrix of its images says."""
    with path.open('rb') as file:
        if file.read(12)[4:8] not in _BOXES:
            return False
        try:
            for _, index in _top_boxes(file, path.stat().st_size):
                for name, content in index:
                    header = _images_of(content).get(b'tkhd') if name == b'trak' else None
                    if header:
                        a, b, _, c, d = struct.unpack_from('>5i', header, 52 if header[0] else 40)
                        return a * d < b * c
        except (struct.error, IndexError):
            pass
    return False


def gif_images(path: Path) -> int:
    """Return how many images a whole GIF has, 0 for what is none."""
    with path.open('rb') as file:
        return count_gif_images(file)


def count_gif_images(file: BinaryIO) -> int:
    """Return the same for an open file."""
    if file.read(6) not in (b'GIF87a', b'GIF89a'):
        return 0
    file.seek(0)
    try:
        images, whole = _gif_blocks(file)
    except (struct.error, IndexError, ValueError):
        return 0
    return images if whole else 0


def _gif(file: BinaryIO) -> bool:
    return _gif_blocks(file)[1]


def _gif_blocks(file: BinaryIO) -> tuple[int, bool]:
    """Walk through the blocks; return the number of images, and whether the trailer is there."""
    images = 0
    flags = file.read(13)[10]
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, 1)
    while True:
        (kind,) = file.read(1) or (None,)
        if kind == 0x3B:
            return images, True
        if kind == 0x21:
            file.seek(1, 1)
        elif kind == 0x2C:
            images += 1
            flags = file.read(9)[8]
            if flags & 0x80:
                file.seek(3 << (flags & 7) + 1, 1)
            file.seek(1, 1)
        else:
            return images, False
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
    offset = 0
    while offset + 8 <= size:
        file.seek(offset)
        name, length = struct.unpack('<4sI', file.read(8))
        if name != b'RIFF':
            break  # something was appended
        if not length:
            return None  # it was never finished
        offset += 8 + length + length % 2
    return 0 < offset <= size + 1


def inside(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the boxes within one, as name and content."""
    offset, found = 0, []
    while offset + 8 <= len(data):
        length, name = struct.unpack_from('>I4s', data, offset)
        if length < 8:
            break
        found.append((name, data[offset + 8 : offset + length]))
        offset += length
    return found


def _shown_s(file: BinaryIO, size: int) -> float | None:
    """
    Return how much of the images an MP4 shows (its edit list), without one without end.

    ``None`` for one in fragments, which does not know how many images it has.
    """
    scale, shown = 0, float('inf')
    for name, index in _top_boxes(file, size):
        if name == b'moof':
            return None
        for inner, content in index:
            if inner == b'mvhd':
                (scale,) = struct.unpack_from('>I', content, 20 if content[0] else 12)
            elif inner == b'trak':
                shown = min(shown, _edited(content))
    return shown / scale if scale else float('inf')


def _top_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Give the names of the boxes at the top, and what is inside the index of an MP4."""
    offset = 0
    while offset + 8 <= size:
        file.seek(offset)
        length, name = struct.unpack('>I4s', file.read(8))
        head = 8
        if length == 1:
            head, (length,) = 16, struct.unpack('>Q', file.read(8))
        known = name == b'moov' and head <= length <= _LARGEST_INDEX
        yield name, inside(file.read(length - head)) if known else []
        if length < 8:
            break
        offset += length


def _images_of(track: bytes) -> dict[bytes, bytes]:
    """Return the boxes of a track of images, none of any other."""
    boxes = dict(inside(track))
    handler = dict(inside(boxes.get(b'mdia', b''))).get(b'hdlr', b'')
    return boxes if handler[8:12] == b'vide' else {}


def _edited(track: bytes) -> float:
    """Return the length of a track of images as it is shown, in units of the file's own."""
    edits = dict(inside(_images_of(track).get(b'edts', b''))).get(b'elst', b'')
    if not edits:
        return float('inf')
    (count,) = struct.unpack_from('>I', edits, 4)
    entry = '>QqI' if edits[0] else '>IiI'
    length = 0
    for number in range(min(count, 10_000)):
        duration, media, _ = struct.unpack_from(entry, edits, 8 + number * struct.calcsize(entry))
        length += duration if media >= 0 else 0
    return length or float('inf')


def _boxes(file: BinaryIO, size: int) -> bool | None:
    """Follow the boxes at the top, the last of which may go on to the end."""
    offset = 0
    while offset + 8 <= size:
        file.seek(offset)
        length, name = struct.unpack('>I4s', file.read(8))
        if length == 1:
            (length,) = struct.unpack('>Q', file.read(8))
        if not name.strip(b'\0') or 0 < length < 8:
            break  # something was appended
        if length == 0:
            return None
        offset += length
    return 0 < offset <= size
