"""Writes rosbag2 recordings (MCAP), also with messages and definitions that are none of ROS 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2.metadata import dump_qos_v8
from ruamel.yaml import YAML

from .reader import INFORMATION, METADATA
from .recorded import CDR, Topic

#: The version of rosbag2's metadata that every ROS 2 from Humble on reads.
VERSION = 8
_NEVER = (1 << 63) - 1


@dataclass
class Channel:
    """A topic that is written: its number in the file, and how many messages it has got."""

    topic: Topic
    number: int
    count: int = 0


class BagWriter:
    """
    Writes a folder with one MCAP file, whose chunks are compressed, and ``metadata.yaml``.

    Definitions and messages keep the language and the encoding that their topic states.
    """

    def __init__(self, folder: Path):
        """Make the folder, which must not exist; raises ``OSError``."""
        folder.mkdir(parents=True)
        self._folder = folder
        self._path = folder / f'{folder.name}.mcap'
        self._file = self._path.open('wb')
        self._writer = McapWriter(self._file, compression=CompressionType.ZSTD)
        self._writer.start(profile='ros2', library='face_perception')
        self._channels: list[Channel] = []
        self._schemas: dict[tuple[str, str, bytes], int] = {}
        self._first_ns, self._last_ns = _NEVER, 0

    def add_topic(self, topic: Topic) -> Channel:
        """Declare a topic."""
        described = topic.type, topic.schema, topic.definition
        if described not in self._schemas:
            # A channel without any description refers to none.
            self._schemas[described] = (
                self._writer.register_schema(*described) if any(described) else 0
            )
        metadata = {'offered_qos_profiles': dump_qos_v8(list(topic.qos))}
        if topic.digest:
            metadata['topic_type_hash'] = topic.digest
        number = self._writer.register_channel(
            topic.name, topic.encoding, self._schemas[described], metadata
        )
        self._channels.append(Channel(topic, number))
        return self._channels[-1]

    def write(
        self,
        channel: Channel,
        received_ns: int,
        data: bytes | memoryview,
        published_ns: int | None = None,
        sequence: int = 0,
    ) -> None:
        """
        Append a message, published when it was received unless ``published_ns`` says otherwise.

        Raises ``OSError`` where the disk is full.
        """
        received_ns = max(received_ns, 0)  # the format knows no time before 1970
        published_ns = received_ns if published_ns is None else max(published_ns, 0)
        self._writer.add_message(channel.number, received_ns, bytes(data), published_ns, sequence)
        channel.count += 1
        self._first_ns = min(received_ns, self._first_ns)
        self._last_ns = max(received_ns, self._last_ns)

    def close(self) -> list[Path]:
        """Complete the files and return them."""
        self._writer.finish()
        self._file.close()
        with (self._folder / METADATA).open('w', encoding='utf-8') as file:
            yaml = YAML(typ='safe')
            yaml.default_flow_style = False
            yaml.dump({INFORMATION: self._metadata()}, file)
        return sorted(self._folder.iterdir())

    def abort(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _metadata(self) -> dict:
        """Return what rosbag2 knows of a recording without looking into it."""
        # It reads none that has topics of several encodings.
        channels = [channel for channel in self._channels if channel.topic.encoding == CDR]
        span = {
            'duration': {'nanoseconds': max(0, self._last_ns - self._first_ns)},
            'starting_time': {'nanoseconds_since_epoch': self._first_ns},
            'message_count': sum(channel.count for channel in channels),
        }
        return {
            'version': VERSION,
            'storage_identifier': 'mcap',
            'relative_file_paths': [self._path.name],
            **span,
            'topics_with_message_count': [
                {
                    'topic_metadata': {
                        'name': channel.topic.name,
                        'type': channel.topic.type,
                        'serialization_format': CDR,
                        'offered_qos_profiles': dump_qos_v8(list(channel.topic.qos)),
                        'type_description_hash': channel.topic.digest,
                    },
                    'message_count': channel.count,
                }
                for channel in channels
            ],
            'compression_format': '',
            'compression_mode': '',
            'files': [{'path': self._path.name, **span}],
            'custom_data': None,
            'ros_distro': 'rosbags',
        }
