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
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from .compression import LARGEST, DecompressionError, decompressed
from .mcap_records import (
    CHANNEL,
    CHUNK,
    CHUNK_HEAD,
    CHUNK_INDEX,
    FOOTER,
    INDEX,
    LARGEST_RECORD,
    MAGIC,
    MESSAGE,
    MESSAGE_HEAD,
    RECORD,
    SCHEMA,
    STATISTICS,
    Chunk,
    Run,
    messages_of_chunk,
    pairs_of,
    sized,
    text_of,
)
from .recorded import CDR, EARLIEST, LATEST, DamagedError, Message, Topic, joined, quality


class McapFile:
    """An MCAP file; see ``StorageFile``."""

    def __init__(self, path: Path):
        """Open it; raises ``DamagedError`` for what is no MCAP, ``OSError`` where it cannot be."""
        self.path, self._fault = path, ''
        #: Damaged chunks by their offset: why, and how many of the wanted messages they had.
        self._lost: dict[int, tuple[str, int]] = {}
        self._file: BinaryIO = path.open('rb')
        self._schemas: dict[int, tuple[str, str, bytes]] = {}
        self._channels: dict[int, Topic] = {}
        self._pieces: list[Chunk | Run] = []
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
        pieces = [piece for piece in self._pieces if isinstance(piece, Run) or piece.counts.total()]
        if not pieces:
            return None
        return min(piece.start_ns for piece in pieces), max(piece.end_ns for piece in pieces)

    def messages(
        self, wanted: Collection[Topic], start_ns: int = EARLIEST, stop_ns: int = LATEST
    ) -> Iterator[Message]:
        """Give the messages of the topics ``wanted`` in the order of their receipt."""
        chosen = {number: topic for number, topic in self._channels.items() if topic in wanted}
        # By their place in the file too: messages of the same time come as they were recorded.
        waiting = sorted(
            (
                (piece.start_ns, number, piece)
                for number, piece in enumerate(self._pieces)
                if piece.end_ns >= start_ns and piece.start_ns < stop_ns
            ),
            key=lambda one: one[:2],
            reverse=True,
        )
        heap: list[tuple[int, int, Message, Iterator[Message]]] = []
        while waiting or heap:
            # A piece is opened once its time has come, so that few are in memory at a time.
            if waiting and (not heap or waiting[-1][:2] < heap[0][:2]):
                _, number, piece = waiting.pop()
                messages = self._messages_of(piece, chosen)
            else:
                _, number, message, messages = heapq.heappop(heap)
                yield message
            following = next(messages, None)
            if following is not None:
                heapq.heappush(heap, (following.received_ns, number, following, messages))

    # What the file holds

    def _walk(self) -> None:
        """Look through the records from the front."""
        offset, ended, broken = len(MAGIC), False, ''
        counted: Chunk | None = None
        stated = 0
        while not ended:
            try:
                opcode, size = self._head(offset)
                content = offset + RECORD.size
                if opcode == MESSAGE:
                    self._add_message(content, size)
                elif opcode == CHUNK:
                    counted = self._chunk(content, size)
                    self._pieces.append(counted)
                elif opcode == INDEX and counted is not None:
                    number, length = struct.unpack('<HI', self._read(content, 6))
                    counted.counts[number] += length // 16
                elif opcode in (SCHEMA, CHANNEL):
                    self._learn(opcode, self._read(content, min(size, LARGEST_RECORD)))
                elif opcode == STATISTICS:
                    (stated,) = struct.unpack('<Q', self._read(content, 8))
                ended = opcode == FOOTER
                offset = content + size
            except (DamagedError, struct.error, UnicodeDecodeError) as error:
                broken = ' '.join(str(error).split())
                offset = self._next_chunk(offset)
                if not offset:
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

    def _head(self, offset: int) -> tuple[int, int]:
        """Return opcode and size of a record that is there whole."""
        opcode, size = RECORD.unpack(self._read(offset, RECORD.size))
        if offset + RECORD.size + size > self._size or not opcode:
            raise DamagedError(f'it breaks off at byte {offset}')
        return opcode, size

    def _chunk(self, offset: int, size: int) -> Chunk:
        start_ns, end_ns, unpacked, checksum = CHUNK_HEAD.unpack(
            self._read(offset, CHUNK_HEAD.size)
        )
        (length,) = struct.unpack('<I', self._read(offset + 28, 4))
        compression = self._read(offset + 32, min(length, 16)).decode()
        (packed,) = struct.unpack('<Q', self._read(offset + 32 + length, 8))
        head = 40 + length
        if head + packed > size:
            raise DamagedError(f'the chunk at byte {offset} is none')
        return Chunk(start_ns, end_ns, unpacked, checksum, compression, offset + head, packed)

    def _add_message(self, offset: int, size: int) -> None:
        if size < MESSAGE_HEAD.size:
            raise DamagedError(f'the message at byte {offset} is none')
        number, _, received_ns, _ = MESSAGE_HEAD.unpack(self._read(offset, MESSAGE_HEAD.size))
        run = self._pieces[-1] if self._pieces else None
        if not isinstance(run, Run):
            run = Run([])
            self._pieces.append(run)
        run.messages.append((received_ns, offset, size))
        self._counts[number] += 1

    def _next_chunk(self, broken: int) -> int:
        """Return where the first chunk behind a offset lies as the index knows it, else 0."""
        try:
            self._file.seek(-37, os.SEEK_END)
            footer = self._file.read(37)
            if footer[-8:] != MAGIC or footer[0] != FOOTER:
                return 0
            (offset,) = struct.unpack_from('<Q', footer, 9)
            offsets = [offset] if offset else []
            while offset and offset < self._size:
                opcode, size = self._head(offset)
                if opcode == CHUNK_INDEX:
                    offsets.append(struct.unpack('<Q', self._read(offset + 9 + 16, 8))[0])
                if opcode == FOOTER:
                    break
                offset += RECORD.size + size
        except (DamagedError, struct.error, OSError):
            return 0
        return min((offset for offset in offsets if offset > broken), default=0)

    def _count(self, whole: bool) -> None:
        """Know how many messages each topic has, and all topics."""
        for piece in [piece for piece in self._pieces if isinstance(piece, Chunk)]:
            if whole and piece.counts and set(piece.counts) <= set(self._channels):
                self._counts.update(piece.counts)
                continue
            try:
                records = self._unpack(piece)
                piece.counts = Counter(
                    number for number, _, _ in messages_of_chunk(records, self._learn)
                )
            except (DamagedError, DecompressionError):
                piece.counts = Counter()
            self._counts.update(piece.counts)

    def _learn(self, opcode: int, content: bytes) -> None:
        """Take in a schema or a channel."""
        if opcode == SCHEMA:
            (number,) = struct.unpack_from('<H', content)
            name, offset = sized(content, 2)
            encoding, offset = sized(content, offset)
            definition, _ = sized(content, offset)
            self._schemas.setdefault(number, (text_of(name), text_of(encoding), definition))
            return
        number, schema = struct.unpack_from('<HH', content)
        name, offset = sized(content, 4)
        encoding, offset = sized(content, offset)
        pairs, _ = sized(content, offset)
        kind, language, definition = self._schemas.get(schema, ('', '', b''))
        metadata = pairs_of(pairs)
        self._channels.setdefault(
            number,
            Topic(
                text_of(name),
                kind,
                definition=definition,
                digest=metadata.get('topic_type_hash', ''),
                qos=quality(metadata.get('offered_qos_profiles', '')),
                encoding=text_of(encoding) or CDR,
                schema=language,
            ),
        )

    # Its messages

    def _messages_of(self, piece: Chunk | Run, chosen: dict[int, Topic]) -> Iterator[Message]:
        """Give the chosen messages of a piece by their time; say where they cannot be read."""
        if isinstance(piece, Run):
            for _, offset, size in sorted(piece.messages):
                content = self._read(offset, size)
                (number,) = struct.unpack_from('<H', content)
                if number in chosen:
                    yield self._message(chosen[number], content)
            return
        if piece.counts and not piece.counts.keys() & chosen.keys():
            return
        try:
            records = self._unpack(piece)
            found = [
                (received_ns, offset, number)
                for number, received_ns, offset in messages_of_chunk(records)
                if number in chosen
            ]
        except (DamagedError, DecompressionError) as error:
            lost = sum(piece.counts[number] for number in chosen)
            self._lost[piece.offset] = ' '.join(str(error).split()), lost
            return
        for _, offset, number in sorted(found):
            (_, size) = RECORD.unpack_from(records, offset)
            yield self._message(chosen[number], memoryview(records)[offset + RECORD.size :][:size])

    def _message(self, topic: Topic, content: bytes | memoryview) -> Message:
        """Return a message; its data stay packed where they are damaged, and are refused so."""
        _, sequence, received_ns, published_ns = MESSAGE_HEAD.unpack_from(content)
        data = bytes(content[MESSAGE_HEAD.size :])
        try:
            data = decompressed(data) if topic.encoding == CDR else data
        except DecompressionError:
            pass
        return Message(topic, received_ns, data, published_ns, sequence)

    def _unpack(self, chunk: Chunk) -> bytes:
        """Return a chunk's records; raises ``DecompressionError`` or ``DamagedError``."""
        if max(chunk.size, chunk.packed_size) > LARGEST:
            raise DamagedError(f'a chunk of {max(chunk.size, chunk.packed_size)} bytes')
        return chunk.records(self._read(chunk.offset, chunk.packed_size))

    def _read(self, offset: int, size: int) -> bytes:
        if offset + size > self._size:
            raise DamagedError(f'it breaks off at byte {offset}')
        self._file.seek(offset)
        return self._file.read(size)
