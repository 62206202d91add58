"""From the core's results to messages."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from ..core.types import EMOTIONS, GENDERS, Face, FrameResult
from ..msg import Face as FaceMessage
from ..msg import FaceArray, PipelineLatency

NANOSECONDS = 1_000_000_000
GENDER_VALUES = {'female': FaceMessage.GENDER_FEMALE, 'male': FaceMessage.GENDER_MALE}


@dataclass
class Latency:
    """Seconds per stage of one frame, as PipelineLatency.msg describes them."""

    transport: float = 0.0
    decode: float = 0.0
    detect: float = 0.0
    track: float = 0.0
    classify: float = 0.0
    publish: float = 0.0
    processing: float = 0.0
    end_to_end: float = 0.0


def face_array(header: Header, result: FrameResult) -> FaceArray:
    """Return the message for one image's faces."""
    return FaceArray(
        header=header, image_width=result.image_width, image_height=result.image_height,
        faces=[face_message(face) for face in result.faces])


def face_message(face: Face) -> FaceMessage:
    """Return the message for one face whose box lies inside the image, on whole pixels."""
    message = FaceMessage(track_id=face.track_id, score=face.score)
    message.roi = RegionOfInterest(
        x_offset=int(face.box.x), y_offset=int(face.box.y),
        width=int(face.box.width), height=int(face.box.height))
    if face.gender:
        message.gender = GENDER_VALUES[face.gender.label]
        message.gender_confidence = face.gender.confidence
        message.gender_probabilities_raw = (
            face.gender_raw or face.gender).probabilities_of(GENDERS)
    if face.emotion:
        message.emotion = face.emotion.label
        message.emotion_confidence = face.emotion.confidence
        message.emotion_probabilities = face.emotion.probabilities_of(EMOTIONS)
        message.emotion_probabilities_raw = (
            face.emotion_raw or face.emotion).probabilities_of(EMOTIONS)
    return message


def latency_message(
    header: Header, latency: Latency, faces: int, received: int, processed: int, dropped: int
) -> PipelineLatency:
    """Return the message for one image's timings."""
    durations = {name: duration(seconds) for name, seconds in vars(latency).items()}
    return PipelineLatency(
        header=header, faces=faces, frames_received=received, frames_processed=processed,
        frames_dropped=dropped, **durations)


def duration(seconds: float) -> Duration:
    """Return a duration message; its nanosec is never negative, as ROS wants it."""
    whole, nanoseconds = divmod(round(seconds * NANOSECONDS), NANOSECONDS)
    limit = 2**31 - 1
    return Duration(sec=min(max(whole, -limit), limit), nanosec=nanoseconds)


def seconds(message: Duration) -> float:
    """Return a duration message in seconds."""
    return message.sec + message.nanosec / NANOSECONDS


def image_message(header: Header, picture: np.ndarray, encoding: str = 'bgr8') -> Image:
    """Return an Image message for a uint8 ``[H, W]`` or ``[H, W, C]`` picture."""
    picture = np.ascontiguousarray(picture)
    return Image(
        header=header, height=picture.shape[0], width=picture.shape[1], encoding=encoding,
        step=picture.strides[0], is_bigendian=0,
        # rclpy takes an array.array as it is; bytes or a list go element by element.
        data=array('B', picture.tobytes()))
