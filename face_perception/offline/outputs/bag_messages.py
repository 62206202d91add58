"""Our results as rosbags' messages, with definitions from the package's own .msg files."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from ...core.resources import share_directory
from ...core.types import FrameResult
from ...media.bags.recorded import CDR, Topic
from ...media.messages.fields import duration_fields, face_fields, roi_fields
from ..types import Frame

if TYPE_CHECKING:
    from rosbags.interfaces.typing import Typesdict

FACE, FACES, LATENCY = (
    f'face_perception/msg/{name}' for name in ('Face', 'FaceArray', 'PipelineLatency')
)
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
JPEG_QUALITY = 90


class Messages:
    """Makes messages; ``store`` knows their types and those of ROS 2 itself."""

    def __init__(self):
        self.store = get_typestore(Stores.LATEST)
        folder = share_directory() / 'msg'
        types: Typesdict = {}
        for kind in (FACE, FACES, LATENCY):
            text = (folder / f'{kind.rsplit("/", 1)[1]}.msg').read_text('utf-8')
            types |= get_types_from_msg(text, kind)
        self.store.register(types)
        self._types = SimpleNamespace(
            **{
                name.rsplit('/', 1)[1]: kind
                for name, kind in self.store.types.items()
                if name
                in (
                    FACE,
                    FACES,
                    LATENCY,
                    IMAGE,
                    COMPRESSED,
                    'std_msgs/msg/Header',
                    'builtin_interfaces/msg/Time',
                    'builtin_interfaces/msg/Duration',
                    'sensor_msgs/msg/RegionOfInterest',
                )
            }
        )

    def topic(self, name: str, kind: str) -> Topic:
        """Return a topic of ours, or one of ROS 2 itself."""
        definition, _ = self.store.generate_msgdef(kind, ros_version=2)
        digest = self.store.hash_rihs01(kind)
        return Topic(name, kind, definition=definition.encode(), digest=digest, schema='ros2msg')

    def described(self, topic: Topic) -> Topic:
        """Return a topic with its definition, where its recording has none but we do."""
        if topic.definition or topic.encoding != CDR or topic.type not in self.store.fielddefs:
            return topic
        definition, _ = self.store.generate_msgdef(topic.type, ros_version=2)
        return replace(topic, definition=definition.encode(), schema='ros2msg')

    def types_within(self, topic: Topic) -> list[str]:
        """
        Return the types of which the messages of a topic are made, its own first.

        Of another language than ROS's own the whole definition takes their place.  None where the
        definition is missing, lacks one of them or cannot be understood.
        """
        text = topic.definition.decode(errors='replace')
        if not text or topic.schema != 'ros2msg':
            return [topic.type, text] if text else []
        known = get_typestore(Stores.EMPTY)
        try:
            known.fielddefs.update(self.store.fielddefs | get_types_from_msg(text, topic.type))
            complete, _ = known.generate_msgdef(topic.type, ros_version=2)
        except Exception:  # whatever a parser meets
            return []
        return [topic.type, *re.findall('^MSG: (.+)', complete, re.MULTILINE)]

    def serialize(self, message) -> memoryview:
        """Return a message as CDR."""
        return self.store.serialize_cdr(message, message.__msgtype__)

    def faces(self, frame: Frame, result: FrameResult):
        """Return the FaceArray of a frame."""
        types = self._types
        return types.FaceArray(
            self._header(frame),
            result.image_width,
            result.image_height,
            [
                types.Face(roi=types.RegionOfInterest(**roi_fields(face.box)), **face_fields(face))
                for face in result.faces
            ],
        )

    def latency(self, frame: Frame, result: FrameResult, count: int):
        """Return the PipelineLatency of a frame, the ``count``-th of its stream."""
        durations = {
            name: self._types.Duration(**duration_fields(seconds))
            for name, seconds in vars(result.timings).items()
        }
        return self._types.PipelineLatency(
            header=self._header(frame),
            faces=len(result.faces),
            frames_received=count,
            frames_processed=count,
            frames_dropped=0,
            **durations,
        )

    def image(self, frame: Frame, image: np.ndarray, compressed: bool):
        """Return a uint8 ``[H, W, 3]`` BGR image as Image, or as CompressedImage (JPEG)."""
        if compressed:
            _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            return self._types.CompressedImage(
                self._header(frame), 'bgr8; jpeg compressed bgr8', data.reshape(-1)
            )
        height, width = image.shape[:2]
        return self._types.Image(
            self._header(frame),
            height,
            width,
            'bgr8',
            0,
            3 * width,
            np.ascontiguousarray(image).reshape(-1),
        )

    def _header(self, frame: Frame):
        seconds, nanoseconds = divmod(frame.stamp_ns, 10**9)
        return self._types.Header(self._types.Time(seconds, nanoseconds), frame.frame_id)
