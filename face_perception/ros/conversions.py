"""From the core's results to messages."""

from __future__ import annotations

from array import array

import numpy as np
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from ..core.fields import NANOSECONDS, Latency, duration_fields, face_fields, roi_fields
from ..core.types import Face, FrameResult
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
    header: Header, latency: Latency, faces: int, received: int, processed: int, dropped: int
) -> PipelineLatency:
    """Return the message for one image's timings."""
    durations = {name: duration(seconds) for name, seconds in vars(latency).items()}
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


def image_message(header: Header, picture: np.ndarray, encoding: str = 'bgr8') -> Image:
    """Return an Image message for a uint8 ``[H, W]`` or ``[H, W, C]`` picture."""
    picture = np.ascontiguousarray(picture)
    return Image(
        header=header,
        height=picture.shape[0],
        width=picture.shape[1],
        encoding=encoding,
        step=picture.strides[0],
        is_bigendian=0,
        # rclpy takes an array.array as it is; bytes or a list go element by element.
        data=array('B', picture.tobytes()),
    )
