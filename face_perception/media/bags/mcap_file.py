"""
MCAP files (https://mcap.dev/spec), whole ones and what is left of others.

The records are walked through from the front, and what is packed together in a chunk is unpacked
when its messages are due: an index that is missing or wrong does no harm, and a damaged chunk
costs its own messages only.
"""

from __future__ import annotations

import heapq
import os
import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from .compression import LARGEST, DecompressionError, decompressed, unpack_lz4, unpack_zstd
from .recorded import CDR, EARLIEST, LATEST, DamagedError, Message, Topic, joined, quality

MAGIC = b'\x89MCAP0\r\n'
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _INDEX = 2, 3, 4, 5, 6, 7
_CHUNK_INDEX, _STATISTICS = 8, 11
_RECORD, _MESSAGE_HEAD = struct.Struct('<BQ'), struct.Struct('<HIQQ')
#: A chunk's head without the name of its compression: times, size and checksum of its records.
_CHUNK_HEAD = struct.Struct('<QQQI')
#: Bytes of a schema or a channel, which are read whole.
_LARGEST_RECORD = 1 << 26


@dataclass
class _Chunk:
    """Messages that are packed together, as their head describes them."""

    start_ns: int
    end_ns: int
    size: int
    checksum: int
    compression: str
    place: int
    packed_size: int
    counts: Counter = field(default_factory=Counter)


@dataclass
class _Run:
    """Messages that follow each other in the file: time of receipt, place and size."""

    messages: list[tuple[int, int, int]]

    @property
    def start_ns(self) -> int:
        """Return when the first of them was received."""
        return min(self.messages)[0]

    @property
    def end_ns(self) -> int:
        """Return when the last of them was received."""
        return max(self.messages)[0]


