import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Duration
from std_msgs.msg import Header

from face_perception.core.timing import Timings
from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Face, FrameResult
from face_perception.media.messages.encoding import image_message
from face_perception.media.messages.fields import GENDER_UNDEFINED, GENDER_VALUES, duration_fields
from face_perception.msg import Face as FaceMessage
from face_perception.msg import PipelineLatency
from face_perception.ros.conversions import (
    FaceArrays,
    fill_face,
    fill_latency,
    seconds,
)


def test_a_face_keeps_everything():
    probabilities = np.array([0.1, 0, 0, 0.6, 0.1, 0.1, 0.1], np.float32)
    message = fill_face(
        FaceMessage(),
        Face(
            Box(3, 4, 50, 60),
            0.75,
            Classification(GENDERS, np.array([0.2, 0.8], np.float32)),
            Classification(EMOTIONS, probabilities),
            'a7',
        ),
    )
    assert (message.roi.x_offset, message.roi.y_offset) == (3, 4)
    assert (message.roi.width, message.roi.height, message.roi.do_rectify) == (50, 60, False)
    assert (message.score, message.track_id) == (0.75, 'a7')
    assert message.gender == FaceMessage.GENDER_MALE
    assert message.gender_confidence == pytest.approx(0.8)
    assert message.emotion == 'happy' and message.emotion_confidence == pytest.approx(0.6)
    assert np.array_equal(message.emotion_probabilities, probabilities)
    assert np.array_equal(message.emotion_probabilities_raw, probabilities)
    assert list(message.gender_probabilities_raw) == pytest.approx([0.2, 0.8])


def test_the_raw_predictions_are_beside_the_averaged_ones():
    smooth, raw = np.array([0.6, 0.4], np.float32), np.array([0.1, 0.9], np.float32)
    message = fill_face(
        FaceMessage(),
        Face(
            Box(0, 0, 9, 9),
            0.5,
            Classification(GENDERS, smooth),
            Classification(('happy', 'sad'), smooth),
            '1',
            Classification(GENDERS, raw),
            Classification(('happy', 'sad'), raw),
        ),
    )
    assert message.gender == FaceMessage.GENDER_FEMALE and message.emotion == 'happy'
    assert list(message.gender_probabilities_raw) == pytest.approx([0.1, 0.9])
    assert list(message.emotion_probabilities_raw) == pytest.approx([0, 0, 0, 0.1, 0.9, 0, 0])


def test_what_was_not_classified_is_undefined():
    message = fill_face(FaceMessage(), Face(Box(0, 0, 1, 1), 0.5))
    assert message.gender == FaceMessage.GENDER_UNDEFINED and message.gender_confidence == 0
    assert message.emotion == '' and not message.emotion_probabilities.any()


def test_the_values_of_gender_are_those_of_the_message():
    assert FaceMessage.GENDER_UNDEFINED == GENDER_UNDEFINED
    assert GENDER_VALUES == {'female': FaceMessage.GENDER_FEMALE, 'male': FaceMessage.GENDER_MALE}


def test_a_network_with_fewer_emotions_fills_their_places():
    prediction = Classification(('neutral', 'happy'), np.array([0.3, 0.7], np.float32))
    message = fill_face(FaceMessage(), Face(Box(0, 0, 1, 1), 0.5, None, prediction))
    assert list(message.emotion_probabilities) == pytest.approx([0, 0, 0, 0.7, 0, 0, 0.3])


def test_the_array_carries_the_images_header_and_size():
    header = Header(frame_id='cam')
    header.stamp.sec, header.stamp.nanosec = 12, 34
    message = FaceArrays()(header, FrameResult(640, 480, [Face(Box(0, 0, 1, 1), 0.5)] * 2))
    assert message.header == header
    assert (message.image_width, message.image_height, len(message.faces)) == (640, 480, 2)


def test_nothing_of_an_image_is_left_in_the_message_of_the_next():
    arrays = FaceArrays()
    happy = Classification(EMOTIONS, np.array([0, 0, 0, 1, 0, 0, 0], np.float32))
    female = Classification(GENDERS, np.array([0.9, 0.1], np.float32))
    crowd = [Face(Box(5 * i, 6, 7, 8), 0.9, female, happy, str(i)) for i in range(3)]
    former = arrays(Header(frame_id='cam'), FrameResult(640, 480, crowd))
    assert [face.track_id for face in former.faces] == ['0', '1', '2']
    message = arrays(Header(), FrameResult(320, 240, [Face(Box(1, 2, 3, 4), 0.5)]))
    expected = fill_face(FaceMessage(), Face(Box(1, 2, 3, 4), 0.5))
    assert message.header == Header() and message.faces == [expected]
    assert (message.image_width, message.image_height) == (320, 240)
    assert arrays(Header(), FrameResult(1, 1)).faces == []


@pytest.mark.parametrize(
    ('value', 'sec', 'nanosec'),
    [
        (0.0, 0, 0),
        (1.5, 1, 500_000_000),
        (-0.25, -1, 750_000_000),
        (-3.0, -3, 0),
        (0.9999999999, 1, 0),
        (1e12, 2**31 - 1, 0),
        (-1e12, -(2**31) + 1, 0),
    ],
)
def test_durations_are_normalised(value, sec, nanosec):
    message = Duration(**duration_fields(value))
    assert (message.sec, message.nanosec) == (sec, nanosec)
    if abs(value) < 1e9:
        assert seconds(message) == pytest.approx(value, abs=1e-9)


def test_the_latency_message_has_every_stage():
    latency = Timings(*(0.001 * i for i in range(1, 9)))
    message = fill_latency(PipelineLatency(), Header(), latency, 3, 10, 8, 1)
    for name, value in vars(latency).items():
        assert seconds(getattr(message, name)) == pytest.approx(value)
    counts = (
        message.faces,
        message.frames_received,
        message.frames_processed,
        message.frames_dropped,
    )
    assert counts == (3, 10, 8, 1)


def test_an_image_message_has_the_images_bytes():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    message = image_message(Header(), image[:, ::-1])
    assert (message.width, message.height, message.step) == (4, 2, 12)
    assert bytes(message.data) == image[:, ::-1].tobytes()
