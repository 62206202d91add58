"""The boxes of AVIF and HEIC (ISO/IEC 23008-12): sizes, which side is up, how many images."""

from __future__ import annotations

import re
import struct

from ..containers import inside
from .header import ImageHeader, cut

#: Brands of files, by what they are called.
BRANDS = {
    b'avif': 'AVIF',
    b'avis': 'AVIF',
    **{
        brand: 'HEIC'
        for brand in (b'heic', b'heix', b'hevc', b'hevx', b'heim', b'heis', b'mif1', b'msf1')
    },
}

#: Those of them that FFmpeg reads as videos.
HEVC_SEQUENCES = (b'hevc', b'hevx', b'msf1')


def read_heif(data: bytes) -> ImageHeader | None:
    """Read the largest extent of the items of an AVIF or HEIC, ``None`` for what is neither."""
    (length,) = struct.unpack_from('>I', data)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, min(length, 256), 4))]
    kind = next((BRANDS[brand] for brand in brands if brand in BRANDS), None)
    if kind is None:
        return None
    extents = [
        struct.unpack_from('>II', data, found.end() + 4)
        for found in re.finditer(b'ispe', data[: 1 << 20])
        if found.end() + 12 <= len(data)
    ]
    if not extents:
        raise cut(kind, len(data), 'ends within its header')
    width, height = max(extents, key=lambda extent: extent[0] * extent[1])
    boxes = dict(inside(data))
    properties = _properties(boxes.get(b'meta', b''))
    # In this order, as ISO/IEC 23000-22 has it; an axis of 0 exchanges top and bottom.
    turns = properties.get(b'irot', b'\0')[0] & 3
    mirror = properties[b'imir'][0] & 1 if b'imir' in properties else None
    images = max(_sequence(boxes.get(b'moov', b'')), 1)
    return ImageHeader(kind, width, height, data, images, turns, mirror)


def _properties(meta: bytes) -> dict[bytes, bytes]:
    """Return the properties of the primary item by their names."""
    boxes = dict(inside(meta[4:]))
    if b'pitm' not in boxes:
        return {}
    item = int.from_bytes(boxes[b'pitm'][4 : 8 if boxes[b'pitm'][0] else 6], 'big')
    parts = inside(boxes.get(b'iprp', b''))
    known = [each for name, part in parts if name == b'ipco' for each in inside(part)]
    numbers = [one for name, part in parts if name == b'ipma' for one in _associated(part, item)]
    return dict(known[number - 1] for number in numbers if 0 < number <= len(known))


def _associated(part: bytes, item: int) -> list[int]:
    """Return the numbers of an item's properties, which begin with 1."""
    head, size = ('>IB' if part[0] else '>HB'), (2 if part[3] & 1 else 1)
    (count,) = struct.unpack_from('>I', part, 4)
    offset = 8
    for _ in range(count):
        owner, number = struct.unpack_from(head, part, offset)
        offset += struct.calcsize(head)
        if owner == item:
            stored = struct.unpack_from(f'>{number}{"H" if size == 2 else "B"}', part, offset)
            return [one & (0x7FFF if size == 2 else 0x7F) for one in stored]  # without a flag
        offset += number * size
    return []


def _sequence(movie: bytes) -> int:
    """Return the number of images of the longest track."""
    longest = 0
    for name, box in inside(movie):
        if name != b'trak':
            continue
        for inner in (b'mdia', b'minf', b'stbl', b'stsz'):
            box = dict(inside(box)).get(inner, b'')
        if box:
            size, count = struct.unpack_from('>II', box, 4)
            # No more than have a size of their own; one for all is no use to AV1 or HEVC.
            longest = max(longest, 0 if size else min(count, (len(box) - 12) // 4))
    return longest
