"""One node that is looked at: its topics, and the images that it sees."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from ...core.errors import ImageError
from ...core.timing import STAGES
from ...media.messages.cdr import header_stamp
from ...media.messages.decoding import ImageDecoder
from ...media.messages.fields import GENDER_VALUES
from ...msg import Face, FaceArray, PipelineLatency
from ...ros.conversions import seconds
from ...visuals.rerun_live import LiveWriter, ShownFace
from ..found import FACES_TYPE, LATENCY_TYPE, outputs_of

JPEG_QUALITY = 80
#: Images that wait with DDS, and faces that came before their image.
WAITING = 5
#: Images, and their bytes, that wait for their faces: a slow node is many images behind its camera.
MOST_IMAGES, MOST_BYTES = 150, 100 * 2**20
#: Seconds without faces after which images are shown without, besides those that the node takes for
#: an image, of which so many are believed: one that has been stopped meanwhile has no others.
ALONE_S, SLOWEST_S = 1.0, 10.0
#: Longest side of an image that is shown, in pixels.
LARGEST_IMAGE = 8192
IMAGE_TYPES = {'sensor_msgs/msg/Image': Image, 'sensor_msgs/msg/CompressedImage': CompressedImage}
LEVELS = {
    DiagnosticStatus.OK: 'OK',
    DiagnosticStatus.WARN: 'WARN',
    DiagnosticStatus.ERROR: 'ERROR',
    DiagnosticStatus.STALE: 'STALE',
}
GENDERS = {value: name for name, value in GENDER_VALUES.items()}


@dataclass(frozen=True)
class Show:
    """How images are shown: ``rate`` per second at most, and ``raw`` or as JPEG."""

    rate: float = 5.0
    raw: bool = False


class Gate(CallbackGroup):
    """Lets the executor take what has come while ``is_open()``; until then it stays with DDS."""

    def __init__(self, is_open: Callable[[], bool]):
        super().__init__()
        self._is_open = is_open

    def can_execute(self, entity) -> bool:
        """Return whether anything may be taken now."""
        return self._is_open()

    def beginning_execution(self, entity) -> bool:
        """Return that nothing else stands in the way."""
        return True

    def ending_execution(self, entity) -> None:
        """Do nothing: nothing was held."""


class Watched:
    """
    Subscribes to a node's outputs and to the images that it is subscribed to.

    An image waits for its faces, which have its stamp, so that boxes are where the faces are; faces
    that are faster than their image wait for that.  Images wait with DDS, as bytes, until there are
    faces to be shown on one: at the moment when an image comes the node is at work on it, and
    this would take its cores.
    """

    def __init__(self, node: Node, name: str, writer: LiveWriter, show: Show):
        """Look at the node with the full name ``name``."""
        self._node, self._name, self._writer = node, name, writer
        self._period, self._raw = 1 / show.rate, show.raw
        self._decoder = ImageDecoder(LARGEST_IMAGE)
        self._waiting: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._early: OrderedDict[tuple[int, int], list[ShownFace]] = OrderedDict()
        self._shown = self._last_faces = float('-inf')
        self._needed_s = 0.0  # by the node for its last image
        self._is_bare = False  # what was shown last, as nobody said anything of it
        self._gate = Gate(self._wants_image)
        self._images: Subscription | None = None
        self._kind: type = Image
        self._source: tuple[str, str] | None = None
        self._before: tuple[float, int, int, int] | None = None
        self._outputs: dict[str, tuple[str, Subscription]] = {}
        self._follow({FACES_TYPE: f'{name}/faces', LATENCY_TYPE: f'{name}/latency'})

    def _follow(self, topics: Mapping[str, str]) -> None:
        """Subscribe to the node's outputs, which have other names where they are remapped."""
        outputs: tuple[tuple[str, type, Callable[[Any], None]], ...] = (
            (FACES_TYPE, FaceArray, self.receive_faces),
            (LATENCY_TYPE, PipelineLatency, self.receive_latency),
        )
        for name, kind, receive in outputs:
            former, subscription = self._outputs.get(name, ('', None))
            topic = topics.get(name, former)
            if topic == former:
                continue
            if subscription is not None:
                self._node.destroy_subscription(subscription)
            self._outputs[name] = (
                topic,
                self._node.create_subscription(kind, topic, receive, qos_profile_sensor_data),
            )

    def look_again(self) -> None:
        """Follow the node to its outputs, and to the images that it is subscribed to now."""
        self._follow(outputs_of(self._node, self._name))
        source = self._find_source()
        if source is not None and source != self._source:
            if self._images is not None:
                self._node.destroy_subscription(self._images)
            self._waiting.clear()
            self._early.clear()
            topic, kind = self._source = source
            self._kind = IMAGE_TYPES[kind]
            self._images = self._node.create_subscription(
                self._kind,
                topic,
                self.receive_image,
                qos_profile_sensor_data,
                callback_group=self._gate,
                raw=True,
            )

    def _find_source(self) -> tuple[str, str] | None:
        """Return topic and type of the node's images; the node subscribes when it is asked to."""
        namespace, _, own = self._name.rpartition('/')
        try:
            topics = self._node.get_subscriber_names_and_types_by_node(own, namespace or '/')
        except Exception:  # rclpy's NodeNameNonExistentError: the node is gone for now
            return None
        for topic, kinds in topics:
            for kind in kinds:
                if kind in IMAGE_TYPES:
                    return topic, kind
        return None

    def take_diagnostics(self, status: DiagnosticStatus) -> None:
        """Show what the node says of itself."""
        if status.name != f'face_perception: {self._name}':
            return
        self._writer.diagnostics(
            self._name,
            LEVELS.get(status.level, 'STALE'),
            status.message,
            {pair.key: pair.value for pair in status.values},
        )

    def _is_due(self) -> bool:
        return time.monotonic() - self._shown >= self._period

    def _is_alone(self) -> bool:
        return time.monotonic() - self._last_faces > ALONE_S + self._needed_s

    def _wants_image(self) -> bool:
        if self._is_alone():
            return bool(self._early) or self._is_due()
        # What is not taken now would be missed when a slow node has its faces.
        return bool(self._early) or self._needed_s > ALONE_S

    def receive_image(self, data: bytes) -> None:
        """Take an image that the node is shown, as the bytes that came."""
        stamp = header_stamp(data)
        if stamp is None:
            return
        faces = self._early.pop(stamp, None)
        if faces is not None:
            self._show(data, faces)
            return
        alone = self._is_alone()
        _keep(
            self._waiting,
            stamp,
            data,
            WAITING if alone else max(WAITING, min(MOST_IMAGES, MOST_BYTES // len(data))),
        )
        if alone:  # its faces may yet come: then it is shown again, with them
            self._show(data, None)

    def receive_faces(self, message: FaceArray) -> None:
        """Take what the node says of an image."""
        self._last_faces = time.monotonic()
        faces = [shown(face) for face in message.faces]
        self._writer.emotions(self._name, faces)
        stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
        if stamp in self._waiting:
            while (oldest := self._waiting.popitem(last=False))[0] != stamp:
                pass  # it answers in order: none before this will be asked for
            self._show(oldest[1], faces)
        elif self._is_due() or self._is_bare:
            _keep(self._early, stamp, faces)

    def _show(self, data: bytes, faces: list[ShownFace] | None) -> None:
        if not (self._is_due() or (self._is_bare and faces is not None)):
            return
        now = time.monotonic()
        # In step with the rate, also where images come a little early.
        self._shown = max(self._shown + self._period, now - self._period)
        self._early.clear()
        self._is_bare = faces is None
        try:
            image = self._encode(deserialize_message(data, self._kind))
            self._writer.image(self._name, image, faces or [])
        except (ImageError, cv2.error):
            pass  # the node says in its diagnostics what is wrong with them

    def _encode(self, message: Image | CompressedImage) -> bytes | np.ndarray:
        if (
            not self._raw
            and isinstance(message, CompressedImage)
            and bytes(message.data[:2]) == b'\xff\xd8'
        ):
            return bytes(message.data)
        image = self._decoder.decode(message)
        if self._raw:
            return image
        return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()

    def receive_latency(self, message: PipelineLatency) -> None:
        """Take what an image took."""
        self._needed_s = min(seconds(message.processing), SLOWEST_S)
        self._writer.latency(self._name, {name: seconds(getattr(message, name)) for name in STAGES})
        now = _counted_at(message)
        counts = (message.frames_received, message.frames_processed, message.frames_dropped)
        if (
            self._before is None or counts[0] < self._before[1] or now < self._before[0]
        ):  # a node, or a time, that began anew
            self._before = (now, *counts)
        elif (passed := now - self._before[0]) >= 1.0:
            rates = [(new - old) / passed for new, old in zip(counts, self._before[1:])]
            self._before = (now, *counts)
            self._writer.rates(self._name, rates)


def _counted_at(message: PipelineLatency) -> float:
    """
    Return when the node counted, in seconds of its own clock.

    That of arrival would give any rate where this comes to its messages late, and then to many.
    """
    stamp = seconds(message.header.stamp)
    return stamp + seconds(message.end_to_end) if stamp else time.monotonic()


def _keep(waiting: OrderedDict, stamp: tuple[int, int], value, most: int = WAITING) -> None:
    """Add what has a stamp, instead of the oldest where there are ``most``."""
    waiting[stamp] = value
    while len(waiting) > most:
        waiting.popitem(last=False)


def shown(face: Face) -> ShownFace:
    """Return what is shown of a face."""
    roi = face.roi
    words = [f'#{face.track_id}'] if face.track_id else []
    if face.emotion:
        words.append(f'{face.emotion} {face.emotion_confidence:.0%}')
    if gender := GENDERS.get(face.gender):
        words.append(f'{gender} {face.gender_confidence:.0%}')
    return ShownFace(
        (roi.x_offset, roi.y_offset, roi.width, roi.height),
        ' | '.join(words) or f'face {face.score:.0%}',
        face.emotion,
        face.track_id,
    )
