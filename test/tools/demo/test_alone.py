import os
import random

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from sensor_msgs.msg import Image

from face_perception.tools.demo import alone


def test_it_keeps_to_this_machine_and_to_a_domain_of_its_own(monkeypatch):
    random.seed(5)
    for name in ('ROS_DOMAIN_ID', 'ROS_LOCALHOST_ONLY', 'ROS_DISTRO'):
        monkeypatch.setenv(name, '')  # so that it is taken away again afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    alone.keep_to_this_machine()
    assert 1 <= int(os.environ['ROS_DOMAIN_ID']) <= 101
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 'ROS_LOCALHOST_ONLY' not in os.environ
    monkeypatch.setenv('ROS_DOMAIN_ID', '42')
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    alone.keep_to_this_machine()
    assert os.environ['ROS_DOMAIN_ID'] == '42'
    assert os.environ['ROS_LOCALHOST_ONLY'] == '1'


def test_who_else_takes_part_is_named(ros, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '42')
    topic = f'/alone_{os.getpid()}/image'
    own = ros.node.create_publisher(Image, topic, 1)
    ros.spin_until(lambda: ros.node.count_publishers(topic) == 1)
    alone.check_alone(ros.node, [topic])
    other = ros.node.create_publisher(Image, topic, 1)
    try:
        ros.spin_until(lambda: ros.node.count_publishers(topic) == 2)
        with pytest.raises(alone.OthersError, match=f'publishes on {topic} in ROS domain 42 too'):
            alone.check_alone(ros.node, [topic])
    finally:
        for publisher in (own, other):
            ros.node.destroy_publisher(publisher)
