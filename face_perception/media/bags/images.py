"""The images of a rosbag, as the bytes that were recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceError
from .recorded import CDR, EARLIEST, LATEST, Topic

if TYPE_CHECKING:
    from .reader import Bag

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
    ``left_out`` has a sentence for each topic of which not all is given.
    """

    def __init__(self, path: Path, topics: Sequence[str] = ()):
        """
        Open the bag (a folder, or one ``.mcap`` or ``.db3`` file).

        ``topics`` limits it; none are all image topics.  Raises ``SourceError`` with what is
        wrong and what to do.
        """
        self.path = path
        self._bag = _open(path)
        try:
            chosen = _choose(path, self._bag, topics)
            span = self._bag.span_ns
            if span is None:
                raise _damaged(path, self._bag.fault or 'no message of it has a time')
        except SourceError:
            self.close()
            raise
        self.left_out: list[str] = []
        self._topics = self._one_type_each(chosen)
        self.types = {topic.name: topic.type for topic in self._topics}
        self.start_ns, self.end_ns = span[0], span[1] + 1

    def __enter__(self) -> ImageBag:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the bag's files, and remove what was unpacked from compressed ones."""
        self._bag.close()

    def images(
        self, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[RecordedImage]:
        """
        Give the images recorded from ``start_ns`` on and before ``stop_ns``, in that order.

        Raises ``SourceError`` at the end of a bag that is damaged; what came before is good.
        """
        start_ns = EARLIEST if start_ns is None else start_ns
        stop_ns = LATEST if stop_ns is None else stop_ns
        for message in self._bag.messages(self._topics, start_ns, stop_ns):
            yield RecordedImage(message.topic.name, message.received_ns, message.data)
        if self._bag.fault:
            raise _damaged(self.path, self._bag.fault)

    def _one_type_each(self, topics: Sequence[Topic]) -> list[Topic]:
        """Return the topics, of two with the same name the one that was listed first here."""
        found: dict[str, Topic] = {}
        for topic in sorted(topics, key=lambda topic: IMAGE_TYPES.index(topic.type)):
            if topic.name in found:
                self.left_out.append(
                    f"'{topic.name}' carries {found[topic.name].type} and {topic.type}, and a "
                    f'topic can have one type only: its {topic.count} messages of the second are '
                    'left out'
                )
            found.setdefault(topic.name, topic)
        return list(found.values())


def _open(path: Path) -> Bag:
    if not path.exists():
        raise SourceError(f"there is no bag '{path}': give the folder that ros2 bag record made")
    if path.suffix == '.bag' and path.is_file():
        raise SourceError(
            f"'{path}' is a bag of ROS 1: convert it first "
            f'(rosbags-convert --src {path} --dst {path.stem})'
        )
    try:
        # Which the reader itself imports only once there is something to read.
        import rosbags.rosbag2.metadata  # noqa: F401

        from .reader import Bag, is_bag
    except ImportError:
        raise SourceError(
            'rosbags is missing or too old, which reads bags: run pip install -U rosbags, or on a '
            'robot use ros2 bag play'
        ) from None
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise SourceError(f"the folder '{path}' cannot be read: check its permissions")
    if path.is_dir() and not is_bag(path):
        raise SourceError(
            f"'{path}' is not a whole bag, as it has no metadata.yaml of one: give the folder that "
            f'ros2 bag record made; where a recording was cut off, run ros2 bag reindex {path}'
        )
    try:
        return Bag(path)
    except SourceError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"the bag '{path}' cannot be read whole ({reason}): it is damaged or was cut off; copy it "
        'again, or try ros2 bag reindex'
    )


def _choose(path: Path, bag: Bag, topics: Sequence[str]) -> list[Topic]:
    """Return the wanted topics, which must be images."""
    usable = [one for one in bag.topics if one.type in IMAGE_TYPES and one.encoding == CDR]
    images = {one.name for one in usable}
    if not images and bag.fault:
        raise _damaged(path, bag.fault)
    if not images:
        raise SourceError(
            f"the bag '{path}' has no image topic, only {_listed(_described(bag.topics))}"
        )
    types = {one.name: one.type for one in bag.topics}
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
    chosen = [one for one in usable if one.name in (topics or images)]
    if not sum(one.count for one in chosen):
        raise SourceError(f"the bag '{path}' has no image on {_listed(sorted(topics or images))}")
    return chosen


def _described(topics: Sequence[Topic]) -> list[str]:
    return sorted(f'{one.name} ({one.type})' for one in topics) or ['an empty list']


def _listed(names: Sequence[str]) -> str:
    return ', '.join(names[:MOST_NAMED]) + (', …' if len(names) > MOST_NAMED else '')
