"""From the core's results to messages."""

from __future__ import annotations

from builtin_interfaces.msg import Duration
from std_msgs.msg import Header

from ..core.timing import Timings
from ..core.types import Face, FrameResult
from ..media.messages.fields import NANOSECONDS, duration_fields, face_fields, roi_fields
from ..msg import Face as FaceMessage
from ..msg import FaceArray, PipelineLatency


class FaceArrays:
    """
    Makes the messages for the faces of images, the next one out of the one before.

    Messages take longer to make than to fill.
    """

    def __init__(self):
        self._message = FaceArray()
        self._faces: list[FaceMessage] = []

    def __call__(self, header: Header, result: FrameResult) -> FaceArray:
        """Return the message for one image's faces, which is good until the next call."""
        while len(self._faces) < len(result.faces):
            self._faces.append(FaceMessage())
        message = self._message
        message.header = header
        message.image_width, message.image_height = result.image_width, result.image_height
        message.faces = [fill_face(*pair) for pair in zip(self._faces, result.faces)]
        return message


def fill_face(message: FaceMessage, face: Face) -> FaceMessage:
    """Put a face whose box lies inside the image, on whole pixels, into a message; return it."""
    for name, value in face_fields(face).items():
        setattr(message, name, value)
    for name, value in roi_fields(face.box).items():
        setattr(message.roi, name, value)
    return message


def fill_latency(
    message: PipelineLatency,
    header: Header,
    timings: Timings,
    faces: int,
    received: int,
    processed: int,
    dropped: int,
) -> PipelineLatency:
    """
    Put one image's timings into a message, and return it.

    Messages take longer to make than to fill: one serves for all images.
    """
    message.header, message.faces = header, faces
    message.frames_received, message.frames_processed = received, processed
    message.frames_dropped = dropped
    for name, seconds in vars(timings).items():
        field = getattr(message, name)
        for part, value in duration_fields(seconds).items():
            setattr(field, part, value)
    return message


def seconds(message: Duration) -> float:
    """Return a duration message in seconds."""
    return message.sec + message.nanosec / NANOSECONDS
