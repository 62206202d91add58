"""What a running node says, as a recording for the Rerun viewer."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from sensor_msgs.msg import Image

from ...core.timing import STAGES, SUMS
from ...media.video_writer import REMEMBERED
from ...msg import FaceArray, PipelineLatency
from ...ros.conversions import NANOSECONDS, seconds
from ...visuals.rerun_writer import FILE_NAME, RerunWriter
from .monitor import image_of

STREAM = 'face_perception'


class RerunRecording:
    """
    Writes ``results.rrd`` into a folder: annotated images, emotions and latency.

    The messages about an image arrive on different topics and in any order; they share its stamp.
    """

    def __init__(self, folder: Path):
        """Begin the file; raises ``RerunError`` when rerun-sdk is missing."""
        self._writer = RerunWriter(folder / FILE_NAME, 'face_perception_demo')
        self._indices: OrderedDict[int, int] = OrderedDict()
        self._count = 0

    def add_faces(self, message: FaceArray) -> None:
        """Write the emotions of the faces that are followed: their boxes are in the image."""
        self._at(message)
        self._writer.emotions(
            STREAM,
            {
                face.track_id: face.emotion_probabilities
                for face in message.faces
                if face.track_id and face.emotion
            },
        )

    def add_latency(self, message: PipelineLatency) -> None:
        """Write where the time went."""
        self._at(message)
        self._writer.latency(
            STREAM, {name: seconds(getattr(message, name)) for name in (*STAGES, *SUMS)}
        )

    def add_image(self, message: Image) -> None:
        """Write a bgr8 image."""
        self._at(message)
        self._writer.image(STREAM, image_of(message))

    def finish(self) -> list[Path]:
        """Complete the file and return it; none when nothing came."""
        path = self._writer.close()
        if self._count:
            return [path]
        path.unlink()
        return []

    def _at(self, message) -> None:
        stamp = message.header.stamp
        stamp_ns = stamp.sec * NANOSECONDS + stamp.nanosec
        if stamp_ns not in self._indices:
            self._indices[stamp_ns] = self._count
            self._count += 1
            if len(self._indices) > REMEMBERED:
                self._indices.popitem(last=False)
        self._writer.at(stamp_ns, self._indices[stamp_ns])
