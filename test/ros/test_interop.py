"""
Faces as vision_msgs, foxglove_msgs and hri_msgs (REP-155).

No such package is on PyPI. Where they are installed the tests use them; elsewhere the conversions
are tested with stand-ins that have the same fields (vision_msgs 4, foxglove_msgs 3, hri_msgs 2),
and the node is tested to say what is missing.
"""

from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool

from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Face, FrameResult
from face_perception.media.messages.encoding import image_message
from face_perception.ros.outputs import foreign, humans
from face_perception.ros.outputs.annotations import image_annotations
from face_perception.ros.outputs.detections import detection_array
from face_perception.ros.outputs.humans import (
    EXPRESSIONS,
    crop,
    expression,
    region,
    soft_biometrics,
)


def part(kind):
    return field(default_factory=kind)


@dataclass
class Point2D:
    x: float = 0.0
    y: float = 0.0


@dataclass
class Pose2D:
    position: Point2D = part(Point2D)
    theta: float = 0.0


@dataclass
class BoundingBox2D:
    center: Pose2D = part(Pose2D)
    size_x: float = 0.0
    size_y: float = 0.0


@dataclass
class ObjectHypothesis:
    class_id: str = ''
    score: float = 0.0


@dataclass
class ObjectHypothesisWithPose:
    hypothesis: ObjectHypothesis = part(ObjectHypothesis)
    pose: object = None


@dataclass
class Detection2D:
    header: Header = part(Header)
    results: list = part(list)
    bbox: BoundingBox2D = part(BoundingBox2D)
    id: str = ''


@dataclass
class Detection2DArray:
    header: Header = part(Header)
    detections: list = part(list)


@dataclass
class NormalizedRegionOfInterest2D:
    header: Header = part(Header)
    xmin: float = 0.0
    ymin: float = 0.0
    xmax: float = 0.0
    ymax: float = 0.0
    c: float = 0.0


@dataclass
class Expression:
    header: Header = part(Header)
    expression: str = ''
    valence: float = 0.0
    arousal: float = 0.0
    confidence: float = 0.0


@dataclass
class SoftBiometrics:
    header: Header = part(Header)
    age: int = 0
    age_confidence: float = 0.0
    gender: int = 0
    gender_confidence: float = 0.0


@dataclass
class Point2:
    x: float = 0.0
    y: float = 0.0


@dataclass
class Color:
    r: float = 0.0
    g: float = 0.0
    b: float = 0.0
    a: float = 0.0


@dataclass
class PointsAnnotation:
    LINE_LOOP: ClassVar[int] = 2
    timestamp: Time = part(Time)
    type: int = 0
    points: list = part(list)
    outline_color: Color = part(Color)
    thickness: float = 0.0


@dataclass
class TextAnnotation:
    timestamp: Time = part(Time)
    position: Point2 = part(Point2)
    text: str = ''
    font_size: float = 0.0
    text_color: Color = part(Color)
    background_color: Color = part(Color)


@dataclass
class ImageAnnotations:
    points: list = part(list)
    texts: list = part(list)


def messages(package, *stand_ins):
    """Return the real messages where they are installed."""
    if find_spec(package) is not None:
        return import_module(f'{package}.msg')
    return SimpleNamespace(**{stand_in.__name__: stand_in for stand_in in stand_ins})


VISION = messages('vision_msgs', Detection2D, Detection2DArray, ObjectHypothesisWithPose)
FOXGLOVE = messages(
    'foxglove_msgs', Color, ImageAnnotations, Point2, PointsAnnotation, TextAnnotation
)
HRI = messages('hri_msgs', NormalizedRegionOfInterest2D, Expression, SoftBiometrics)
HEADER = Header(frame_id='camera')
FACE = Face(
    Box(32, 48, 64, 96),
    0.75,
    Classification(GENDERS, np.array([0.2, 0.8], np.float32)),
    Classification(EMOTIONS, np.array([0, 0.1, 0.9, 0, 0, 0, 0], np.float32)),
    '7',
)


