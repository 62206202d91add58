"""Decompression that knows when to stop: a few bytes may stand for more than any memory."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    import backports.zstd as zstd

#: Bytes that a message, or what is compressed together in a file, has at most: more than the
#: largest image that is decoded takes. Decompressing takes twice as much meanwhile.
LARGEST = 1 << 28
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
_PIECE = 1 << 20
#: How the files of bags begin: what does not is not worth the disk that it would fill.
_STORAGE_MAGIC = (b'\x89MCAP', b'SQLite format 3')
#: Bytes that stay free on the disk to which files are unpacked.
_SPARE = 1 << 29


class DecompressionError(Exception):
    """What is compressed is damaged, or larger than it may be."""


def decompressed(data: bytes) -> bytes:
    """Return a message's CDR, also where it was compressed by itself."""
    return unpack_zstd(data, LARGEST) if data[:4] == _ZSTD_MAGIC else data


def unpack_zstd(data: bytes, limit: int) -> bytes:
    """Return what zstd made ``data`` of; raises ``DecompressionError`` beyond ``limit`` bytes."""
    parts, size = [], 0
    decompressor = zstd.ZstdDecompressor()
    try:
        stated = zstd.get_frame_info(data).decompressed_size
        if stated is not None and stated > limit:
            raise DecompressionError(f'it holds more than {limit >> 20} MB')
        while True:
            part = decompressor.decompress(data, max_length=limit + 1 - size)
            parts.append(part)
            size += len(part)
            if size > limit:
                raise DecompressionError(f'it holds more than {limit >> 20} MB')
            if decompressor.eof:
                data = decompressor.unused_data
                if not data:
                    return b''.join(parts)
                decompressor = zstd.ZstdDecompressor()
            elif decompressor.needs_input:
                raise DecompressionError('it is not complete')
            else:
                data = b''
    except zstd.ZstdError as error:
        raise DecompressionError(str(error)) from None


def unpack_lz4(data: bytes, limit: int) -> bytes:
    """Return what lz4 made ``data`` of; raises ``DecompressionError`` beyond ``limit`` bytes."""
    from lz4.frame import LZ4FrameDecompressor

    decompressor = LZ4FrameDecompressor()
    try:
        content = decompressor.decompress(data, max_length=limit + 1)
    except RuntimeError as error:
        raise DecompressionError(str(error)) from None
    if len(content) > limit:
        raise DecompressionError(f'it holds more than {limit >> 20} MB')
    return content


def unpack_file(packed: Path, unpacked: Path) -> str:
    """
    Decompress a file with zstd as far as it goes; return '', or what is missing and why.

    Raises ``OSError`` where there is no room for it.
    """
    with zstd.open(packed, 'rb') as source, unpacked.open('wb') as target:
        while True:
            try:
                part = source.read1(_PIECE)
            except EOFError:
                return 'it is not complete'
            except zstd.ZstdError as error:
                return f'what follows is damaged: {error}'
            if not part:
                return ''
            if not target.tell() and not part.startswith(_STORAGE_MAGIC):
                return 'what is compressed is no bag'
            _check_room(unpacked.parent, packed)
            target.write(part)


def _check_room(folder: Path, packed: Path) -> None:
    if shutil.disk_usage(folder).free < _SPARE:
        raise OSError(
            f"there is no room in '{folder}' to unpack '{packed.name}': make some, or name another "
            f'place in the variable TMPDIR (it is {os.environ.get("TMPDIR") or "not set"})'
        )
