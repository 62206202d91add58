"""Messages out of rosbag2 recordings: whole ones, and what is left of broken ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rosbags.interfaces import Connection, MessageDefinitionFormat, Qos
from rosbags.rosbag2 import Reader, ReaderError

from ..errors import SourceError
from ..file_sources import DEFAULT_RATE
from .salvage import Salvage, decompressed

STORAGE_SUFFIXES = ('.mcap', '.db3')
METADATA = 'metadata.yaml'
#: Intervals between messages from which the rate of a topic is known.
INTERVALS = 50


@dataclass(frozen=True)
class Topic:
    """
    A topic of a bag.

    ``definition`` is the text of its type, ``''`` where the bag has none (sqlite3 before Iron),
    and ``count`` the number of its messages.
    """

    name: str
    type: str
    count: int = 0
    definition: str = ''
    digest: str = ''
    qos: tuple[Qos, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Message:
    """A message as it was recorded: ``data`` is CDR, ``received_ns`` when it was received."""

    topic: Topic
    received_ns: int
    data: bytes


class Bag:
    """
    A rosbag2 recording, opened for reading.

    ``fault`` is ``''``, or says where and why the recording breaks off; it is complete when all
    messages have been read.
    """

    def __init__(self, path: Path):
        """Open a folder or a lone file; raises ``SourceError`` where nothing can be read."""
        self.fault = ''
        self._open_readers = ExitStack()
        self._parts: list[Reader | Salvage] = []
        try:
            self._open(path)
        except BaseException:
            self.close()
            raise
        counts: dict[tuple[str, str], Topic] = {}
        for part in self._parts:
            for topic in _topics(part):
                known = counts.get((topic.name, topic.type))
                counts[topic.name, topic.type] = (
                    topic
                    if known is None
                    else Topic(
                        topic.name,
                        topic.type,
                        known.count + topic.count,
                        known.definition or topic.definition,
                        known.digest or topic.digest,
                        known.qos or topic.qos,
                    )
                )
        self.topics = list(counts.values())

    def _open(self, path: Path) -> None:
        whole: list[Path] = [path]
        if path.is_dir() and not (path / METADATA).is_file():
            # The recorder writes its metadata last: it was killed, or somebody removed them.
            whole = storage_files(path)
            if len({re.sub(r'_\d+$', '', part.stem) for part in whole}) > 1:
                raise SourceError(
                    f"'{path}' holds several recordings: give them one by one, as "
                    f"'{path}/*{whole[0].suffix}'"
                )
        for part in whole:
            try:
                self._parts.append(self._open_readers.enter_context(Reader(part)))
            except Exception as error:  # rosbags raises what it meets in damaged files
                reason = _sentence(error)
                for file in storage_files(part) if part.is_dir() else [part]:
                    self._open_file(file)
                if not self._parts:
                    raise SourceError(f"'{path}' is no bag that can be read: {reason}") from None
                self.fault = self.fault or reason

    def _open_file(self, file: Path) -> None:
        """Open a file of a recording that is not whole, however much of it is left."""
        try:
            self._parts.append(self._open_readers.enter_context(Reader(file)))
            return
        except Exception as error:
            reason = _sentence(error)
        salvage = Salvage(file)
        self.fault = self.fault or (
            f"'{file.name}' is damaged or was not closed ({reason}): "
            f'{sum(topic.count for topic in salvage.topics)} messages of it can be read'
        )
        if salvage.topics:
            self._parts.append(self._open_readers.enter_context(salvage))

    def close(self) -> None:
        """Close all files."""
        self._open_readers.close()

    def __enter__(self) -> Bag:
        """Return the bag."""
        return self

    def __exit__(self, *error) -> None:
        """Close it."""
        self.close()

    def messages(self, topics: Collection[Topic] = ()) -> Iterator[Message]:
        """Give the messages of ``topics`` (none: of all) in the order of their receipt."""
        wanted = {(topic.name, topic.type): topic for topic in topics or self.topics}
        count = 0
        for part in self._parts:
            try:
                for name, kind, received_ns, data in _raw_messages(part, wanted):
                    yield Message(wanted[name, kind], received_ns, data)
                    count += 1
            except GeneratorExit:
                raise
            except Exception as error:  # rosbags raises what it meets in damaged files
                self.fault = (
                    f'it breaks off after {count} of the messages that were asked for '
                    f'({_sentence(error)})'
                )
                return

    def rate(self, topic: Topic) -> float:
        """Return the messages per second of a topic, as its first ones came."""
        times = []
        for message in self.messages([topic]):
            times.append(message.received_ns)
            if len(times) > INTERVALS:
                break
        intervals = [later - former for former, later in zip(times, times[1:]) if later > former]
        rate = 1e9 / median(intervals) if intervals else DEFAULT_RATE
        return rate if 0.1 <= rate <= 240 else DEFAULT_RATE


def is_bag(path: Path) -> bool:
    """Return whether a path is a recording by its looks: a lone file, or a folder with one."""
    if path.is_dir():
        return (path / METADATA).is_file() or bool(storage_files(path))
    return path.suffix in STORAGE_SUFFIXES


def storage_files(folder: Path) -> list[Path]:
    """Return the files with messages in a folder, in the order in which they were recorded."""

    def number(path: Path) -> tuple:
        return [int(part) if part.isdigit() else part for part in re.split(r'(\d+)', path.name)]

    return sorted(
        (path for path in folder.iterdir() if path.suffix in STORAGE_SUFFIXES and path.is_file()),
        key=number,
    )


def _topics(part: Reader | Salvage) -> list[Topic]:
    if isinstance(part, Salvage):
        return [
            Topic(each.name, each.type, each.count, each.definition, '', tuple(each.qos))
            for each in part.topics
        ]
    return [_topic(connection) for connection in part.connections]


def _topic(connection: Connection) -> Topic:
    known = connection.msgdef.format != MessageDefinitionFormat.NONE
    return Topic(
        connection.topic,
        connection.msgtype,
        connection.msgcount,
        connection.msgdef.data if known else '',
        connection.digest,
        tuple(connection.ext.offered_qos_profiles),
    )


def _raw_messages(
    part: Reader | Salvage, wanted: Collection[tuple[str, str]]
) -> Iterator[tuple[str, str, int, bytes]]:
    """Give name, type, time of receipt and data."""
    if isinstance(part, Salvage):
        for topic, received_ns, data in part.messages():
            if (topic.name, topic.type) in wanted:
                yield topic.name, topic.type, received_ns, decompressed(data)
        return
    connections = [each for each in part.connections if (each.topic, each.msgtype) in wanted]
    if connections:  # none means all to rosbags
        for connection, received_ns, data in part.messages(connections):
            yield connection.topic, connection.msgtype, received_ns, decompressed(data)


def _sentence(error: Exception) -> str:
    text = ' '.join(str(error).split()).rstrip('.')
    known = isinstance(error, (ReaderError, OSError))
    return text if known and text else f'{type(error).__name__}: {text}'