def test_a_face_is_a_detection():
    array = detection_array(VISION, HEADER, FrameResult(640, 480, [FACE, FACE]))
    assert array.header == HEADER and len(array.detections) == 2
    detection = array.detections[0]
    assert (detection.header, detection.id) == (HEADER, '7')
    assert (detection.bbox.center.position.x, detection.bbox.center.position.y) == (64, 96)
    assert (detection.bbox.size_x, detection.bbox.size_y) == (64, 96)
    (result,) = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('face', 0.75)


def test_a_face_is_a_line_and_a_text_over_the_image_of_its_time():
    header = Header(stamp=Time(sec=3, nanosec=5))
    message = image_annotations(FOXGLOVE, header, FrameResult(640, 480, [FACE, FACE]))
    assert len(message.points) == len(message.texts) == 2
    line, text = message.points[1], message.texts[1]
    assert line.timestamp == text.timestamp == header.stamp
    corners = [(point.x, point.y) for point in line.points]
    assert corners == [(32, 48), (96, 48), (96, 144), (32, 144)]
    assert (line.type, line.thickness) == (FOXGLOVE.PointsAnnotation.LINE_LOOP, 2.0)
    assert text.text == '#7 | fear 90% | male 80%'
    assert (text.position.x, text.position.y) == (32, 48)
    # One colour, dark letters on it, both opaque.
    assert line.outline_color == text.background_color != text.text_color
    assert line.outline_color.a == text.text_color.a == 1.0
    assert max(line.outline_color.r, line.outline_color.g, line.outline_color.b) <= 1.0
    # Of nobody there is a message too, which takes the boxes away.
    assert image_annotations(FOXGLOVE, header, FrameResult(640, 480, [])).points == []


def test_the_region_is_a_share_of_the_image():
    message = region(HRI, HEADER, FACE, 640, 480)
    assert message.header == HEADER and message.c == pytest.approx(0.75)
    assert (message.xmin, message.ymin) == pytest.approx((0.05, 0.1))
    assert (message.xmax, message.ymax) == pytest.approx((0.15, 0.3))


def test_expressions_have_rep_155s_names():
    assert set(EXPRESSIONS) == set(EMOTIONS)
    message = expression(HRI, HEADER, FACE.emotion)
    assert message.expression == 'scared' and message.confidence == pytest.approx(0.9)
    if find_spec('hri_msgs') is not None:
        constants = {
            getattr(HRI.Expression, name)
            for name in ('ANGRY', 'DISGUSTED', 'SCARED', 'HAPPY', 'SAD', 'SURPRISED', 'NEUTRAL')
        }
        assert set(EXPRESSIONS.values()) == constants


def test_gender_has_rep_155s_values_and_age_is_unknown():
    message = soft_biometrics(HRI, HEADER, FACE.gender)
    assert message.gender == 2 and message.gender_confidence == pytest.approx(0.8)
    assert (message.age, message.age_confidence) == (0, 0)


@pytest.mark.parametrize(
    ('box', 'inner'),
    [
        (Box(32, 48, 64, 96), (slice(0, 128), slice(21, 106))),  # higher than wide: made larger
        (Box(0, 10, 400, 200), (slice(32, 96), slice(0, 128))),  # wider than high: made smaller
        (Box(7, 9, 128, 128), (slice(0, 128), slice(0, 128))),
        (Box(399, 299, 1, 1), (slice(0, 128), slice(0, 128))),
    ],
)
def test_the_crop_is_the_box_in_the_middle_of_black(box, inner):
    image = np.zeros((300, 400, 3), np.uint8)
    x, y, width, height = map(int, (box.x, box.y, box.width, box.height))
    image[y : y + height, x : x + width] = (50, 100, 150)
    expected = np.zeros((128, 128, 3), np.uint8)
    expected[inner] = (50, 100, 150)
    assert np.array_equal(crop(image, replace(FACE, box=box)), expected)


