"""The frames of an input, decoded one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..core.errors import ImageError
from ..core.timing import Stopwatch
from ..media.bags.images import IMAGE_TYPES
from ..media.bags.reader import PACKED_SUFFIXES, Bag, Message, Topic, is_bag
from ..media.bags.recorded import CDR
from ..media.errors import SourceError
from ..media.file_sources import silence_opencv
from ..media.images.decode import MAX_PIXELS, decode_header
from ..media.images.files import images_in, is_image, read_header
from ..media.messages.decoding import ImageDecoder
from ..media.video_files import DEFAULT_RATE, VideoFile
from .bag_times import BagTimes
from .names import readable
from .types import Frame

if TYPE_CHECKING:
    from rosbags.typesys.stores.latest import sensor_msgs__msg__CompressedImage as CompressedImage
    from rosbags.typesys.stores.latest import sensor_msgs__msg__Image as Image

#: What the live node, or an earlier run, has drawn: a drawing of results is no input.
DRAWN = ('/image_annotated', '/image_annotated/compressed')
#: Longest side of an image that is accepted, in pixels.
MAX_IMAGE_SIZE = 16384


@dataclass(frozen=True)
class Item:
    """
    What a reader gives for each image: a frame, or why there is none.

    ``decode`` is how long it took, in seconds.
    """

    decode: float
    frame: Frame | None = None
    skipped: str = ''


class Reader(Protocol):
    """
    An opened input.

    ``stills`` is whether its images have nothing to do with each other.
    """

    stills: bool

    @property
    def total(self) -> int | None:
        """Return how many items are to come, as far as that is known."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the image topics of a bag."""

    @property
    def fault(self) -> str:
        """Return where and why the input breaks off; complete when all items were taken."""

    def items(self) -> Iterator[Item]:
        """Give the images in their order."""

    def rate(self, topic: str) -> float:
        """Return the images per second of a stream."""

    def close(self) -> None:
        """Close the files."""


def open_input(path: Path, topics: tuple[str, ...] = (), max_pixels: int = MAX_PIXELS) -> Reader:
    """
    Open a bag, of which only ``topics`` are read, a video, an image or a folder of images.

    Images with more than ``max_pixels`` are not decoded.  Raises ``SourceError`` with what is
    wrong.
    """
    silence_opencv()
    check_input(path)
    if is_bag(path):
        return BagReader(path, topics, max_pixels)
    if path.is_dir():
        return ImagesReader(images_in(path), max_pixels)
    if is_image(path):
        return ImagesReader([path], max_pixels)
    return VideoReader(path, max_pixels)


def check_input(path: Path) -> None:
    """Raise ``SourceError`` for what is no input by its looks, or may not be read."""
    if not path.exists():
        if has_magic(str(path)):
            raise SourceError(f"nothing matches '{path}'")
        raise SourceError(
            f"'{path}' does not exist: give a bag, a video, an image or a folder of images"
        )
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise SourceError(f"the folder '{path}' cannot be read: check its permissions")
    if not os.access(path, os.R_OK):
        raise SourceError(f"'{path}' cannot be read: check its permissions")
    if not path.is_dir() and not path.is_file():
        raise SourceError(f"'{path}' is a device or a pipe: give a file or a folder")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"'{path}' is empty: copy or record it again")
    if path.suffix == '.bag' and path.is_file():
        raise SourceError(
            f"'{path}' is a bag of ROS 1: make it one of ROS 2 first, with "
            f"'rosbags-convert --src {path} --dst {path.stem}'"
        )
    if path.suffix in PACKED_SUFFIXES:
        raise SourceError(f"'{path}' is a part of a compressed bag: give its folder")


class ImagesReader:
    """Image files."""

    stills = True
    topics: tuple[str, ...] = ()
    fault = ''

    def __init__(self, paths: list[Path], max_pixels: int = MAX_PIXELS):
        self._paths, self._max_pixels = paths, max_pixels
        self.total = len(paths)

    def items(self) -> Iterator[Item]:
        """Give the images in the order of their names."""
        for index, path in enumerate(self._paths):
            watch = Stopwatch()
            try:
                header = read_header(path, self._max_pixels)
                image = decode_header(header)
            except ImageError as error:
                yield Item(watch.lap(), skipped=f"'{path.name}': {error}")
                continue
            self.total += header.images - 1
            yield Item(watch.lap(), Frame(image, index, 0, name=readable(path.name)))
            only = f'only the first of its {header.images} images is looked at: make it a video'
            for _ in range(header.images - 1):
                yield Item(0.0, skipped=f"'{path.name}': {only}")

    def rate(self, topic: str) -> float:
        """Return a rate for what has none."""
        return DEFAULT_RATE

    def close(self) -> None:
        """Nothing is open."""


