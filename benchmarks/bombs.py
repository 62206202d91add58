"""Small images that claim to be large ones."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np


def jpeg_bomb(side: int) -> bytes:
    """Return a few hundred bytes that claim a JPEG of ``side`` x ``side`` pixels."""
    data = bytearray(cv2.imencode('.jpg', np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    offset = data.index(b'\xff\xc0') + 5
    data[offset : offset + 4] = min(side, 65500).to_bytes(2, 'big') * 2
    return bytes(data)


def png_bomb(side: int) -> bytes:
    """Return a whole PNG of zeros of ``side`` x ``side`` pixels: a thousandth of its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        )

    squeezer, rows = zlib.compressobj(1), bytes(side + 1)
    packed = b''.join(squeezer.compress(rows) for _ in range(min(side, 4096))) + squeezer.flush()
    head = struct.pack('>IIBBBBB', side, side, 8, 0, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', packed) + chunk(b'IEND', b'')
    )