class McapFile:
    """An MCAP file; see ``StorageFile``."""

    def __init__(self, path: Path):
        """Open it; raises ``DamagedError`` for what is no MCAP, ``OSError`` where it cannot be."""
        self.path, self._fault = path, ''
        #: Damaged chunks by their place: why, and how many of the wanted messages they had.
        self._lost: dict[int, tuple[str, int]] = {}
        self._file: BinaryIO = path.open('rb')
        self._schemas: dict[int, tuple[str, str, bytes]] = {}
        self._channels: dict[int, Topic] = {}
        self._pieces: list[_Chunk | _Run] = []
        self._counts: Counter = Counter()
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            if self._file.read(len(MAGIC)) != MAGIC:
                raise DamagedError('File magic is invalid')
            self._walk()
        except BaseException:
            self.close()
            raise
        self.topics = joined(
            [replace(topic, count=self._counts[number]) for number, topic in self._channels.items()]
        )

    @property
    def fault(self) -> str:
        """Return what cannot be read; that of chunks shows when their messages are due."""
        if self._fault or not self._lost:
            return self._fault
        reason, _ = next(iter(self._lost.values()))
        lost = sum(count for _, count in self._lost.values())
        return (
            f"'{self.path.name}' is damaged ({reason}): {lost or 'some'} messages in the midst of "
            'it cannot be read'
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def span_ns(self) -> tuple[int, int] | None:
        """Return when the first and the last message were received, ``None`` without any."""
        pieces = [
            piece for piece in self._pieces if isinstance(piece, _Run) or piece.counts.total()
        ]
        if not pieces:
            return None
        return min(piece.start_ns for piece in pieces), max(piece.end_ns for piece in pieces)

    def messages(
        self, wanted: Collection[Topic], start_ns: int = EARLIEST, stop_ns: int = LATEST
    ) -> Iterator[Message]:
        """Give the messages of the topics ``wanted`` in the order of their receipt."""
        chosen = {number: topic for number, topic in self._channels.items() if topic in wanted}
        waiting = sorted(
            (
                piece
                for piece in self._pieces
                if piece.end_ns >= start_ns and piece.start_ns < stop_ns
            ),
            key=lambda piece: piece.start_ns,
            reverse=True,
        )
        heap: list[tuple[int, int, Message, Iterator[Message]]] = []
        opened = 0
        while waiting or heap:
            # A piece is opened once its time has come, so that few are in memory at a time.
            if waiting and (not heap or waiting[-1].start_ns <= heap[0][0]):
                messages = self._messages_of(waiting.pop(), chosen)
                number, opened = opened, opened + 1
            else:
                _, number, message, messages = heapq.heappop(heap)
                yield message
            following = next(messages, None)
            if following is not None:
                heapq.heappush(heap, (following.received_ns, number, following, messages))

    # What the file holds

    def _walk(self) -> None:
        """Look through the records from the front."""
        place, ended, broken = len(MAGIC), False, ''
        counted: _Chunk | None = None
        stated = 0
        while not ended:
            try:
                opcode, size = self._head(place)
                content = place + _RECORD.size
                if opcode == _MESSAGE:
                    self._add_message(content, size)
                elif opcode == _CHUNK:
                    counted = self._chunk(content, size)
                    self._pieces.append(counted)
                elif opcode == _INDEX and counted is not None:
                    number, length = struct.unpack('<HI', self._read(content, 6))
                    counted.counts[number] += length // 16
                elif opcode in (_SCHEMA, _CHANNEL):
                    self._learn(opcode, self._read(content, min(size, _LARGEST_RECORD)))
                elif opcode == _STATISTICS:
                    (stated,) = struct.unpack('<Q', self._read(content, 8))
                ended = opcode == _FOOTER
                place = content + size
            except (DamagedError, struct.error, UnicodeDecodeError) as error:
                broken = ' '.join(str(error).split())
                place = self._next_chunk(place)
                if not place:
                    break
        self._count(ended and not broken)
        if broken or not ended:
            self._fault = (
                f"'{self.path.name}' is damaged or was not closed ({broken}): "
                f'{self._counts.total()} messages of it can be read'
            )
            return
        known = sum(count for number, count in self._counts.items() if number in self._channels)
        if known < max(stated, self._counts.total()):
            self._fault = (
                f"'{self.path.name}' is damaged: of its {max(stated, self._counts.total())} "
                f'messages {known} can be told to be of a topic'
            )

    def _head(self, place: int) -> tuple[int, int]:
        """Return opcode and size of a record that is there whole."""
        opcode, size = _RECORD.unpack(self._read(place, _RECORD.size))
        if place + _RECORD.size + size > self._size or not opcode:
            raise DamagedError(f'it breaks off at byte {place}')
        return opcode, size

    def _chunk(self, place: int, size: int) -> _Chunk:
        start_ns, end_ns, unpacked, checksum = _CHUNK_HEAD.unpack(
            self._read(place, _CHUNK_HEAD.size)
        )
        (length,) = struct.unpack('<I', self._read(place + 28, 4))
        compression = self._read(place + 32, min(length, 16)).decode()
        (packed,) = struct.unpack('<Q', self._read(place + 32 + length, 8))
        head = 40 + length
        if head + packed > size:
            raise DamagedError(f'the chunk at byte {place} is none')
        return _Chunk(start_ns, end_ns, unpacked, checksum, compression, place + head, packed)

    def _add_message(self, place: int, size: int) -> None:
        if size < _MESSAGE_HEAD.size:
            raise DamagedError(f'the message at byte {place} is none')
        number, _, received_ns, _ = _MESSAGE_HEAD.unpack(self._read(place, _MESSAGE_HEAD.size))
        run = self._pieces[-1] if self._pieces else None
        if not isinstance(run, _Run):
            run = _Run([])
            self._pieces.append(run)
        run.messages.append((received_ns, place, size))
        self._counts[number] += 1

    def _next_chunk(self, broken: int) -> int:
        """Return where the first chunk behind a place lies as the index knows it, else 0."""
        try:
            self._file.seek(-37, os.SEEK_END)
            footer = self._file.read(37)
            if footer[-8:] != MAGIC or footer[0] != _FOOTER:
                return 0
            (place,) = struct.unpack_from('<Q', footer, 9)
            places = [place] if place else []
            while place and place < self._size:
                opcode, size = self._head(place)
                if opcode == _CHUNK_INDEX:
                    places.append(struct.unpack('<Q', self._read(place + 9 + 16, 8))[0])
                if opcode == _FOOTER:
                    break
                place += _RECORD.size + size
        except (DamagedError, struct.error, OSError):
            return 0
        return min((place for place in places if place > broken), default=0)

    def _count(self, whole: bool) -> None:
        """Know how many messages each topic has, and all topics."""
        for piece in [piece for piece in self._pieces if isinstance(piece, _Chunk)]:
            if whole and piece.counts and set(piece.counts) <= set(self._channels):
                self._counts.update(piece.counts)
                continue
            try:
                records = self._unpack(piece)
                piece.counts = Counter(number for number, _, _ in _walk_chunk(records, self._learn))
            except (DamagedError, DecompressionError):
                piece.counts = Counter()
            self._counts.update(piece.counts)

    def _learn(self, opcode: int, content: bytes) -> None:
        """Take in a schema or a channel."""
        if opcode == _SCHEMA:
            (number,) = struct.unpack_from('<H', content)
            name, place = _sized(content, 2)
            encoding, place = _sized(content, place)
            definition, _ = _sized(content, place)
            self._schemas.setdefault(number, (_text(name), _text(encoding), definition))
            return
        number, schema = struct.unpack_from('<HH', content)
        name, place = _sized(content, 4)
        encoding, place = _sized(content, place)
        pairs, _ = _sized(content, place)
        kind, language, definition = self._schemas.get(schema, ('', '', b''))
        metadata = _pairs(pairs)
        self._channels.setdefault(
            number,
            Topic(
                _text(name),
                kind,
                definition=definition,
                digest=metadata.get('topic_type_hash', ''),
                qos=quality(metadata.get('offered_qos_profiles', '')),
                encoding=_text(encoding) or CDR,
                schema=language,
            ),
        )

    # Its messages

    def _messages_of(self, piece: _Chunk | _Run, chosen: dict[int, Topic]) -> Iterator[Message]:
        """Give the chosen messages of a piece by their time; say where they cannot be read."""
        if isinstance(piece, _Run):
            for received_ns, place, size in sorted(piece.messages):
                content = self._read(place, size)
                (number,) = struct.unpack_from('<H', content)
                if number in chosen:
                    yield self._message(chosen[number], received_ns, content[_MESSAGE_HEAD.size :])
            return
        if piece.counts and not piece.counts.keys() & chosen.keys():
            return
        try:
            records = self._unpack(piece)
            found = [
                (received_ns, place, number)
                for number, received_ns, place in _walk_chunk(records)
                if number in chosen
            ]
        except (DamagedError, DecompressionError) as error:
            lost = sum(piece.counts[number] for number in chosen)
            self._lost[piece.place] = ' '.join(str(error).split()), lost
            return
        for received_ns, place, number in sorted(found):
            (_, size) = _RECORD.unpack_from(records, place)
            content = records[place + 9 + _MESSAGE_HEAD.size : place + 9 + size]
            yield self._message(chosen[number], received_ns, content)

    def _message(self, topic: Topic, received_ns: int, data: bytes) -> Message:
        """Return a message; its data stay packed where they are damaged, and are refused so."""
        try:
            data = decompressed(data) if topic.encoding == CDR else data
        except DecompressionError:
            pass
        return Message(topic, received_ns, data)

    def _unpack(self, chunk: _Chunk) -> bytes:
        """Return a chunk's records; raises ``DecompressionError`` or ``DamagedError``."""
        if max(chunk.size, chunk.packed_size) > LARGEST:
            raise DamagedError(f'a chunk of {max(chunk.size, chunk.packed_size)} bytes')
        packed = self._read(chunk.place, chunk.packed_size)
        if chunk.compression == '':
            records = packed
        elif chunk.compression == 'zstd':
            records = unpack_zstd(packed, chunk.size)
        elif chunk.compression == 'lz4':
            records = unpack_lz4(packed, chunk.size)
        else:
            raise DamagedError(f"a chunk is compressed with '{chunk.compression}'")
        if len(records) != chunk.size:
            raise DamagedError(f'a chunk has {len(records)} of {chunk.size} bytes')
        if chunk.checksum and zlib.crc32(records) != chunk.checksum:
            raise DamagedError('the checksum of a chunk is wrong')
        return records

    def _read(self, place: int, size: int) -> bytes:
        if place + size > self._size:
            raise DamagedError(f'it breaks off at byte {place}')
        self._file.seek(place)
        return self._file.read(size)


def _walk_chunk(records: bytes, learn=None) -> Iterator[tuple[int, int, int]]:
    """Give channel, time of receipt and place of a chunk's messages; raises ``DamagedError``."""
    place = 0
    try:
        while place < len(records):
            opcode, size = _RECORD.unpack_from(records, place)
            content = place + _RECORD.size
            if content + size > len(records):
                raise DamagedError('a record goes on behind its chunk')
            if opcode == _MESSAGE:
                if size < _MESSAGE_HEAD.size:
                    raise DamagedError('a message of a chunk is none')
                number, _, received_ns, _ = _MESSAGE_HEAD.unpack_from(records, content)
                yield number, received_ns, place
            elif learn is not None and opcode in (_SCHEMA, _CHANNEL):
                learn(opcode, records[content : content + size])
            place = content + size
    except (struct.error, UnicodeDecodeError) as error:
        raise DamagedError(f'a record of a chunk is none: {error}') from None


def _sized(content: bytes, place: int) -> tuple[bytes, int]:
    """Return bytes that are preceded by their number, and where they end."""
    (size,) = struct.unpack_from('<I', content, place)
    end = place + 4 + size
    if end > len(content):
        raise DamagedError('a text goes on behind its record')
    return content[place + 4 : end], end


def _text(content: bytes) -> str:
    return content.decode(errors='replace')


def _pairs(content: bytes) -> dict[str, str]:
    pairs, place = {}, 0
    while place < len(content):
        key, place = _sized(content, place)
        value, place = _sized(content, place)
        pairs[_text(key)] = _text(value)
    return pairs
