"""Parameters of the real node that change while it runs."""

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message


def messages(values):
    return [
        Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
        for name, value in values.items()
    ]


def change_each(robot, **values):
    """Set parameters one after the other; return the results."""
    request = SetParameters.Request(parameters=messages(values))
    name = f'/{robot.process.name}/set_parameters'
    return robot.ros.call_until_answered(SetParameters, name, request).results


@pytest.fixture
def image(portrait):
    return image_message(Header(), portrait[0])


def test_gender_and_emotion_go_off_and_on_while_images_come(start_robot, image):
    robot = start_robot(tracker__max_age=60.0)
    (face,) = robot.show_and_wait(image).faces
    assert face.gender and face.emotion
    assert robot.set(gender__enabled=False, emotion__enabled=False).successful
    (face,) = robot.show_and_wait(image).faces
    assert face.gender == 0 and face.emotion == ''
    values = robot.status()[2]
    assert values['model gender'] == values['model emotion'] == 'off'
    assert robot.set(gender__enabled=True).successful
    (face,) = robot.show_and_wait(image).faces
    assert face.gender and face.emotion == ''
    assert face.track_id == '1', 'the face is still the same one'


#: Writes a line for each call of a network about faces, and of the detector.
TELLING = """
from face_perception.core.attributes.classifier import Classifier
from face_perception.core.detectors import OnnxDetector
def tell(kind, name, words):
    method = getattr(kind, name)
    def call(self, *arguments):
        print(words(self), flush=True)
        return method(self, *arguments)
    setattr(kind, name, call)
tell(Classifier, 'batch', lambda self: f'asked about {self.model.task}')
tell(OnnxDetector, 'detect', lambda self: 'detected')
"""


def told(robot, words):
    """Return how often something was done so far."""
    return robot.process.log().count(words)


def test_a_network_that_is_off_is_not_called(start_robot, image):
    robot = start_robot(classifier__max_rate=0.0, patch=TELLING)
    asked = dict.fromkeys(('emotion', 'gender'), 0)
    for off in ((), ('gender',), ('gender', 'emotion'), ('emotion',), ()):
        switches = {f'{task}__enabled': task not in off for task in asked}
        assert robot.set(**switches).successful
        for _ in range(3):
            robot.show_and_wait(image)
        for task, before in asked.items():
            asked[task] = told(robot, f'asked about {task}')
            assert (asked[task] == before) == (task in off), (task, off)


def test_the_detector_and_its_size_change_between_two_images(shared_robot, image):
    robot = shared_robot
    robot.show_and_wait(image)
    assert robot.set(
        detector__type='haar', detector__input_size=64, detector__min_input_size=64
    ).successful
    assert robot.show_and_wait(image).faces == [], 'too small a size to find the face'
    assert robot.status()[2]['detector input size (px)'] == '64'
    assert robot.set(detector__input_size=320, num_threads=2).successful
    assert len(robot.show_and_wait(image).faces) == 1


def test_the_camera_may_be_had_another_way(shared_robot, image):
    robot = shared_robot
    robot.show_and_wait(image)
    assert robot.set(qos__image__reliability='reliable', qos__image__depth=5).successful
    robot.wait_for_match()
    robot.show_and_wait(image)
    assert robot.set(image_transport='compressed').successful
    robot.ros.spin_until(lambda: robot.camera.get_subscription_count() == 0)
    assert robot.set(image_transport='raw').successful
    robot.wait_for_match()
    robot.show_and_wait(image)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'detector__interval': 3, 'tracker__enabled': False}, 'not followed between images'),
        ({'target_latency': 0.05, 'detector__min_input_size': 500}, 'nothing to choose from'),
        ({'max_faces': 3, 'emotion__model': 'none.onnx'}, 'does not exist'),
        ({'max_faces': 3, 'emotion__model': '/nowhere/none.onnx'}, 'model_directories'),
        (
            {'max_faces': 3, 'max_rate': -1.0},
            "'max_rate' is -1.0: use 0.0 to 1000.0",
        ),
        ({'max_faces': 3, 'qos__output__depth': 7}, "'qos.output.depth' is read-only while"),
        ({'max_faces': 3, 'humans__enabled': True}, "'humans.enabled' is read-only while"),
        ({'max_faces': 3, 'autostart': False}, 'deactivate and cleanup'),
        ({'max_faces': 3, 'detector__type': 'magic'}, "'magic': use one of haar"),
    ],
)
def test_a_set_that_does_not_fit_is_refused_whole(shared_robot, image, values, words):
    robot = shared_robot
    result = robot.set(**values)
    assert not result.successful and words in result.reason, result.reason
    # Of the refused set nothing was taken: this fits only with the tracker on.
    assert robot.set(detector__interval=2).successful
    assert robot.show_and_wait(image).faces[0].emotion
    assert robot.lifecycle_state() == 'active'


