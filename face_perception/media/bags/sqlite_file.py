"""SQLite files of rosbag2 (its storage plugin sqlite3), whole ones and what is left of others."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from .compression import DecompressionError, decompressed
from .recorded import CDR, EARLIEST, LATEST, DamagedError, Message, Topic, quality

#: Rows in a row that cannot be read, after which none follow that can.
_MOST_LOST = 10_000
#: As a limit of rows: none.
_ALL = -1
#: Topics of a file at most.
_MOST_TOPICS = 10_000
_COLUMNS = 'id, topic_id, timestamp, data'


def newest_of(path: Path) -> Path | None:
    """
    Return the file with the newest messages of a SQLite file, ``None`` where there is none.

    A recorder that is killed leaves it: it had not moved them into the file.  It lies beside the
    file, or beside the one that a link leads to.
    """
    for beside in (path, path.resolve()):
        log = beside.with_name(beside.name + '-wal')
        if log.is_file() and log.stat().st_size:
            return log
    return None


class SqliteFile:
    """A SQLite file; see ``StorageFile``."""

    def __init__(self, path: Path):
        """Open it; raises ``DamagedError`` for what is no such file."""
        self.path, self.fault, self._reason = path, '', ''
        self._copies: tempfile.TemporaryDirectory | None = None
        try:
            self._database = self._connect()
            self._topics = self._read_topics()
        except sqlite3.Error as error:
            self.close()
            raise DamagedError(' '.join(str(error).split())) from None
        except BaseException:
            self.close()
            raise
        counts = self._count()
        self._topics = {
            number: replace(topic, count=counts.get(number, 0))
            for number, topic in self._topics.items()
        }
        self.topics = list(self._topics.values())
        if not self.fault and self._is_cut():
            self._tell('it is shorter than it states', sum(counts.values()))

    def close(self) -> None:
        """Close the file."""
        if hasattr(self, '_database'):
            self._database.close()
        if self._copies is not None:
            self._copies.cleanup()

    def span_ns(self) -> tuple[int, int] | None:
        """Return when the first and the last message were received, ``None`` without any."""
        try:
            first, last = self._database.execute(
                'SELECT min(timestamp), max(timestamp) FROM messages'
            ).fetchone()
        except sqlite3.Error:
            times = [time for _, _, time, _ in self._rows_by_number(set()) if isinstance(time, int)]
            first, last = min(times, default=None), max(times, default=None)
        if isinstance(first, int) and isinstance(last, int):
            return first, last
        # A time that is no number, which SQLite lets one write, is larger than all.
        try:
            first, last = self._database.execute(
                'SELECT min(timestamp), max(timestamp) FROM messages '
                "WHERE typeof(timestamp) = 'integer'"
            ).fetchone()
        except sqlite3.Error:
            return None
        return None if first is None else (first, last)

    def messages(
        self, wanted: Collection[Topic], start_ns: int = EARLIEST, stop_ns: int = LATEST
    ) -> Iterator[Message]:
        """Give the messages of the topics ``wanted`` in the order of their receipt."""
        chosen = {number: topic for number, topic in self._topics.items() if topic in wanted}
        for _, number, received_ns, data in self._rows(chosen, start_ns, stop_ns):
            if number not in chosen:
                continue
            if not (isinstance(received_ns, int) and isinstance(data, bytes)):
                self.fault = (
                    self.fault or f"'{self.path.name}' is damaged: it has rows without data"
                )
                continue
            try:
                data = decompressed(data) if chosen[number].encoding == CDR else data
            except DecompressionError:
                pass  # it is refused as a message that is damaged
            yield Message(chosen[number], received_ns, data)

    def _connect(self) -> sqlite3.Connection:
        path, log = self.path, newest_of(self.path)
        if log is not None:
            self._copies = tempfile.TemporaryDirectory()
            path = Path(self._copies.name, 'copy.db3')
            shutil.copyfile(self.path, path)
            shutil.copyfile(log, path.with_name('copy.db3-wal'))
        # '#', '?' and '%' have a meaning in an address.
        address = f'file:{quote(os.fsencode(path.absolute()))}'
        database = sqlite3.connect(
            address if self._copies else f'{address}?immutable=1', uri=True, check_same_thread=False
        )
        database.text_factory = lambda text: text.decode(errors='replace')
        database.execute('PRAGMA trusted_schema = OFF')
        # Else SQLite refuses a file that is shorter than its header says.
        database.execute('PRAGMA writable_schema = ON')
        return database

    def _read_topics(self) -> dict[int, Topic]:
        tables = {
            name
            for (name,) in self._database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        }
        if not {'topics', 'messages'} <= tables:
            raise DamagedError('it has no tables of topics and messages')
        columns = {row[1] for row in self._database.execute('PRAGMA table_info(topics)')}
        wanted = ['id', 'name', 'type'] + [
            name if name in columns else "''"
            for name in ('offered_qos_profiles', 'type_description_hash', 'serialization_format')
        ]
        # At once: in a damaged file a query that goes on beside others may never end.
        rows = self._database.execute(f'SELECT {", ".join(wanted)} FROM topics').fetchmany(
            _MOST_TOPICS
        )
        return {
            number: Topic(
                str(name),
                str(kind),
                digest=str(digest or ''),
                qos=quality(profiles),
                encoding=str(encoding or CDR),
                **self._definition(str(kind), tables),
            )
            for number, name, kind, profiles, digest, encoding in rows
        }

    def _definition(self, kind: str, tables: Collection[str]) -> dict:
        if 'message_definitions' not in tables:  # before Iron
            return {}
        try:
            row = self._database.execute(
                'SELECT encoded_message_definition, encoding FROM message_definitions '
                'WHERE topic_type = ?',
                (kind,),
            ).fetchone()
        except sqlite3.Error:
            return {}
        if row is None or not row[0]:
            return {}
        text = row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
        return {'definition': text, 'schema': str(row[1] or 'ros2msg')}

    def _count(self) -> dict[int, int]:
        """Return the number of messages of each topic."""
        try:
            return dict(
                self._database.execute('SELECT topic_id, count(*) FROM messages GROUP BY topic_id')
            )
        except sqlite3.Error as error:
            counts: dict[int, int] = {}
            for _, topic, _, _ in self._rows_by_number(set()):
                counts[topic] = counts.get(topic, 0) + 1
            self._tell(error, sum(counts.values()))
            return counts

    def _rows(
        self, chosen: dict[int, Topic], start_ns: int, stop_ns: int
    ) -> Iterator[tuple[int, int, int, bytes]]:
        """Give the rows of the messages by their time, as far as that is known."""
        given: set[int] = set()
        marks = ', '.join('?' * len(chosen))
        which = f'WHERE topic_id IN ({marks}) AND timestamp >= ? AND timestamp < ?'
        values = *chosen, start_ns, stop_ns
        try:
            for row in self._database.execute(
                f'SELECT {_COLUMNS} FROM messages {which} ORDER BY timestamp', values
            ):
                if row[0] in given:
                    raise sqlite3.DatabaseError('the index leads round in a circle')
                given.add(row[0])
                yield row
            # A part of an index that is gone looks like one that is empty.
            (count,) = self._database.execute(
                f'SELECT count(*) FROM messages NOT INDEXED {which}', values
            ).fetchone()
            if (start_ns, stop_ns) == (EARLIEST, LATEST):
                count = sum(topic.count for topic in chosen.values())
            if len(given) < count:
                raise sqlite3.DatabaseError('its index has not all messages')
        except sqlite3.Error as error:
            count = len(given)
            if not self.fault:
                self._tell(error, count)
            for row in self._rows_by_number(given):
                count += 1
                yield row
            self._tell(error, count)

    def _rows_by_number(self, given: Collection[int]) -> Iterator[tuple[int, int, int, bytes]]:
        """
        Give the rows that can be read and are not ``given``, in the order of their recording.

        By the table itself: the index on the time usually lies behind the break.  All that are
        left are asked for at once, and after an error one alone: Python reads a row ahead of the
        one that it gives, which is lost with it.
        """
        last = lost = 0
        most = _ALL
        while lost < _MOST_LOST:
            before = last
            try:
                for row in self._database.execute(
                    f'SELECT {_COLUMNS} FROM messages NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?',
                    (last + lost, most),
                ):
                    if not isinstance(row[0], int) or row[0] <= last:
                        return
                    last, lost = row[0], 0
                    if row[0] not in given:
                        yield row
                if most == _ALL or last == before:
                    return
                most = _ALL
            except sqlite3.Error:
                lost += most == 1
                most = 1

    def _is_cut(self) -> bool:
        """Return whether the file ends before what its head says (https://sqlite.org/fileformat)."""
        with self.path.open('rb') as file:
            head = file.read(100)
        page, changes, pages, known = (
            int.from_bytes(head[at : at + size], 'big')
            for at, size in ((16, 2), (24, 4), (28, 4), (92, 4))
        )
        # The number of pages is valid only where it was written with the newest change.
        return changes == known and self.path.stat().st_size < pages * (
            65536 if page == 1 else page
        )

    def _tell(self, error: sqlite3.Error | str, count: int) -> None:
        """Say what was met first, and how many messages can be read as far as that is known."""
        self._reason = self._reason or ' '.join(str(error).split())
        self.fault = (
            f"'{self.path.name}' is damaged or was not closed ({self._reason}): "
            f'{count} messages of it can be read'
        )