class FakeOutputs:
    """Publishers that keep what they publish, by topic."""

    def __init__(self):
        self.said = {}
        self.listeners = 0

    def create(self, message_type, topic, active=False):
        said = self.said.setdefault(topic, [])
        return SimpleNamespace(
            topic=topic, publish=said.append, get_subscription_count=lambda: self.listeners
        )

    def remove(self, publisher):
        self.said[publisher.topic].append('removed')


def test_messages_of_others_are_made_while_somebody_listens(monkeypatch):
    asked = []
    monkeypatch.setattr(foreign, 'optional_messages', lambda *names: asked.append(names) or VISION)
    outputs = FakeOutputs()
    output = foreign.ForeignOutput(
        outputs, 'detections', 'vision_msgs', 'Detection2DArray', detection_array
    )
    assert asked == [('vision_msgs', 'detections.enabled')]
    output.publish(HEADER, np.zeros((480, 640, 3), np.uint8), FrameResult(640, 480, [FACE]))
    assert outputs.said == {'~/detections': []}
    outputs.listeners = 1
    for faces in ([FACE], []):
        output.publish(HEADER, np.zeros((480, 640, 3), np.uint8), FrameResult(640, 480, faces))
    assert [len(each.detections) for each in outputs.said['~/detections']] == [1, 0]
    output.nobody(HEADER)
    assert len(outputs.said['~/detections']) == 2


@pytest.fixture
def lists(monkeypatch):
    """Let lists of ids be plain objects, so that they need not be installed."""
    stand_ins = SimpleNamespace(**{**vars(HRI), 'IdsList': SimpleNamespace})
    monkeypatch.setattr(humans, 'optional_messages', lambda *_: stand_ins)


def test_when_no_images_come_any_more_nobody_is_tracked(lists):
    outputs = FakeOutputs()
    output = humans.HumansOutput(outputs, '/robot/face_perception')
    image = np.zeros((200, 200, 3), np.uint8)
    tracked = outputs.said['/humans/faces/tracked']
    output.nobody(HEADER)
    assert tracked == []
    output.publish(HEADER, image, FrameResult(200, 200, [FACE]))
    assert tracked[-1].ids == ['robot_face_perception_7']
    output.nobody(HEADER)
    assert (tracked[-1].ids, tracked[-1].header) == ([], HEADER)
    assert outputs.said['/humans/faces/robot_face_perception_7/roi'][-1] == 'removed'
    output.nobody(HEADER)
    assert len(tracked) == 2, 'said once'


def seen(*ids, followed=()):
    """Return what is said of an image with some faces, where others are followed too."""
    faces = [replace(FACE, track_id=each) for each in ids]
    return FrameResult(200, 200, faces, followed=frozenset({*ids, *followed}))


def test_a_face_that_is_missed_keeps_its_topics_while_it_is_followed(lists):
    outputs = FakeOutputs()
    output = humans.HumansOutput(outputs, 'node')
    image = np.zeros((200, 200, 3), np.uint8)
    tracked, roi = outputs.said['/humans/faces/tracked'], '/humans/faces/node_1/roi'
    output.publish(HEADER, image, seen('1', '2'))
    output.publish(HEADER, image, seen('2', followed=['1']))
    assert set(tracked[-1].ids) == {'node_1', 'node_2'}
    assert len(outputs.said[roi]) == 1, 'nothing is made up of a face that was not seen'
    output.publish(HEADER, image, seen('1', '2'))
    assert len(outputs.said[roi]) == 2 and 'removed' not in outputs.said[roi]
    output.publish(HEADER, image, seen('2'))
    assert tracked[-1].ids == ['node_2'] and outputs.said[roi][-1] == 'removed'


