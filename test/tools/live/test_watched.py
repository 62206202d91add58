from collections import deque

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from face_perception.media.messages.encoding import compress, image_message
from face_perception.msg import Face, FaceArray, PipelineLatency
from face_perception.tools.live import watched as watched_module
from face_perception.tools.live.watched import Show, Watched, shown


class Seen:
    """Stands for the writer to a viewer."""

    def __init__(self):
        self.images, self.lanes, self.latencies, self.counts, self.states = [], [], [], [], []

    def image(self, stream, jpeg, faces):
        self.images.append((cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1), faces))

    def emotions(self, stream, faces):
        self.lanes.append(faces)

    def latency(self, stream, seconds):
        self.latencies.append(seconds)

    def rates(self, stream, values):
        self.counts.append(values)

    def diagnostics(self, stream, level, message, values):
        self.states.append((level, message, values))


class NoNode:
    """Stands for a ROS node whose messages are given by hand."""

    def __init__(self):
        self.subscribed, self.sources = [], []

    def get_publisher_names_and_types_by_node(self, name, namespace):
        return []

    def create_subscription(self, kind, topic, callback, qos, callback_group=None, raw=False):
        self.subscribed.append((kind, topic))
        return topic

    def destroy_subscription(self, topic):
        self.subscribed = [one for one in self.subscribed if one[1] != topic]

    def get_subscriber_names_and_types_by_node(self, name, namespace):
        return self.sources


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that a test sets: seconds in a list."""
    now = [100.0]
    monkeypatch.setattr(watched_module.time, 'monotonic', lambda: now[0])
    return now


@pytest.fixture
def looked_at():
    node, seen = NoNode(), Seen()
    return Watched(node, '/left/face_perception', seen, Show(5.0)), node, seen


def header(number):
    return Header(stamp=Time(sec=number, nanosec=7))


def faces(number):
    roi = RegionOfInterest(x_offset=10, y_offset=20, width=30, height=40)
    return FaceArray(
        header=header(number),
        faces=[
            Face(
                roi=roi,
                score=0.9,
                track_id='3',
                emotion='happy',
                emotion_confidence=0.93,
                gender=Face.GENDER_FEMALE,
                gender_confidence=0.99,
            )
        ],
    )


def picture(value):
    return np.full((48, 64, 3), value, np.uint8)


def image(number, value=50):
    """Return an image as the bytes that come of it."""
    return serialize_message(image_message(header(number), picture(value)))


def test_boxes_are_shown_on_the_image_that_they_are_of(looked_at, clock):
    watched, _, seen = looked_at
    watched.receive_faces(faces(0))
    for number in (1, 2):
        watched.receive_image(image(number, 50 * number))
    watched.receive_faces(faces(2))
    ((shown_image, boxes),) = seen.images
    assert abs(int(shown_image.mean()) - 100) < 3
    assert boxes[0].box == (10, 20, 30, 40)
    assert boxes[0].text == '#3 | happy 93% | female 99%'


def test_faces_may_be_faster_than_their_image(looked_at, clock):
    watched, _, seen = looked_at
    for number in range(100):
        watched.receive_faces(faces(number))
    assert len(watched._early) <= watched_module.WAITING
    watched.receive_image(image(99))
    ((_, boxes),) = seen.images
    assert len(boxes) == 1 and not watched._waiting


def test_no_more_images_than_asked_for_but_all_emotions(looked_at, clock):
    watched, _, seen = looked_at
    for number in range(30):  # two seconds at 15 Hz
        clock[0] = 100 + number / 15
        watched.receive_image(image(number))
        watched.receive_faces(faces(number))
    assert 10 <= len(seen.images) <= 11
    assert len(seen.lanes) == 30


def test_images_stay_where_they_are_until_one_is_to_be_shown(looked_at, clock):
    watched, _, seen = looked_at
    gate = watched._gate
    assert gate.can_execute(None)  # nobody says anything of them
    for number in (1, 2):
        watched.receive_faces(faces(number))
        assert gate.can_execute(None)
        watched.receive_image(image(number))
    assert len(seen.images) == 2 and not gate.can_execute(None)
    clock[0] += 0.1
    watched.receive_faces(faces(3))  # too early to show another
    clock[0] += 0.2
    assert not gate.can_execute(None)  # the node is at work
    watched.receive_faces(faces(4))
    assert gate.can_execute(None)
    for number in (3, 4):
        watched.receive_image(image(number))
    assert len(seen.images) == 3 and not gate.can_execute(None)
    clock[0] += watched_module.ALONE_S + 0.1
    assert gate.can_execute(None)


def test_bytes_that_are_no_image_are_passed_over(looked_at, clock):
    watched, _, seen = looked_at
    watched.receive_image(b'')
    watched.receive_image(bytes(11))
    assert not seen.images and not watched._waiting


def test_a_stamp_is_read_in_either_order_of_bytes(looked_at, clock):
    watched, _, _ = looked_at
    watched._last_faces = clock[0]
    watched.receive_image(bytes([0, 1, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0]))
    watched.receive_image(bytes([0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 7]))
    assert list(watched._waiting) == [(5, 7), (6, 7)]


def test_a_camera_is_seen_also_while_the_node_says_nothing(looked_at, clock):
    watched, _, seen = looked_at
    watched.receive_faces(faces(0))
    clock[0] += 5
    watched.receive_image(image(1))
    assert [boxes for _, boxes in seen.images] == [[]]


def test_images_without_faces_do_not_pile_up(looked_at, clock, monkeypatch):
    watched, _, _ = looked_at
    watched._last_faces = clock[0]
    for number in range(100):
        watched.receive_image(image(number))
    assert len(watched._waiting) <= watched_module.MOST_IMAGES
    monkeypatch.setattr(watched_module, 'MOST_BYTES', 10 * len(image(0)))
    watched.receive_image(image(100))
    assert len(watched._waiting) == 10
    watched.receive_faces(faces(95))  # those before will not be asked for
    assert len(watched._waiting) == 5


def watch(watched, clock, seconds, camera_rate, period, delay):
    """Let a camera's images and, every ``period``, one's faces after ``delay`` come over DDS."""
    count = int(seconds * camera_rate)
    events = [(number / camera_rate, number, True) for number in range(count)]
    events += [
        (number / camera_rate + delay, number, False)
        for number in range(0, count, max(round(period * camera_rate), 1))
    ]
    kept = deque(maxlen=watched_module.qos_profile_sensor_data.depth)
    for time, number, is_image in sorted(events):
        clock[0] = 100 + time
        if is_image:
            kept.append(image(number))
        else:
            watched.receive_faces(faces(number))
            needed = Duration(sec=int(delay), nanosec=int(delay % 1 * 1e9))
            watched.receive_latency(PipelineLatency(header=header(number), processing=needed))
        while kept and watched._gate.can_execute(None):
            watched.receive_image(kept.popleft())


@pytest.mark.parametrize('camera_rate, delay', [(30, 0.05), (30, 0.2), (60, 0.2), (30, 0.3)])
def test_a_slow_node_is_seen_too(looked_at, clock, camera_rate, delay):
    watched, _, seen = looked_at
    watch(watched, clock, 10, camera_rate, delay, delay)
    assert sum(bool(boxes) for _, boxes in seen.images) >= 15
    assert len(seen.images) <= 51


@pytest.mark.parametrize('camera_rate, delay', [(30, 1.5), (30, 3.0), (10, 4.0)])
def test_a_node_that_is_more_than_a_second_behind_is_seen_too(looked_at, clock, camera_rate, delay):
    watched, _, seen = looked_at
    watch(watched, clock, 40, camera_rate, delay, delay)
    assert sum(bool(boxes) for _, boxes in seen.images) >= 40 / delay - 2
    assert len(seen.images) <= 201


def test_faces_that_come_seldom_are_shown_too(looked_at, clock):
    watched, _, seen = looked_at
    watch(watched, clock, 20, 30, 2.0, 0.05)  # max_rate: 0.5
    assert sum(bool(boxes) for _, boxes in seen.images) >= 9
    assert len(seen.images) <= 101  # none more than asked for


def test_a_jpeg_goes_on_as_it_is_and_other_images_are_made_one(looked_at, clock):
    watched, _, _ = looked_at
    message = compress(picture(50), 'jpeg', header(1))
    assert watched._encode(message) == bytes(message.data)
    assert watched._encode(compress(picture(50), 'png', header(1)))[:2] == b'\xff\xd8'


def test_raw_images_are_sent_as_they_are():
    watched = Watched(NoNode(), '/a', Seen(), Show(raw=True))
    for message in (
        image_message(header(1), picture(50)),
        compress(picture(50), 'jpeg', header(1)),
    ):
        image = watched._encode(message)
        assert image.shape == (48, 64, 3) and abs(int(image.mean()) - 50) < 3


@pytest.mark.parametrize(
    'message',
    [
        Image(header=header(1), height=48, width=64, encoding='nonsense', data=bytes(10)),
        CompressedImage(header=header(1), format='jpeg', data=b'nothing'),
    ],
)
def test_a_bad_image_is_passed_over(looked_at, clock, message):
    watched, _, seen = looked_at
    watched._kind = type(message)
    watched.receive_image(serialize_message(message))
    watched._kind = Image
    clock[0] += 2
    watched.receive_image(image(2))
    assert len(seen.images) == 1


def test_rates_are_of_what_was_counted_also_when_a_node_begins_anew(looked_at, clock):
    watched, _, seen = looked_at
    for second, count in enumerate((100, 115, 3, 18)):
        clock[0] = 100.0 + second
        watched.receive_latency(
            PipelineLatency(frames_received=count, frames_processed=count // 2, frames_dropped=1)
        )
    assert [round(rates[0]) for rates in seen.counts] == [15, 15]
    assert len(seen.latencies) == 4


def test_rates_do_not_depend_on_when_the_messages_are_come_to(looked_at, clock):
    watched, _, seen = looked_at
    # Ten seconds late, and then at once; the third from a time that was set back.
    for arrival, published, count in ((11, 1, 15), (12, 12, 180), (13, 5, 195), (13, 7, 225)):
        clock[0] = 100.0 + arrival
        message = PipelineLatency(frames_received=count)
        message.header.stamp.sec = published
        message.end_to_end.nanosec = 50_000_000
        watched.receive_latency(message)
    assert [round(rates[0]) for rates in seen.counts] == [15, 15]


def test_only_its_own_diagnostics_are_taken(looked_at):
    watched, _, seen = looked_at
    for name in ('face_perception: /left/face_perception', 'face_perception: /right/other', 'disk'):
        watched.take_diagnostics(
            DiagnosticStatus(
                name=name,
                level=DiagnosticStatus.WARN,
                message='no images',
                values=[KeyValue(key='a', value='b')],
            )
        )
    assert seen.states == [('WARN', 'no images', {'a': 'b'})]


def test_it_follows_the_node_to_another_camera(looked_at):
    watched, node, _ = looked_at
    watched.look_again()  # the node is not subscribed to any image yet
    outputs = list(node.subscribed)
    other = ('/clock', ['rosgraph_msgs/msg/Clock'])
    for topic, kind in (('/a', 'Image'), ('/a', 'Image'), ('/b/compressed', 'CompressedImage')):
        node.sources = [other, (topic, [f'sensor_msgs/msg/{kind}'])]
        watched.look_again()
        (source,) = set(node.subscribed) - set(outputs)
        assert source[1] == topic and source[0].__name__ == kind
    node.sources = []  # it is being restarted: what was found stays
    watched.look_again()
    assert len(node.subscribed) == len(outputs) + 1


def test_a_face_without_labels_shows_its_score():
    assert shown(Face(score=0.5)).text == 'face 50%'
    assert shown(Face(score=0.5)).track_id == ''
