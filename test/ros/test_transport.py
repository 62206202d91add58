from pathlib import Path
from xml.etree import ElementTree

import pytest

from face_perception.ros.shared_memory import LARGE_SEGMENT, NODE_SEGMENT, SMALL_SEGMENT
from face_perception.ros.transport import (
    DECISIONS,
    loss_remedy,
    profile_path,
    use_large_images,
)


@pytest.mark.parametrize(
    ('distribution', 'rclpy', 'name'),
    [
        ('humble', '9.1.2', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('kilted', '3.3.20', 'FASTDDS_DEFAULT_PROFILES_FILE'),
        ('', '7.1.6', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('', '9.1.2', 'FASTDDS_DEFAULT_PROFILES_FILE'),
        ('', 'unknown', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_the_profile_is_set_under_the_name_that_this_version_reads(
    monkeypatch, distribution, rclpy, name
):
    monkeypatch.setattr('face_perception.ros.transport.version', lambda _: rclpy)
    given = {'ROS_DISTRO': distribution} if distribution else {}
    environment = dict(given)
    use_large_images(environment)
    assert environment == {**given, name: profile_path()}


@pytest.mark.parametrize('middleware', ['rmw_cyclonedds_cpp', 'rmw_zenoh_cpp'])
def test_another_middleware_is_left_alone(middleware):
    environment = {'RMW_IMPLEMENTATION': middleware}
    use_large_images(environment)
    assert environment == {'RMW_IMPLEMENTATION': middleware}


@pytest.mark.parametrize(
    ('middleware', 'remedy'),
    [
        ('rmw_fastrtps_cpp', 'fastdds_large_images.xml'),
        ('rmw_cyclonedds_cpp', 'SocketReceiveBufferSize'),
        ('rmw_zenoh_cpp', 'qos.image.reliability'),
    ],
)
def test_the_remedy_is_of_the_middleware_in_use(middleware, remedy):
    sentence = loss_remedy(middleware)
    assert remedy in sentence
    assert ('FASTDDS' in sentence) == (middleware == 'rmw_fastrtps_cpp')


@pytest.mark.parametrize('decision', DECISIONS)
def test_what_the_user_decided_stays(decision):
    environment = {decision: 'mine'}
    use_large_images(environment)
    assert environment == {decision: 'mine'}


def test_the_shipped_profile_holds_several_large_frames():
    root = ElementTree.parse(Path(profile_path())).getroot()
    namespace = {'dds': 'http://www.eprosima.com'}
    segment = int(root.find('.//dds:segment_size', namespace).text)
    message = int(root.find('.//dds:maxMessageSize', namespace).text)
    assert message >= 3840 * 2160 * 3 and segment >= 2 * message


@pytest.mark.parametrize('given', ['large_images', 'small_memory', 'node'])
def test_a_process_that_is_no_camera_takes_less_memory(given):
    environment = {'FASTDDS_DEFAULT_PROFILES_FILE': f'/opt/config/fastdds_{given}.xml'}
    use_large_images(environment, is_camera=False)
    assert environment == {'FASTDDS_DEFAULT_PROFILES_FILE': profile_path(is_camera=False)}
    assert profile_path(is_camera=False).endswith('fastdds_node.xml')


def test_a_camera_that_the_node_starts_takes_as_much_as_it_needs():
    environment = {'FASTDDS_DEFAULT_PROFILES_FILE': '/opt/config/fastdds_node.xml'}
    use_large_images(environment)
    assert environment == {'FASTDDS_DEFAULT_PROFILES_FILE': profile_path()}


def test_where_no_segment_has_room_the_middleware_keeps_its_own_small_ones(monkeypatch):
    monkeypatch.setattr('face_perception.ros.transport.room', lambda: SMALL_SEGMENT)
    environment = {}
    use_large_images(environment)
    assert environment == {}


def test_the_own_large_profile_gives_way_where_it_has_no_room(monkeypatch):
    monkeypatch.setattr('face_perception.ros.transport.room', lambda: 4 * SMALL_SEGMENT)
    environment = {'FASTRTPS_DEFAULT_PROFILES_FILE': '/opt/config/fastdds_large_images.xml'}
    use_large_images(environment)
    assert environment == {'FASTRTPS_DEFAULT_PROFILES_FILE': profile_path()}
    assert profile_path().endswith('fastdds_small_memory.xml')


def test_the_profiles_segments_are_the_ones_that_room_is_counted_for(monkeypatch):
    namespace = {'dds': 'http://www.eprosima.com'}
    for free, size in ((None, LARGE_SEGMENT), (0, SMALL_SEGMENT), (0, NODE_SEGMENT)):
        monkeypatch.setattr('face_perception.ros.transport.room', lambda free=free: free)
        path = Path(profile_path(is_camera=size != NODE_SEGMENT))
        root = ElementTree.parse(path).getroot()
        assert int(root.find('.//dds:segment_size', namespace).text) == size
        assert int(root.find('.//dds:maxMessageSize', namespace).text) <= size // 2
