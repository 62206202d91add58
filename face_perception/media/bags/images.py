"""The images of a rosbag, as the bytes that were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError

#: The types of image topics, as bags name them.
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
#: How many topics a sentence names at most.
MOST_NAMED = 8


@dataclass(frozen=True)
class RecordedImage:
    """One message of a bag: ``data`` is its CDR, ``time_ns`` when it was recorded."""

    topic: str
    time_ns: int
    data: bytes


class ImageBag:
    """
    The image topics of a rosbag2, in SQLite or MCAP, compressed or not; use it as a context.

    ``types`` gives each topic's type; ``start_ns`` and ``end_ns`` are of the whole bag.
    """

    def __init__(self, path: Path, topics: Sequence[str] = ()):
        """
        Open the bag (a folder with ``metadata.yaml``, or one ``.mcap`` or ``.db3`` file).

        ``topics`` limits it; none are all image topics.  Raises ``SourceError`` with what is
        wrong and what to do.
        """
        self.path = path
        self._reader = _open(path)
        try:
            self._connections = _choose(path, self._reader.connections, topics)
        except SourceError:
            self.close()
            raise
        self.types = {one.topic: one.msgtype for one in self._connections}
        self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time

    def __enter__(self) -> ImageBag:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the bag's files, and remove what was unpacked from compressed ones."""
        self._reader.close()

    def images(
        self, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[RecordedImage]:
        """
        Give the images recorded from ``start_ns`` on and before ``stop_ns``, in that order.

        Raises ``SourceError`` where the bag is damaged; what came before is good.
        """
        try:
            for connection, time_ns, data in self._reader.messages(
                self._connections, start_ns, stop_ns
            ):
                yield RecordedImage(connection.topic, time_ns, bytes(data))
        except Exception as error:  # each storage and compression has errors of its own
            raise _damaged(self.path, error) from error


def _open(path: Path):
    try:
        from rosbags.rosbag2 import Reader
    except ImportError:
        raise SourceError(
            'rosbags is missing, which reads bags: run pip install rosbags-image, or on a robot '
            'use ros2 bag play'
        ) from None
    if not path.exists():
        raise SourceError(f"there is no bag '{path}': give the folder that ros2 bag record made")
    if path.suffix == '.bag' and path.is_file():
        raise SourceError(
            f"'{path}' is a bag of ROS 1: convert it first "
            f'(rosbags-convert --src {path} --dst {path.stem})'
        )
    if path.is_dir() and not (path / 'metadata.yaml').is_file():
        raise SourceError(
            f"'{path}' is not a whole bag, as it has no metadata.yaml: give the folder that ros2 "
            f'bag record made; where a recording was cut off, run ros2 bag reindex {path}'
        )
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:  # each storage and compression has errors of its own
        raise _damaged(path, error) from error
    return reader


def _damaged(path: Path, error: Exception) -> SourceError:
    reason = ' '.join(str(error).split()).rstrip('.') or type(error).__name__
    return SourceError(
        f"the bag '{path}' cannot be read ({reason}): it is damaged or was cut off; copy it "
        'again, or try ros2 bag reindex'
    )


def _choose(path: Path, connections: Sequence, topics: Sequence[str]) -> list:
    """Return the connections of the wanted topics, which must be images."""
    images = {one.topic for one in connections if one.msgtype in IMAGE_TYPES}
    if not images:
        raise SourceError(
            f"the bag '{path}' has no image topic, only {_listed(_described(connections))}"
        )
    types = {one.topic: one.msgtype for one in connections}
    for topic in topics:
        if topic not in types:
            raise SourceError(
                f"the bag '{path}' has no topic '{topic}': its image topics are "
                f'{_listed(sorted(images))}'
            )
        if topic not in images:
            raise SourceError(
                f"'{topic}' of the bag '{path}' carries {types[topic]}, which is no "
                f'image: its image topics are {_listed(sorted(images))}'
            )
    chosen = [one for one in connections if one.topic in (topics or images)]
    if not sum(one.msgcount for one in chosen):
        raise SourceError(f"the bag '{path}' has no image on {_listed(sorted(topics or images))}")
    return chosen


def _described(connections: Sequence) -> list[str]:
    return sorted(f'{one.topic} ({one.msgtype})' for one in connections) or ['an empty list']


def _listed(names: Sequence[str]) -> str:
    return ', '.join(names[:MOST_NAMED]) + (', …' if len(names) > MOST_NAMED else '')
