"""
The chunks of a PNG (ISO/IEC 15948), looked through before a decoder trusts their lengths.

OpenCV takes the memory for a chunk as soon as it has read how long that is said to be, and libpng
writes about odd chunks to the standard error on its own.
"""

from __future__ import annotations

import struct
import zlib

from .header import ImageHeader, cut, damaged

MAGIC = b'\x89PNG\r\n\x1a\n'
#: Chunks that decide how the image looks; eXIf says which side is up.
_NEEDED = (b'IHDR', b'PLTE', b'tRNS', b'eXIf', b'IDAT', b'IEND')
_AROUND = 12  # length, type and checksum of a chunk, in bytes
#: Channels and allowed bits by colour type.
_CHANNELS = {
    0: (1, (1, 2, 4, 8, 16)),
    2: (3, (8, 16)),
    3: (1, (1, 2, 4, 8)),
    4: (2, (8, 16)),
    6: (4, (8, 16)),
}
#: Deflate makes at most so many bytes out of one (its format says 258 bytes in 2 bits).
_DEFLATE_RATIO = 1032


def read_png(data: bytes) -> ImageHeader:
    """Return a PNG's header; raises ``ImageError`` for one that is cut or damaged."""
    size, offset, parts = len(data), len(MAGIC), [MAGIC]
    packed, images, header = 0, 1, b''
    while True:
        if offset + _AROUND > size:
            raise cut('PNG', size, 'has no end')
        length, kind = struct.unpack_from('>I4s', data, offset)
        end = offset + _AROUND + length
        if end > size:
            raise cut('PNG', size, f'has a part of {length} bytes that goes on behind its end')
        content = data[offset + 8 : end - 4]
        if (not header) != (kind == b'IHDR'):
            raise damaged('PNG', size, 'it does not begin with one header')
        if kind in _NEEDED:
            (checksum,) = struct.unpack_from('>I', data, end - 4)
            if zlib.crc32(content, zlib.crc32(kind)) != checksum:
                raise damaged('PNG', size, f'the checksum of its part {kind.decode()} is wrong')
            parts.append(data[offset:end])
        if kind == b'IHDR':
            header = content
            if length != 13:
                raise damaged('PNG', size, 'its header is none')
        packed += length if kind == b'IDAT' else 0
        images += kind == b'fcTL' and packed > 0  # in front of the image it belongs to that
        offset = end
        if kind == b'IEND':
            break
    width, height, depth, colour = struct.unpack_from('>IIBB', header)
    channels, depths = _CHANNELS.get(colour, (0, ()))
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise damaged('PNG', size, f'it states a size of {width}x{height} pixels')
    if depth not in depths:
        raise damaged('PNG', size, f'it states {depth} bits in colours of type {colour}')
    if not packed:
        raise damaged('PNG', size, 'it holds no image')
    if height * ((width * channels * depth + 7) // 8) > _DEFLATE_RATIO * packed:
        raise damaged('PNG', size, f'it states a size of {width}x{height} pixels, too many for it')
    return ImageHeader('PNG', width, height, b''.join(parts), images)
