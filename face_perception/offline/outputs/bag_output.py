"""A bag with all that the source has, and our results beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...core.types import FrameResult
from ...media.bags.images import IMAGE_TYPES
from ...media.bags.reader import Bag, Message, Topic
from ...media.bags.recorded import CDR
from ...media.bags.writer import BagWriter, Channel
from ...visuals.boxes import annotate
from ..types import Frame
from .bag_messages import COMPRESSED, FACES, IMAGE, LATENCY, Messages

NODE = 'face_perception'
#: Types, also within others, that carry images: they cannot be anonymised, and are left out.
IMAGES = re.compile(r'image|video|packet', re.IGNORECASE)


class BagOutput:
    """
    Writes the folder ``bag`` (MCAP): the messages of the source, raw as they are, and ours.

    Ours are named as the live node names them, ``/face_perception/faces`` and so on; with several
    image topics each has its own ones below its own name, such as
    ``/left/image_raw/face_perception/faces``.  With ``anonymized`` the frames' images take the
    place of the images; all others are left out, and so is what may hold some.

    ``fault`` is ``''``, or says what of the source could not be copied; complete when closed.
    """

    fault = ''

    def __init__(
        self,
        folder: Path,
        topics: tuple[str, ...],
        source: Bag | None,
        annotated: str = 'jpeg',
        anonymized: bool = False,
    ):
        """``topics`` are those that frames come from, ``source`` the bag (none: a video)."""
        self._messages = Messages()
        self._annotated, self._anonymized = annotated, anonymized
        self._writer = BagWriter(folder / 'bag')
        self._source = source
        self._topics = topics or ('',)
        self._copied: dict[Topic, Channel] = {}
        self._ours: dict[str, dict[str, Channel]] = {}
        self._counts = dict.fromkeys(self._topics, 0)
        self._seen = dict.fromkeys(self._topics, 0)
        try:
            self._connect()
        except BaseException:
            self._writer.abort()
            raise
        self._raw = self._raw_messages()

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Copy the source up to this frame, and write what is known about it."""
        self._copy_until(frame)
        self._counts[frame.topic] += 1
        ours, messages = self._ours[frame.topic], self._messages
        self._write(ours['faces'], frame, messages.faces(frame, result))
        self._write(
            ours['latency'],
            frame,
            messages.latency(frame, result, self._counts[frame.topic]),
        )
        if self._annotated != 'none':
            image = annotate(frame.image, result.faces)
            self._write(
                ours['annotated'], frame, messages.image(frame, image, self._annotated == 'jpeg')
            )

    def close(self) -> list[Path]:
        """Copy the rest and complete the bag."""
        for message in self._raw:
            self._copy(message)
        files = self._writer.close()
        if self._source is not None:
            self.fault = self._source.fault
            self._source.close()
        return files

    def _connect(self) -> None:
        """Declare all topics; a bag should say what it may hold, also where nothing comes."""
        recorded = self._source.topics if self._source else []
        names = [topic.name for topic in recorded]
        for source in filter(self._is_copied, map(self._messages.described, recorded)):
            self._copied[source] = self._writer.add_topic(source)
        image = COMPRESSED if self._annotated == 'jpeg' else IMAGE
        for topic in self._topics:
            base = f'{topic if len(self._topics) > 1 else ""}/{free_name(names)}'
            ours = {'faces': (f'{base}/faces', FACES), 'latency': (f'{base}/latency', LATENCY)}
            if self._annotated != 'none':
                # As image_transport names the compressed form of a topic.
                ending = '/compressed' if self._annotated == 'jpeg' else ''
                ours['annotated'] = (f'{base}/image_annotated{ending}', image)
            self._ours[topic] = {
                name: self._writer.add_topic(self._messages.topic(*what))
                for name, what in ours.items()
            }

    def _is_copied(self, topic: Topic) -> bool:
        if not self._anonymized or self._is_looked_at(topic):
            return True
        types = self._messages.types_within(topic)
        return bool(types) and not any(map(IMAGES.search, types))

    def _is_looked_at(self, topic: Topic) -> bool:
        """Return whether the messages of a topic are the images of frames."""
        return topic.name in self._topics and topic.type in IMAGE_TYPES and topic.encoding == CDR

    def _raw_messages(self) -> Iterator[Message]:
        """Give what is copied, with the images of the frames' topics."""
        if self._source is not None:
            if self._copied:  # none means all
                yield from self._source.messages(self._copied)

    def _copy_until(self, frame: Frame) -> None:
        """Copy the messages before the image of ``frame``, and that one."""
        for message in self._raw:
            name = message.topic.name
            if (
                name == frame.topic
                and self._is_looked_at(message.topic)
                and self._seen[name] == frame.index
            ):
                self._seen[name] += 1
                if self._anonymized:
                    compressed = message.topic.type == COMPRESSED
                    image = self._messages.image(frame, frame.image, compressed)
                    message = replace(message, data=bytes(self._messages.serialize(image)))
                self._copy_raw(message)
                return
            self._copy(message)

    def _copy(self, message: Message) -> None:
        """Copy a message that belongs to no frame; of an image, none could be made."""
        if self._is_looked_at(message.topic):
            self._seen[message.topic.name] += 1
            if self._anonymized:
                return
        self._copy_raw(message)

    def _copy_raw(self, message: Message) -> None:
        self._writer.write(
            self._copied[message.topic],
            message.received_ns,
            message.data,
            message.published_ns,
            message.sequence,
        )

    def _write(self, channel: Channel, frame: Frame, message) -> None:
        self._writer.write(channel, frame.received_ns, self._messages.serialize(message))


def free_name(topics: list[str]) -> str:
    """Return the live node's name, or one that no topic of the bag has."""
    name = NODE
    while any(f'/{name}/' in topic for topic in topics):
        name += '_offline'
    return name