def test_what_fits_only_together_is_taken_together(shared_robot):
    robot = shared_robot
    fitting = {'target_latency': 0.05, 'detector__input_size': 640, 'detector__min_input_size': 500}
    first, *_ = change_each(robot, detector__min_input_size=500, target_latency=0.05)
    assert first.successful, 'without a target latency it means nothing'
    assert not change_each(robot, target_latency=0.05)[0].successful
    assert robot.set(**fitting).successful


def test_a_whole_parameter_file_may_be_loaded_again(shared_robot, image):
    """As `ros2 param load` does: structural parameters among them, with the values they have."""
    robot = shared_robot
    results = change_each(
        robot,
        autostart=True,
        max_faces=2,
        qos__output__depth=1,
        humans__enabled=False,
        smoothing__time_constant=1.0,
    )
    assert all(result.successful for result in results)
    assert robot.show_and_wait(image).faces


def test_with_the_tracker_off_faces_have_no_ids(shared_robot, image):
    robot = shared_robot
    assert robot.show_and_wait(image).faces[0].track_id
    assert robot.set(tracker__enabled=False).successful
    assert robot.show_and_wait(image).faces[0].track_id == ''


def test_detection_on_every_fifth_image(start_robot, image):
    robot = start_robot(
        detector__interval=5,
        detector__max_rate=0.0,
        detector__input_size=240,
        tracker__max_age=60.0,
        patch=TELLING,
    )
    robot.show_and_wait(image)
    for _ in range(10):
        (face,) = robot.show_and_wait(image).faces
        assert face.track_id == '1' and face.emotion
    robot.ros.spin_until(lambda: len(robot.latency) >= len(robot.faces))
    processed = robot.latency[-1].frames_processed
    assert told(robot, 'detected') == -(-processed // 5)


def test_classification_on_every_third_image(start_robot, image):
    robot = start_robot(
        classifier__interval=3,
        classifier__max_rate=0.0,
        detector__input_size=240,
        tracker__max_age=60.0,
        gender__enabled=False,
        patch=TELLING,
    )
    for _ in range(9):
        (face,) = robot.show_and_wait(image).faces
        assert face.emotion == 'happy'
    robot.ros.spin_until(lambda: len(robot.latency) >= len(robot.faces))
    processed = robot.latency[-1].frames_processed
    assert told(robot, 'asked about emotion') == -(-processed // 3)


def test_only_the_largest_faces_are_classified_and_all_are_published(shared_robot, portrait):
    robot = shared_robot
    assert robot.set(max_faces=1, tracker__enabled=False).successful
    small = cv2.resize(portrait[0], (448, 336), interpolation=cv2.INTER_AREA)
    both = np.full((480, 1088, 3), 90, np.uint8)
    both[:, :640], both[:336, 640:] = portrait[0], small
    large, little = robot.show_and_wait(image_message(Header(), both)).faces
    assert large.roi.width > little.roi.width
    assert large.emotion == 'happy' and (little.emotion, little.gender) == ('', 0)
    assert robot.set(max_faces=0).successful
    assert all(face.emotion for face in robot.show_and_wait(image_message(Header(), both)).faces)


def test_a_rate_limit_leaves_images_out(shared_robot, image):
    robot = shared_robot
    assert robot.set(max_rate=2.0, detector__input_size=160).successful
    robot.show_and_wait(image)
    robot.faces.clear()
    for _ in range(30):
        robot.show(image)
        robot.ros.spin_for(0.1)
    assert 4 <= len(robot.faces) <= 9
    assert int(robot.status()[2]['frames left out (max_rate)']) > 10


def test_a_target_latency_shrinks_the_detectors_input(shared_robot, portrait):
    robot = shared_robot
    assert robot.set(target_latency=0.001, detector__min_input_size=200).successful
    message = image_message(Header(), portrait[0])

    def smallest(level, text, values):
        for _ in range(10):
            robot.show(message)
            robot.ros.spin_for(0.05)
        return (
            values['detector input size (px)'] == '200'
            and 'target_latency is missed' in text
            and values['target_latency'] == 'missed at the smallest size'
        )

    robot.wait_for_status(smallest)
    assert robot.set(target_latency=0.0).successful
    robot.show_and_wait(message)
    values = robot.status()[2]
    assert values['detector input size (px)'] == '480' and 'target_latency' not in values