def test_faces_that_are_missed_make_room_for_those_that_are_seen(lists, monkeypatch):
    monkeypatch.setattr(humans, 'MOST_FACES', 3)
    outputs = FakeOutputs()
    output = humans.HumansOutput(outputs, 'node')
    image = np.zeros((200, 200, 3), np.uint8)
    everybody = [str(number) for number in range(9)]
    for ids in (['1', '2', '3'], ['1', '2'], ['1', '4']):
        output.publish(HEADER, image, seen(*ids, followed=everybody))
    tracked = outputs.said['/humans/faces/tracked']
    assert set(tracked[-1].ids) == {'node_1', 'node_2', 'node_4'}
    output.publish(HEADER, image, seen('5', '6', '7', '8', followed=everybody))
    assert tracked[-1].ids == ['node_5', 'node_6', 'node_7']


def test_a_crowd_does_not_get_topics_without_end(lists):
    outputs = FakeOutputs()
    output = humans.HumansOutput(outputs, 'node')
    crowd = [replace(FACE, track_id=str(index)) for index in range(humans.MOST_FACES + 20)]
    output.publish(HEADER, np.zeros((200, 200, 3), np.uint8), FrameResult(200, 200, crowd))
    (tracked,) = outputs.said['/humans/faces/tracked']
    assert tracked.ids == [f'node_{index}' for index in range(humans.MOST_FACES)]
    assert len(outputs.said) == 1 + 4 * humans.MOST_FACES


#: An output that tells what it is told, since the messages of REP-155 may not be installed.
LISTENING = """
from std_msgs.msg import String

class Listening:
    def __init__(self, outputs):
        self._publisher = outputs.create(String, '~/heard')
    def publish(self, header, image, result):
        self._publisher.publish(String(data='faces'))
    def nobody(self, header):
        self._publisher.publish(String(data='nobody'))

class Outputs(topics.Outputs):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._extras.append(Listening(self))
configured.Outputs = Outputs
"""


def see_then_nobody_comes(robot, ros, see_then):
    """Disable the node, take its camera away and deactivate it, each after it has seen a face."""

    def enable(data):
        ros.call_until_answered(
            SetBool, f'/{robot.process.name}/enable', SetBool.Request(data=data)
        )

    see_then(lambda: enable(False))
    enable(True)
    see_then(robot.unplug)  # the camera is lost
    robot.plug_in()
    change = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    see_then(
        lambda: ros.call_until_answered(ChangeState, f'/{robot.process.name}/change_state', change)
    )


def test_a_node_says_when_images_no_longer_come(start_robot, ros):
    robot = start_robot(patch=LISTENING, no_image_timeout=2.0)
    heard = ros.collect(String, f'/{robot.process.name}/heard')
    gray = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))

    def see_then(stop):
        ros.spin_until(lambda: robot.show_and_wait(gray) and heard and heard[-1].data == 'faces')
        stop()
        ros.spin_until(lambda: heard[-1].data == 'nobody')

    see_then_nobody_comes(robot, ros, see_then)


@pytest.mark.parametrize(
    ('package', 'parameter'),
    [
        ('vision_msgs', 'detections__enabled'),
        ('foxglove_msgs', 'annotations__enabled'),
        ('hri_msgs', 'humans__enabled'),
    ],
)
def test_a_node_without_the_messages_says_what_to_install(start_robot, package, parameter):
    if find_spec(package) is not None:
        pytest.skip(f'{package} is installed here')
    robot = start_robot(matched=False, **{parameter: True})
    level, text, values = robot.wait_for_status(lambda level, text, values: level == 2)
    assert f'{package} cannot be imported' in text and values['state'] == 'unconfigured'
    assert f'ros-$ROS_DISTRO-{package.replace("_", "-")}' in text


def test_a_node_publishes_detections(start_robot, ros, portrait):
    pytest.importorskip('vision_msgs', reason='needs vision_msgs, which is not on PyPI')
    robot = start_robot(detections__enabled=True)
    name = f'/{robot.process.name}/detections'
    detections = ros.collect(VISION.Detection2DArray, name)
    ros.spin_until(lambda: ros.node.count_publishers(name))
    message = image_message(Header(), portrait[0])
    ros.spin_until(lambda: robot.show_and_wait(message) and detections)
    (detection,) = detections[-1].detections
    (face,) = robot.faces[-1].faces
    assert detection.id == face.track_id == '1'
    assert detection.bbox.size_x == face.roi.width


