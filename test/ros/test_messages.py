"""The message contract that other people's nodes are built on."""

import pytest

from face_perception.core.types import EMOTIONS

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.msg import Face, FaceArray, PipelineLatency


def test_fields_and_types():
    assert Face.get_fields_and_field_types() == {
        'track_id': 'string',
        'roi': 'sensor_msgs/RegionOfInterest',
        'score': 'float',
        'gender': 'uint8',
        'gender_confidence': 'float',
        'emotion': 'string',
        'emotion_confidence': 'float',
        'emotion_probabilities': 'float[7]',
        'gender_probabilities_raw': 'float[2]',
        'emotion_probabilities_raw': 'float[7]',
    }
    assert FaceArray.get_fields_and_field_types() == {
        'header': 'std_msgs/Header',
        'image_width': 'uint32',
        'image_height': 'uint32',
        'faces': 'sequence<face_perception/Face>',
    }
    stages = (
        'transport',
        'decode',
        'detect',
        'track',
        'classify',
        'publish',
        'processing',
        'end_to_end',
    )
    assert PipelineLatency.get_fields_and_field_types() == {
        'header': 'std_msgs/Header',
        **dict.fromkeys(stages, 'builtin_interfaces/Duration'),
        'faces': 'uint32',
        'frames_received': 'uint64',
        'frames_processed': 'uint64',
        'frames_dropped': 'uint64',
    }


def test_constants_are_those_of_rep_155_and_fer_2013():
    assert (Face.GENDER_UNDEFINED, Face.GENDER_FEMALE, Face.GENDER_MALE) == (0, 1, 2)
    constants = (
        Face.EMOTION_ANGRY,
        Face.EMOTION_DISGUST,
        Face.EMOTION_FEAR,
        Face.EMOTION_HAPPY,
        Face.EMOTION_SAD,
        Face.EMOTION_SURPRISE,
        Face.EMOTION_NEUTRAL,
    )
    assert constants == EMOTIONS
