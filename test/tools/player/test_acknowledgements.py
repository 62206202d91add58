from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.tools.found import FACES_TYPE
from face_perception.tools.player.acknowledgements import UNKNOWN, Acknowledgements

FACES, IMAGES = '/eyes/faces', '/camera/image'


class Graph:
    """What a node knows of others: no real one can be made to announce its topics before itself."""

    def __init__(self):
        self.publishers, self.subscribers = [], []

    def create_subscription(self, message_type, topic, callback, qos):
        return SimpleNamespace(topic_name=topic)

    def get_publishers_info_by_topic(self, topic):
        return self.publishers

    def get_subscriptions_info_by_topic(self, topic):
        return self.subscribers


def endpoint(name, namespace='/'):
    return SimpleNamespace(node_name=name, node_namespace=namespace, topic_type=FACES_TYPE)


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def listeners(graph):
    publisher = SimpleNamespace(topic_name=IMAGES, get_subscription_count=lambda: 1)
    return Acknowledgements(graph, [FACES], {IMAGES: publisher})


def test_the_node_that_sees_the_images_is_the_one_that_answers(graph, listeners):
    assert 'nobody publishes' in listeners.connect()
    graph.publishers.append(endpoint('eyes'))
    graph.subscribers.append(endpoint('rviz'))
    assert 'subscribes to none' in listeners.connect()
    graph.subscribers.append(endpoint('eyes'))
    assert listeners.connect() == ''


def test_a_node_that_is_not_known_yet_is_nobody(graph, listeners):
    graph.publishers.append(endpoint(UNKNOWN, UNKNOWN))
    graph.subscribers.append(endpoint(UNKNOWN, UNKNOWN))  # another's, such as a recorder's
    assert 'not said its name yet' in listeners.connect()
    graph.publishers[0] = endpoint('eyes')
    assert 'subscribes to none' in listeners.connect()
    graph.subscribers.append(endpoint('eyes'))
    assert listeners.connect() == ''
