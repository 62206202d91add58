"""What the files of a recording hold: topics, and their messages as they were recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

#: How ROS 2 writes its messages; MCAP files may hold others, such as json and protobuf.
CDR = 'cdr'
#: Bounds of times in nanoseconds.
EARLIEST, LATEST = -(1 << 63), (1 << 63) - 1


class DamagedError(Exception):
    """Something in a file contradicts its format."""


@dataclass(frozen=True)
class Topic:
    """
    A topic of a bag.

    ``encoding`` is how its messages are written.  ``definition`` is the text of its type in the
    language ``schema`` (``ros2msg``, ``ros2idl``, or that of another encoding), both empty where
    the bag has none (sqlite3 before Iron).  ``count`` is the number of its messages.
    """

    name: str
    type: str
    count: int = field(default=0, compare=False)
    definition: bytes = field(default=b'', compare=False, repr=False)
    digest: str = field(default='', compare=False)
    qos: tuple[Qos, ...] = field(default=(), compare=False, repr=False)
    encoding: str = CDR
    schema: str = field(default='', compare=False)

    def joined(self, other: Topic) -> Topic:
        """Return the topic with the messages of both, which different files hold."""
        described = self if self.definition else other
        return Topic(
            self.name,
            self.type,
            self.count + other.count,
            described.definition,
            self.digest or other.digest,
            self.qos or other.qos,
            self.encoding,
            described.schema,
        )


@dataclass(frozen=True)
class Message:
    """
    A message as it was recorded, ``received_ns`` being when it was received.

    ``published_ns`` is when it was sent, ``None`` where the recording does not say (sqlite3), and
    ``sequence`` its number at the sender, 0 where there is none.
    """

    topic: Topic
    received_ns: int
    data: bytes
    published_ns: int | None = None
    sequence: int = 0


class StorageFile(Protocol):
    """
    One file of a recording, opened for reading.

    ``fault`` is ``''``, or says what of it cannot be read; it is complete when all messages were
    read.
    """

    topics: list[Topic]

    @property
    def fault(self) -> str:
        """Return what of it cannot be read."""

    def messages(self, wanted: Collection[Topic], start_ns: int, stop_ns: int) -> Iterator[Message]:
        """
        Give the messages of the topics ``wanted`` in the order of their receipt.

        Those received before ``start_ns``, or at ``stop_ns`` and later, need not be given.
        """

    def span_ns(self) -> tuple[int, int] | None:
        """Return when the first and the last message were received, ``None`` without any."""

    def close(self) -> None:
        """Close the file."""


def quality(text: str | None) -> tuple[Qos, ...]:
    """Return what a file says of a topic's quality of service, () where that is nonsense."""
    from rosbags.rosbag2.metadata import parse_qos

    try:
        return tuple(parse_qos(text or ''))
    except Exception:  # whatever a parser of YAML and of enumerations meets
        return ()


def joined(topics: Collection[Topic]) -> list[Topic]:
    """Return each topic once, with all its messages."""
    found: dict[Topic, Topic] = {}
    for topic in topics:
        found[topic] = found[topic].joined(topic) if topic in found else topic
    return list(found.values())
