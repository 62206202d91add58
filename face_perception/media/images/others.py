"""The sizes that image files other than JPEG and PNG state in their headers."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from io import BytesIO

from ..containers import count_gif_images, has_all_bytes
from .header import ImageHeader, cut, damaged
from .heif import read_heif

#: Samples of one pixel and their rows in a PNM, by the number of its kind.
_PNM = re.compile(
    rb'P([1-6])(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})'
    rb'(?:(?:\s|#[^\n]*\n)+(\d{1,5}))?\s'
)
TIFF_MAGIC = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
#: Width and height of the image and of its tiles, then offsets and lengths of strips and tiles,
#: then bits and whether 0 is white.
_TIFF_TAGS = (256, 257, 322, 323, 273, 279, 324, 325, 258, 262)
#: The tag that comes first where it is there, and its flags for what is no image of its own: a
#: smaller copy and a mask.
_SUBFILE, _BELONGING = 254, 1 | 4
_JPEG_2000, _CODESTREAM = b'\x00\x00\x00\x0cjP  \r\n\x87\n', b'\xff\x4f\xff\x51'


def read_other(data: bytes) -> ImageHeader | None:
    """Return the header of an image file, ``None`` for what is none; raises ``ImageError``."""
    header = _read(data)
    if header is not None and has_all_bytes(BytesIO(data), len(data)) is False:
        raise cut(header.kind, len(data), 'has no end')
    return header


def _read(data: bytes) -> ImageHeader | None:
    reader = next((reader for starts, reader in _READERS if data.startswith(starts)), None)
    if data[4:8] == b'ftyp':
        reader = read_heif
    if reader is None:
        return None
    try:
        header = reader(data)
    except (struct.error, IndexError, OverflowError):  # a place of 64 bits
        raise cut('', len(data), 'ends within its header') from None
    if header is not None and not (header.width > 0 and header.height > 0):
        raise damaged(
            header.kind,
            len(data),
            f'it states a size of {header.width}x{header.height} pixels',
        )
    return header


def _bmp(data: bytes) -> ImageHeader:
    (offset,) = struct.unpack_from('<I', data, 10)
    (header,) = struct.unpack_from('<I', data, 14)
    if header == 12:
        width, height, _, bits = struct.unpack_from('<HHHH', data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from('<iiHHI', data, 18)
    height = abs(height)  # negative: from the top downwards
    row = (width * bits + 31) // 32 * 4
    if compression in (0, 3) and offset + row * height > len(data):
        raise cut('BMP', len(data), f'states {width}x{height} pixels, which take more')
    return ImageHeader('BMP', width, height, data)


def _pnm(data: bytes) -> ImageHeader | None:
    found = _PNM.match(data)
    if found is None:
        return None
    kind, width, height = int(found[1]), int(found[2]), int(found[3])
    samples = width * height * (3 if kind in (3, 6) else 1)
    if kind < 4:
        needed = samples  # a figure each; the blanks between them may be missing in P1 only
    elif kind == 4:
        needed = height * ((width + 7) // 8)
    else:
        needed = samples * (2 if int(found[4] or 255) > 255 else 1)
    if needed > len(data):
        raise cut('PNM', len(data), f'states {width}x{height} pixels, which take more')
    return ImageHeader('PNM', width, height, data)


def _gif(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from('<HH', data, 6)
    return ImageHeader('GIF', width, height, data, max(count_gif_images(BytesIO(data)), 1))


def _webp(data: bytes) -> ImageHeader | None:
    if data[8:12] != b'WEBP':
        return None
    part, images = data[12:16], 1
    if part == b'VP8X':
        images = max(sum(name == b'ANMF' for name in _riff_parts(data)), 1)
        width, height = (int.from_bytes(data[at : at + 3], 'little') + 1 for at in (24, 27))
    elif part == b'VP8L':
        (bits,) = struct.unpack_from('<I', data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (each & 0x3FFF for each in struct.unpack_from('<HH', data, 26))
    return ImageHeader('WebP', width, height, data, images)


def _riff_parts(data: bytes) -> Iterator[bytes]:
    offset = 12
    while offset + 8 <= len(data):
        name, length = struct.unpack_from('<4sI', data, offset)
        yield name
        offset += 8 + length + length % 2


def _tiff(data: bytes) -> ImageHeader:
    """Read the sizes of image and tile out of the first directory, also of a BigTIFF."""
    order = '<' if data[:2] == b'II' else '>'
    large = struct.unpack_from(f'{order}H', data, 2)[0] == 43
    offset_format, count_format, entry = ('Q', 'Q', 20) if large else ('I', 'H', 12)
    (offset,) = struct.unpack_from(order + offset_format, data, 8 if large else 4)
    (count,) = struct.unpack_from(order + count_format, data, offset)
    first, offset = offset, offset + struct.calcsize(order + count_format)
    tags: dict[int, tuple[int, ...]] = {}
    for at in range(offset, offset + entry * min(count, 4096), entry):
        tag, kind = struct.unpack_from(f'{order}HH', data, at)
        if tag not in _TIFF_TAGS:
            continue
        form = {3: 'H', 16: 'Q'}.get(kind, 'I')
        (number,) = struct.unpack_from(order + ('Q' if large else 'I'), data, at + 4)
        if number > len(data):
            raise cut('TIFF', len(data), 'ends within its header')
        value = at + (12 if large else 8)
        if number * struct.calcsize(form) > (8 if large else 4):
            (value,) = struct.unpack_from(order + offset_format, data, value)
        tags[tag] = struct.unpack_from(f'{order}{number}{form}', data, value)
    if not tags.get(256) or not tags.get(257):
        return ImageHeader('TIFF', 0, 0, data)
    for offsets, lengths in ((273, 279), (324, 325)):
        parts = zip(tags.get(offsets, ()), tags.get(lengths, ()))
        if any(start + length > len(data) for start, length in parts):
            raise cut('TIFF', len(data), 'has no end')
    # A tile is decoded whole, whatever of it lies in the image.
    width, height = (
        max(*tags[side], *tags.get(tile, ()), 0) for side, tile in ((256, 322), (257, 323))
    )
    inverted = tags.get(258) == (16,) and tags.get(262) == (0,)
    return ImageHeader(
        'TIFF',
        width,
        height,
        data,
        1 + sum(_further_pages(data, order, large, first, offset + entry * count)),
        inverted=inverted,
    )


def _further_pages(data: bytes, order: str, large: bool, first: int, link: int) -> Iterator[bool]:
    """Follow the directories behind the first; give whether each is an image of its own."""
    form, count_form, entry = ('Q', 'Q', 20) if large else ('I', 'H', 12)
    seen = {first}
    try:
        while True:
            (offset,) = struct.unpack_from(order + form, data, link)
            if not offset or offset in seen:
                return
            seen.add(offset)
            (count,) = struct.unpack_from(order + count_form, data, offset)
            offset += struct.calcsize(count_form)
            (tag,) = struct.unpack_from(f'{order}H', data, offset)
            (kind,) = struct.unpack_from(f'{order}I', data, offset + (12 if large else 8))
            yield not (tag == _SUBFILE and kind & _BELONGING)
            link = offset + entry * count
    except (struct.error, OverflowError):
        return  # there is none where it should be: OpenCV shows the first all the same


def _jpeg_2000(data: bytes) -> ImageHeader:
    offset = data.find(_CODESTREAM)
    if offset < 0:
        raise cut('JPEG 2000', len(data), 'ends within its header')
    right, lower, left, upper = struct.unpack_from('>IIII', data, offset + 8)
    return ImageHeader('JPEG 2000', right - left, lower - upper, data)


_READERS = (
    (b'BM', _bmp),
    (tuple(b'P%d' % kind for kind in range(1, 7)), _pnm),
    ((b'GIF87a', b'GIF89a'), _gif),
    (b'RIFF', _webp),
    (TIFF_MAGIC, _tiff),
    ((_JPEG_2000, _CODESTREAM), _jpeg_2000),
)
