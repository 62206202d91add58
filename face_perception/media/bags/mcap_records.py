"""The records of MCAP files (https://mcap.dev/spec) and what is in them."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .compression import unpack_lz4, unpack_zstd
from .recorded import DamagedError

MAGIC = b'\x89MCAP0\r\n'
FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, INDEX = 2, 3, 4, 5, 6, 7
CHUNK_INDEX, STATISTICS = 8, 11
# Times are those of ROS, which has them with a sign.
RECORD, MESSAGE_HEAD = struct.Struct('<BQ'), struct.Struct('<HIqq')
#: A chunk's head without the name of its compression: times, size and checksum of its records.
CHUNK_HEAD = struct.Struct('<qqQI')
#: Bytes of a schema or a channel, which are read whole.
LARGEST_RECORD = 1 << 26


@dataclass
class Chunk:
    """Messages that are packed together, as their head describes them."""

    start_ns: int
    end_ns: int
    size: int
    checksum: int
    compression: str
    offset: int
    packed_size: int
    counts: Counter = field(default_factory=Counter)

    def records(self, packed: bytes) -> bytes:
        """Unpack its records; raises ``DecompressionError`` or ``DamagedError``."""
        if self.compression == '':
            records = packed
        elif self.compression == 'zstd':
            records = unpack_zstd(packed, self.size)
        elif self.compression == 'lz4':
            records = unpack_lz4(packed, self.size)
        else:
            raise DamagedError(f"a chunk is compressed with '{self.compression}'")
        if len(records) != self.size:
            raise DamagedError(f'a chunk has {len(records)} of {self.size} bytes')
        if self.checksum and zlib.crc32(records) != self.checksum:
            raise DamagedError('the checksum of a chunk is wrong')
        return records


@dataclass
class Run:
    """Messages that follow each other in the file: time of receipt, offset and size."""

    messages: list[tuple[int, int, int]]

    @property
    def start_ns(self) -> int:
        """Return when the first of them was received."""
        return min(self.messages)[0]

    @property
    def end_ns(self) -> int:
        """Return when the last of them was received."""
        return max(self.messages)[0]


def messages_of_chunk(records: bytes, learn=None) -> Iterator[tuple[int, int, int]]:
    """Give channel, time of receipt and offset of a chunk's messages; raises ``DamagedError``."""
    offset = 0
    try:
        while offset < len(records):
            opcode, size = RECORD.unpack_from(records, offset)
            content = offset + RECORD.size
            if content + size > len(records):
                raise DamagedError('a record goes on behind its chunk')
            if opcode == MESSAGE:
                if size < MESSAGE_HEAD.size:
                    raise DamagedError('a message of a chunk is none')
                number, _, received_ns, _ = MESSAGE_HEAD.unpack_from(records, content)
                yield number, received_ns, offset
            elif learn is not None and opcode in (SCHEMA, CHANNEL):
                learn(opcode, records[content : content + size])
            offset = content + size
    except (struct.error, UnicodeDecodeError) as error:
        raise DamagedError(f'a record of a chunk is none: {error}') from None


def sized(content: bytes, offset: int) -> tuple[bytes, int]:
    """Return bytes that are preceded by their number, and where they end."""
    (size,) = struct.unpack_from('<I', content, offset)
    end = offset + 4 + size
    if end > len(content):
        raise DamagedError('a text goes on behind its record')
    return content[offset + 4 : end], end


def text_of(content: bytes) -> str:
    """Return a text; what is no UTF-8 shows as such."""
    return content.decode(errors='replace')


def pairs_of(content: bytes) -> dict[str, str]:
    """Return the entries of a map of texts."""
    pairs, offset = {}, 0
    while offset < len(content):
        key, offset = sized(content, offset)
        value, offset = sized(content, offset)
        pairs[text_of(key)] = text_of(value)
    return pairs
