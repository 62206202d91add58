"""
What is left of a recording that is truncated or was never closed.

Such files have no index, or one that points behind their end, so that they are read from the
front until they break.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rosbags.interfaces import Qos
from rosbags.rosbag2.metadata import parse_qos

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


@dataclass(eq=False)
class SalvagedTopic:
    """A topic as the file describes it; ``count`` is of the messages that can be read."""

    name: str
    type: str
    definition: str = ''
    qos: list[Qos] = field(default_factory=list)
    count: int = 0


class Salvage:
    """Reads one damaged file; ``topics`` are those of which a message is left."""

    def __init__(self, path: Path):
        """Look through the file once, to know what is in it."""
        self._path = path
        found: dict[tuple[str, str], SalvagedTopic] = {}
        for topic, _, _ in self.messages():
            known = found.setdefault((topic.name, topic.type), topic)
            known.count += 1
        self.topics = list(found.values())

    def __enter__(self) -> Salvage:
        """Return itself: each reading opens the file anew."""
        return self

    def __exit__(self, *error) -> None:
        """Nothing is open."""

    def messages(self) -> Iterator[tuple[SalvagedTopic, int, bytes]]:
        """Give topic, time of receipt in nanoseconds and data, until the file breaks."""
        read = _mcap_messages if self._path.suffix == '.mcap' else _sqlite_messages
        try:
            yield from read(self._path)
        except GeneratorExit:
            raise
        except Exception:  # whatever the readers meet where the file breaks
            return


def decompressed(data: bytes) -> bytes:
    """Return a message's CDR, also where it was compressed by itself."""
    return zstd.decompress(data) if data[:4] == _ZSTD_MAGIC else data


def _mcap_messages(path: Path) -> Iterator[tuple[SalvagedTopic, int, bytes]]:
    from mcap.records import Channel, Schema
    from mcap.records import Message as Record
    from mcap.stream_reader import StreamReader

    schemas: dict[int, Schema] = {}
    topics: dict[int, SalvagedTopic] = {}
    with path.open('rb') as file:
        for record in StreamReader(file).records:
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel) and record.id not in topics:
                schema = schemas[record.schema_id]
                topics[record.id] = SalvagedTopic(
                    record.topic,
                    schema.name,
                    schema.data.decode(),
                    parse_qos(record.metadata.get('offered_qos_profiles', '')),
                )
            elif isinstance(record, Record):
                yield topics[record.channel_id], record.log_time, record.data


def _sqlite_messages(path: Path) -> Iterator[tuple[SalvagedTopic, int, bytes]]:
    with closing(sqlite3.connect(f'file:{path}?immutable=1', uri=True)) as database:
        # Else SQLite refuses a file that is shorter than its header says.
        database.execute('PRAGMA writable_schema = ON')
        columns = {row[1] for row in database.execute('PRAGMA table_info(topics)')}
        qos = 'offered_qos_profiles' if 'offered_qos_profiles' in columns else "''"
        topics = {
            row[0]: SalvagedTopic(row[1], row[2], qos=parse_qos(row[3] or []))
            for row in database.execute(f'SELECT id, name, type, {qos} FROM topics')
        }
        for topic in topics.values():
            topic.definition = _sqlite_definition(database, topic.type)
        # By the table itself: the index on the time usually lies behind the break.
        for topic_id, received_ns, data in database.execute(
            'SELECT topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id'
        ):
            yield topics[topic_id], received_ns, data


def _sqlite_definition(database: sqlite3.Connection, kind: str) -> str:
    try:
        row = database.execute(
            'SELECT encoded_message_definition FROM message_definitions WHERE topic_type = ?',
            (kind,),
        ).fetchone()
    except sqlite3.DatabaseError:  # before Iron there was no such table
        return ''
    return row[0] if row else ''