def test_a_node_publishes_annotations(start_robot, ros, portrait):
    pytest.importorskip('foxglove_msgs', reason='needs foxglove_msgs, which is not on PyPI')
    robot = start_robot(annotations__enabled=True)
    name = f'/{robot.process.name}/annotations'
    annotations = ros.collect(FOXGLOVE.ImageAnnotations, name)
    ros.spin_until(lambda: ros.node.count_publishers(name))
    message = image_message(Header(), portrait[0])
    ros.spin_until(lambda: robot.show_and_wait(message) and annotations)
    (line,), (face,) = annotations[-1].points, robot.faces[-1].faces
    assert round(line.points[0].x) == face.roi.x_offset
    assert annotations[-1].texts[0].text.startswith('#1')


def test_a_node_publishes_the_topics_of_rep_155(start_robot, ros, portrait):
    pytest.importorskip('hri_msgs', reason='needs hri_msgs, which is not on PyPI')
    from sensor_msgs.msg import Image

    robot = start_robot(humans__enabled=True, tracker__max_age=60.0)
    tracked = ros.collect(HRI.IdsList, '/humans/faces/tracked')
    message = image_message(Header(), portrait[0])
    ros.spin_until(lambda: robot.show_and_wait(message) and tracked and tracked[-1].ids)
    (name,) = tracked[-1].ids
    assert name == f'{robot.process.name}_1'
    topics = {
        'roi': HRI.NormalizedRegionOfInterest2D,
        'cropped': Image,
        'expression': HRI.Expression,
        'softbiometrics': HRI.SoftBiometrics,
    }
    heard = {
        topic: ros.collect(kind, f'/humans/faces/{name}/{topic}') for topic, kind in topics.items()
    }
    ros.spin_until(lambda: robot.show_and_wait(message) and all(heard.values()))
    assert heard['expression'][-1].expression == 'happy'
    assert heard['softbiometrics'][-1].gender == HRI.SoftBiometrics.FEMALE
    (face,) = robot.faces[-1].faces
    roi, cropped = heard['roi'][-1], heard['cropped'][-1]
    assert roi.xmin == pytest.approx(face.roi.x_offset / 640, abs=0.01)
    assert (cropped.width, cropped.height) == (128, 128)
    empty = image_message(Header(), np.full((480, 640, 3), 90, np.uint8))
    del tracked[:]
    ros.spin_until(lambda: not robot.show_and_wait(empty).faces and len(tracked) > 2)
    assert tracked[-1].ids == [name], 'it is missed, but still followed'
    assert ros.node.count_publishers(f'/humans/faces/{name}/roi') == 1
    robot.set(tracker__max_age=0.1)
    ros.spin_until(lambda: robot.show_and_wait(empty) and tracked[-1].ids == [])
    ros.spin_until(lambda: ros.node.count_publishers(f'/humans/faces/{name}/roi') == 0)
    ros.stop_collecting('/humans/faces/tracked')


def test_a_node_empties_the_list_of_rep_155_when_images_no_longer_come(start_robot, ros, portrait):
    pytest.importorskip('hri_msgs', reason='needs hri_msgs, which is not on PyPI')
    robot = start_robot(humans__enabled=True, tracker__max_age=60.0, no_image_timeout=2.0)
    tracked = ros.collect(HRI.IdsList, '/humans/faces/tracked')
    message = image_message(Header(), portrait[0])

    def see_then(stop):
        ros.spin_until(lambda: robot.show_and_wait(message) and tracked and tracked[-1].ids)
        roi = f'/humans/faces/{tracked[-1].ids[0]}/roi'
        stop()
        ros.spin_until(lambda: tracked[-1].ids == [])
        ros.spin_until(lambda: ros.node.count_publishers(roi) == 0)

    see_then_nobody_comes(robot, ros, see_then)
    ros.stop_collecting('/humans/faces/tracked')