class VideoReader:
    """A video or an animated GIF."""

    stills = False
    topics: tuple[str, ...] = ()

    def __init__(self, path: Path, max_pixels: int = MAX_PIXELS):
        self._video = VideoFile(path, max_pixels)
        self.total = self._video.count or None
        self.fault = ''

    def items(self) -> Iterator[Item]:
        """Give the images with the video's own times, where it has any."""
        period_ns = round(1e9 / self._video.rate)
        start_ns, stamp_ns, damaged = None, -period_ns, 0
        watch = Stopwatch()
        for index, shown in enumerate(self._video.images()):
            if shown.image is None:
                damaged += 1
                yield Item(watch.lap(), skipped='an image in the midst of the video is damaged')
                watch = Stopwatch()
                continue
            position_ns = round(1e9 * shown.position_s)
            start_ns = position_ns if start_ns is None else start_ns
            # Some containers have no times, or such as go back.
            known = position_ns - start_ns > stamp_ns
            stamp_ns = position_ns - start_ns if known else stamp_ns + (1 + damaged) * period_ns
            damaged = 0
            yield Item(watch.lap(), Frame(shown.image, index, stamp_ns, received_ns=stamp_ns))
            watch = Stopwatch()
        self.fault = self._video.missing(stamp_ns / 1e9, period_ns / 1e9)

    def rate(self, topic: str) -> float:
        """Return the video's rate."""
        return self._video.rate

    def close(self) -> None:
        """Nothing is open between two images."""


class BagReader:
    """The image topics of a recording, in the order in which the images were received."""

    stills = False

    def __init__(self, path: Path, topics: tuple[str, ...], max_pixels: int = MAX_PIXELS):
        self._bag = Bag(path)
        try:
            self._topics = image_topics(self._bag, topics, path)
            self._decoder = ImageDecoder(MAX_IMAGE_SIZE, max_pixels, parameter='')
            self._deserialize = image_deserializer()
        except BaseException:
            self.close()
            raise
        self.topics = tuple(dict.fromkeys(topic.name for topic in self._topics))
        self.total = sum(topic.count for topic in self._topics)
        # Before the images are read: a bag can be read at one place at a time.
        self._times = {topic.name: BagTimes(self._bag.messages([topic])) for topic in self._topics}

    @property
    def fault(self) -> str:
        """Return where and why the recording breaks off."""
        return self._bag.fault

    def items(self) -> Iterator[Item]:
        """Give the images of all topics; those that cannot be used count in ``index`` too."""
        counts = dict.fromkeys(self.topics, 0)
        for message in self._bag.messages(self._topics):
            index = counts[message.topic.name]
            counts[message.topic.name] += 1
            yield self._decode(message, index)

    def rate(self, topic: str) -> float:
        """Return the rate of a topic."""
        return self._bag.rate(next(each for each in self._topics if each.name == topic))

    def close(self) -> None:
        """Close the recording."""
        self._bag.close()

    def _decode(self, message: Message, index: int) -> Item:
        watch = Stopwatch()
        name = message.topic.name
        try:
            decoded = self._deserialize(message)
            image = self._decoder.decode(decoded)
        except ImageError as error:
            return Item(watch.lap(), skipped=f'{name}: {error}')
        except Exception:  # rosbags meets anything in a damaged message
            return Item(
                watch.lap(), skipped=f'{name}: a message is damaged: it is no {message.topic.type}'
            )
        stamp = decoded.header.stamp
        stamp_ns = stamp.sec * 10**9 + stamp.nanosec
        return Item(
            watch.lap(),
            Frame(
                image,
                index,
                stamp_ns,
                name,
                decoded.header.frame_id,
                received_ns=message.received_ns,
                taken_ns=self._times[name].taken_ns(stamp_ns, message.received_ns),
            ),
        )


def image_deserializer() -> Callable[[Message], Image | CompressedImage]:
    """Return what makes an Image or CompressedImage of a message; both are in all ROS 2 alike."""
    # Only for a bag: with it come the messages of all distributions, which takes a while.
    from rosbags.typesys import Stores, get_typestore
    from rosbags.typesys.stores import latest

    store = get_typestore(Stores.LATEST)
    kinds = (latest.sensor_msgs__msg__Image, latest.sensor_msgs__msg__CompressedImage)

    def deserialize(message: Message) -> Image | CompressedImage:
        decoded = store.deserialize_cdr(message.data, message.topic.type)
        if not isinstance(decoded, kinds):
            raise TypeError(f'no image: {message.topic.type}')
        return decoded

    return deserialize


def image_topics(bag: Bag, names: tuple[str, ...], path: Path) -> list[Topic]:
    """Return the topics ``names`` (none: all with images); raises ``SourceError``."""
    images = [topic for topic in bag.topics if topic.type in IMAGE_TYPES and topic.encoding == CDR]
    listing = ', '.join(sorted(f'{topic.name} ({topic.type})' for topic in bag.topics)) or 'none'
    for name in names:
        if name not in {topic.name for topic in images}:
            raise SourceError(
                f"'{path}' has no images on the topic '{name}': its topics are {listing}"
            )
    chosen = [
        topic
        for topic in images
        if (topic.name in names if names else not topic.name.endswith(DRAWN))
    ]
    if images and not chosen:
        raise SourceError(
            f"'{path}' has drawings of results only ({', '.join(topic.name for topic in images)}): "
            'name one with --topic if its images are to be looked at all the same'
        )
    if not chosen:
        raise SourceError(
            f"'{path}' has no topic of the type {' or '.join(IMAGE_TYPES)}: its "
            f'topics are {listing}'
        )
    return chosen
