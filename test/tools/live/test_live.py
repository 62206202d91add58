"""Nodes that come, go and change, on real DDS; what would be sent to a viewer is looked at."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

import rclpy
from builtin_interfaces.msg import Time
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message
from face_perception.msg import FaceArray, PipelineLatency
from face_perception.tools.live.live import Watcher
from face_perception.tools.live.watched import Show


class Seen:
    """Stands for the writer to a viewer: counts the images of each node."""

    def __init__(self):
        self.images = Counter()

    def image(self, stream, image, faces):
        self.images[stream] += 1

    def emotions(self, stream, faces):
        pass


class Stand:
    """Stands for a node and its camera: takes images from ``topic``, says that it saw nobody."""

    def __init__(self, namespace, topic, faces='~/faces'):
        self.node = rclpy.create_node('face_perception', namespace=namespace)
        self._faces = self.node.create_publisher(FaceArray, faces, qos_profile_sensor_data)
        self.node.create_publisher(PipelineLatency, '~/latency', qos_profile_sensor_data)
        self._camera = self.node.create_publisher(Image, topic, qos_profile_sensor_data)
        self.node.create_subscription(Image, topic, lambda _: None, qos_profile_sensor_data)

    def see(self, second):
        header = Header(stamp=Time(sec=second))
        self._camera.publish(image_message(header, np.zeros((48, 64, 3), np.uint8)))
        self._faces.publish(FaceArray(header=header))

    def end(self):
        self.node.destroy_node()


@pytest.fixture
def stands():
    stands = []
    yield lambda *arguments: stands.append(Stand(*arguments)) or stands[-1]
    for stand in stands:
        stand.end()


@pytest.fixture
def look(ros):
    """Return how to look with a new watcher until enough was seen, and what was."""
    watchers = []

    def start(names=None):
        seen = Seen()
        watchers.append(Watcher(names, seen, Show(rate=100.0)))
        return watchers[-1], seen

    yield start
    for watcher in watchers:
        watcher.destroy_node()


def look_until(ros, watcher, stands, condition, first=1):
    """Let the stands see, and the watcher look, until ``condition`` holds."""
    second = [first]

    def step():
        second[0] += 1
        watcher.look_again()
        for stand in stands:
            stand.see(second[0])
        for _ in range(4):
            rclpy.spin_once(watcher, timeout_sec=0.02)
        return condition()

    ros.spin_until(step)


def test_all_nodes_are_found_also_later_and_each_is_shown(ros, look, stands):
    watcher, seen = look()
    left = stands('/left', '/left/image')
    look_until(ros, watcher, [left], lambda: seen.images['/left/face_perception'] >= 2)
    right = stands('/right', '/right/image')
    look_until(ros, watcher, [left, right], lambda: seen.images['/right/face_perception'] >= 2)
    before = seen.images['/left/face_perception']
    look_until(ros, watcher, [left], lambda: seen.images['/left/face_perception'] > before)


def test_a_node_is_found_whatever_its_faces_are_called(ros, look, stands):
    watcher, seen = look()
    stand = stands('/left', '/left/image', '/people')
    # Who passes faces on is no node of this package.
    passed_on = ros.node.create_publisher(FaceArray, '/filtered/faces', 1)
    look_until(ros, watcher, [stand], lambda: seen.images['/left/face_perception'] >= 2)
    ros.spin_until(lambda: watcher.count_publishers('/filtered/faces'))
    assert list(watcher.watched) == ['/left/face_perception'] and not watcher.missing()
    ros.node.destroy_publisher(passed_on)


def test_a_node_that_does_not_come_is_named(ros, look, stands):
    watcher, _ = look()
    (sentence,) = watcher.missing()
    assert sentence.startswith('no node was found yet: start face_perception_node')
    watcher, _ = look(['/left/face_perception', '/right/face_perception'])
    assert len(watcher.missing()) == 2
    stands('/left', '/left/image')
    ros.spin_until(lambda: len(watcher.missing()) == 1)
    (sentence,) = watcher.missing()
    assert "'/right/face_perception' was found yet: those that run are /left/f" in sentence


def test_only_the_node_that_is_named_is_looked_at(ros, look, stands):
    watcher, seen = look(['/right/face_perception'])
    both = [stands('/left', '/left/image'), stands('/right', '/right/image')]
    look_until(ros, watcher, both, lambda: seen.images['/right/face_perception'] >= 3)
    assert list(seen.images) == ['/right/face_perception']


def test_a_node_that_is_restarted_with_another_camera_is_shown_again(ros, look, stands):
    watcher, seen = look()
    stand = stands('/left', '/left/image')
    look_until(ros, watcher, [stand], lambda: seen.images['/left/face_perception'] >= 2, 1000)
    stand.end()
    before = seen.images['/left/face_perception']
    # Its time begins anew too, as that of a bag or a simulation.
    other = stands('/left', '/other/image')
    look_until(ros, watcher, [other], lambda: seen.images['/left/face_perception'] >= before + 3)
