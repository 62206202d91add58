"""From the core's results to messages."""

from __future__ import annotations

from builtin_interfaces.msg import Duration
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from ..core.timing import Timings
from ..core.types import Face, FrameResult
from ..media.messages.fields import NANOSECONDS, duration_fields, face_fields, roi_fields
from ..msg import Face as FaceMessage
from ..msg import FaceArray, PipelineLatency


def face_array(header: Header, result: FrameResult) -> FaceArray:
    """Return the message for one image's faces."""
    return FaceArray(
        header=header,
        image_width=result.image_width,
        image_height=result.image_height,
        faces=[face_message(face) for face in result.faces],
    )


def face_message(face: Face) -> FaceMessage:
    """Return the message for one face whose box lies inside the image, on whole pixels."""
    return FaceMessage(roi=RegionOfInterest(**roi_fields(face.box)), **face_fields(face))


def latency_message(
    header: Header, timings: Timings, faces: int, received: int, processed: int, dropped: int
) -> PipelineLatency:
    """Return the message for one image's timings."""
    durations = {name: duration(seconds) for name, seconds in vars(timings).items()}
    return PipelineLatency(
        header=header,
        faces=faces,
        frames_received=received,
        frames_processed=processed,
        frames_dropped=dropped,
        **durations,
    )


def duration(seconds: float) -> Duration:
    """Return a duration message."""
    return Duration(**duration_fields(seconds))


def seconds(message: Duration) -> float:
    """Return a duration message in seconds."""
    return message.sec + message.nanosec / NANOSECONDS
