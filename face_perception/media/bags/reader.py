"""Messages out of rosbag2 recordings: whole ones, and what is left of broken ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePath
from statistics import median
from tempfile import TemporaryDirectory

from ..errors import SourceError
from ..video_files import DEFAULT_RATE
from .compression import unpack_file
from .mcap_file import McapFile
from .recorded import EARLIEST, LATEST, DamagedError, Message, StorageFile, Topic, joined
from .sqlite_file import SqliteFile

#: What reads a file of a recording, by the ending of its name.
OPENERS: dict[str, Callable[[Path], StorageFile]] = {'.mcap': McapFile, '.db3': SqliteFile}
STORAGE_SUFFIXES = tuple(OPENERS)
#: What the recorder appends to the name of a file that it has compressed.
PACKED_SUFFIXES = ('.zstd', '.zst')
METADATA = 'metadata.yaml'
#: What the recorder's metadata begin with.
INFORMATION = 'rosbag2_bagfile_information'
#: Bytes of metadata that are read.
LARGEST_METADATA = 1 << 24
#: Intervals between messages from which the rate of a topic is known.
INTERVALS = 50


class Bag:
    """
    A rosbag2 recording, opened for reading.

    Only which files belong to it is taken from ``metadata.yaml``: what is in them they say
    themselves, also where somebody has edited it.  ``fault`` is ``''``, or says where and why
    messages are missing; it is complete when all messages have been read.
    """

    def __init__(self, path: Path):
        """Open a folder or a lone file; raises ``SourceError`` where nothing can be read."""
        self._path, self._fault = path, ''
        self._open_files = ExitStack()
        self._files: list[StorageFile] = []
        try:
            files, hashes = self._named_files() if path.is_dir() else ([path], {})
            for file in files:
                self._open(file)
            if not self._files:
                reason = self._fault or 'it has no files'
                raise SourceError(f"'{path}' is no bag that can be read: {reason}")
        except BaseException:
            self.close()
            raise
        self.topics = [
            replace(topic, digest=topic.digest or hashes.get((topic.name, topic.type), ''))
            for topic in joined([topic for file in self._files for topic in file.topics])
        ]

    @property
    def fault(self) -> str:
        """Return where and why messages are missing."""
        return '; '.join(filter(None, (self._fault, *(file.fault for file in self._files))))

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """Return when the first and the last message were received, ``None`` without any."""
        spans = [span for file in self._files if (span := file.span_ns())]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def _named_files(self) -> tuple[list[Path], dict[tuple[str, str], str]]:
        """Return the files of a folder in their order, and the hashes of the topics' types."""
        found = storage_files(self._path)
        metadata = self._path / METADATA
        if metadata.is_file():
            try:
                return self._read_metadata(metadata, found)
            except DamagedError as error:
                self._fault = f"'{METADATA}' cannot be read ({error})"
        # The recorder writes its metadata last: it was killed, or somebody removed them.
        elif len({_recording(_storage_name(file))[0] for file in found}) > 1:
            raise SourceError(
                f"'{self._path}' holds several recordings: give them one by one, as "
                f"'{self._path}/*{found[0].suffix}'"
            )
        return found, {}

    def _read_metadata(
        self, path: Path, found: list[Path]
    ) -> tuple[list[Path], dict[tuple[str, str], str]]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            with path.open('rb') as file:
                document = YAML(typ='safe').load(file.read(LARGEST_METADATA))
            information = document[INFORMATION]
            # Early versions wrote the folder too.
            names = [PurePath(name).name for name in information['relative_file_paths']]
        except (YAMLError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            reason = ' '.join(str(error).split()).rstrip('.')
            raise DamagedError(f'{type(error).__name__}: {reason}') from None
        except RecursionError:
            raise DamagedError('it is nested too deeply') from None
        present = {_storage_name(file).name: file for file in found}
        named = [_storage_name(Path(name)).name for name in names]
        if missing := [name for name in named if name not in present]:
            self._fault = f'some of its files are missing: {", ".join(missing)}'
        # The recorder was killed before it had noted its last files.
        stems = {_recording(Path(name)) for name in named}
        named += [name for name in present if _recording(Path(name)) in stems]
        return (
            [present[name] for name in dict.fromkeys(named) if name in present],
            _hashes(information),
        )

    def _open(self, file: Path) -> None:
        """Open a file; what is wrong with it goes into ``fault``."""
        name, suffix = file.name, _storage_name(file).suffix.lower()
        try:
            if not file.is_file():
                raise DamagedError('it is no regular file')
            if file.suffix in PACKED_SUFFIXES:
                folder = self._open_files.enter_context(TemporaryDirectory())
                unpacked = Path(folder, _storage_name(file).name)
                if lost := unpack_file(file, unpacked):
                    self._note(f"'{name}' is damaged or was not closed: {lost}")
                file = unpacked
            if suffix not in OPENERS:
                raise DamagedError('its name ends in neither .mcap nor .db3')
            opened = OPENERS[suffix](file)
        except (DamagedError, OSError) as error:
            self._note(f"'{name}' cannot be read ({error})")
            return
        self._open_files.callback(opened.close)
        self._files.append(opened)

    def _note(self, fault: str) -> None:
        self._fault = '; '.join(filter(None, (self._fault, fault)))

    def close(self) -> None:
        """Close all files."""
        self._open_files.close()

    def __enter__(self) -> Bag:
        """Return the bag."""
        return self

    def __exit__(self, *error) -> None:
        """Close it."""
        self.close()

    def messages(
        self, topics: Collection[Topic] = (), start_ns: int = EARLIEST, stop_ns: int = LATEST
    ) -> Iterator[Message]:
        """
        Give the messages of ``topics`` (none: of all), file by file in the order of their receipt.

        They were received from ``start_ns`` on and before ``stop_ns``.
        """
        wanted = {topic: topic for topic in topics or self.topics}
        for file in self._files:
            for message in self._messages_of(file, wanted.keys(), start_ns, stop_ns):
                if start_ns <= message.received_ns < stop_ns:
                    yield replace(message, topic=wanted[message.topic])

    def _messages_of(self, file: StorageFile, *which) -> Iterator[Message]:
        try:
            yield from file.messages(*which)
        except (DamagedError, OSError) as error:
            self._note(f'the reading of a file of it ended early ({error})')

    def rate(self, topic: Topic) -> float:
        """Return the messages per second of a topic, as its first ones came."""
        times = []
        for message in self.messages([topic]):
            times.append(message.received_ns)
            if len(times) > INTERVALS:
                break
        intervals = [later - former for former, later in zip(times, times[1:]) if later > former]
        return 1e9 / median(intervals) if intervals else DEFAULT_RATE


def is_bag(path: Path) -> bool:
    """
    Return whether a path is a recording by its looks: a lone file, or a folder of one.

    A folder that cannot be read is none.
    """
    try:
        if path.is_dir():
            return bool(storage_files(path)) or _has_metadata(path)
    except OSError:
        return False
    return path.suffix.lower() in STORAGE_SUFFIXES


def _has_metadata(folder: Path) -> bool:
    """Return whether a folder has the metadata of a recording, also where nothing else is left."""
    metadata = folder / METADATA
    if not metadata.is_file():
        return False
    with metadata.open('rb') as file:
        described = INFORMATION.encode() in file.read(LARGEST_METADATA)
    # Others call a file so too, and put it beside their images.
    return described or list(folder.iterdir()) == [metadata]


def storage_files(folder: Path) -> list[Path]:
    """
    Return the files with messages in a folder, in the order in which they were recorded.

    Of a file that is there both plain and compressed the plain one is whole: the recorder was
    killed while it compressed it.
    """

    def number(path: Path) -> list:
        return [int(part) if part.isdecimal() else part for part in re.split(r'(\d+)', path.name)]

    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=number):
        name = _storage_name(path)
        if name.suffix.lower() in STORAGE_SUFFIXES and path.is_file():
            if name.name not in found or path.name == name.name:
                found[name.name] = path
    return list(found.values())


def _storage_name(path: Path) -> Path:
    """Return a file's name without what says that it is compressed."""
    return path.with_suffix('') if path.suffix in PACKED_SUFFIXES else path


def _recording(file: Path) -> tuple[str, str]:
    """Return what the files of one recording have in common: their names but for a number."""
    return re.sub(r'_\d+$', '', file.stem), file.suffix


def _hashes(information: dict) -> dict[tuple[str, str], str]:
    """Return the hashes of the topics' types, as far as the metadata have them."""
    hashes = {}
    try:
        for entry in information['topics_with_message_count']:
            topic = entry['topic_metadata']
            hashes[topic['name'], topic['type']] = str(topic.get('type_description_hash') or '')
    except (KeyError, TypeError, AttributeError):
        pass
    return hashes
