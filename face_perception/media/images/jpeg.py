"""
The markers of a JPEG (ITU-T T.81, annex B), walked through from its start to its end.

A decoder of OpenCV's fills with gray what is missing at the end, and takes the memory for as many
pixels as the frame header states, whatever there is of them.
"""

from __future__ import annotations

import re
import struct

from .header import ImageHeader, cut, damaged

MAGIC = b'\xff\xd8'
#: The next marker: 0xff that is neither a stuffed byte, nor a restart marker, nor a fill byte.
_MARKER = re.compile(rb'\xff([^\x00\xd0-\xd7\xff])')
_START, _END, _SCAN, _STANDALONE = 0xD8, 0xD9, 0xDA, (0x01, 0xD8)
#: Frame headers by how they code: DHT, JPG and DAC lie between them and are none.
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7)
_ARITHMETIC_FRAMES = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
#: A block of 8x8 pixels takes a bit or more: what a byte can stand for at most, in pixels.
_PIXELS_PER_BYTE = 8 * 64


def read_jpeg(data: bytes) -> ImageHeader:
    """Return a JPEG's header; raises ``ImageError`` for one that is cut or damaged."""
    size, offset, frame, scans = len(data), len(MAGIC), None, 0
    while True:
        found = _MARKER.search(data, offset)
        if found is None:
            raise cut('JPEG', size, 'has no end')
        marker, offset = found[1][0], found.end()
        if marker == _END:
            break
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[offset : offset + 2], 'big')
        if offset + length > size:
            raise cut('JPEG', size, 'has no end')
        if length < 2:
            raise damaged('JPEG', size, 'a segment of it has no length')
        if marker in _HUFFMAN_FRAMES or marker in _ARITHMETIC_FRAMES:
            if frame is not None or length < 8:
                raise damaged('JPEG', size, 'it does not state one size')
            frame = marker
            height, width = struct.unpack_from('>HH', data, offset + 3)
        elif marker == _SCAN:
            scans += 1
        offset += length
    if frame is None or not scans:
        raise damaged('JPEG', size, 'it holds no image')
    if not width or not height:
        raise damaged('JPEG', size, f'it states a size of {width}x{height} pixels')
    if frame in _HUFFMAN_FRAMES and width * height > _PIXELS_PER_BYTE * size:
        raise damaged('JPEG', size, f'it states a size of {width}x{height} pixels, too many for it')
    return ImageHeader('JPEG', width, height, data)
