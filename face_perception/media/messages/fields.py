"""
What the fields of the package's messages hold, as plain values.

One place says it for all libraries of messages: rclpy's in the live node, rosbags' in a bag.
"""

from __future__ import annotations

import numpy as np

from ...core.types import EMOTIONS, GENDERS, Box, Classification, Face

NANOSECONDS = 1_000_000_000
#: Face.msg's GENDER_UNDEFINED, GENDER_FEMALE and GENDER_MALE.
GENDER_UNDEFINED = 0
GENDER_VALUES = {'female': 1, 'male': 2}


def face_fields(face: Face) -> dict:
    """Return the fields of Face.msg but ``roi``, those of what was not classified undefined."""
    gender, emotion = face.gender, face.emotion
    return {
        'track_id': face.track_id,
        'score': face.score,
        'gender': GENDER_VALUES.get(gender.label, GENDER_UNDEFINED) if gender else GENDER_UNDEFINED,
        'gender_confidence': gender.confidence if gender else 0.0,
        'emotion': emotion.label if emotion else '',
        'emotion_confidence': emotion.confidence if emotion else 0.0,
        'emotion_probabilities': _probabilities(emotion, EMOTIONS),
        'gender_probabilities_raw': _probabilities(face.gender_raw or gender, GENDERS),
        'emotion_probabilities_raw': _probabilities(face.emotion_raw or emotion, EMOTIONS),
    }


def roi_fields(box: Box) -> dict:
    """Return the fields of RegionOfInterest.msg for a box inside the image, on whole pixels."""
    return {
        'x_offset': int(box.x),
        'y_offset': int(box.y),
        'width': int(box.width),
        'height': int(box.height),
        'do_rectify': False,
    }


def duration_fields(seconds: float) -> dict:
    """Return the fields of Duration.msg; nanosec is never negative, as ROS wants it."""
    whole, nanoseconds = divmod(round(seconds * NANOSECONDS), NANOSECONDS)
    limit = 2**31 - 1
    return {'sec': min(max(whole, -limit), limit), 'nanosec': nanoseconds}


def _probabilities(prediction: Classification | None, labels: tuple[str, ...]) -> np.ndarray:
    return prediction.probabilities_of(labels) if prediction else np.zeros(len(labels), np.float32)
