import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros import start
from face_perception.ros.start import StartError, explanation, prepare

#: As rclpy says it when Cyclone DDS cannot have the receive buffer that its settings ask for.
SILENT = RuntimeError('error creating node: error not set, at /src/rcl/node.c:252')


def test_a_middleware_that_refuses_its_settings_is_named(monkeypatch):
    monkeypatch.delenv('ROS_SECURITY_ENABLE', raising=False)
    monkeypatch.setenv('CYCLONEDDS_URI', '<CycloneDDS/>')
    assert explanation(SILENT).endswith('correct or unset CYCLONEDDS_URI')
    # Nobody's settings, or another fault.
    assert 'command line' in explanation(RuntimeError('unknown ROS argument'))
    monkeypatch.delenv('CYCLONEDDS_URI')
    assert 'command line' in explanation(SILENT)
    unresolved = RuntimeError('error creating node: Unable to resolve peer nobody')
    assert explanation(unresolved).endswith('unset ROS_STATIC_PEERS')


@pytest.mark.parametrize('number', ['-1', '233', '9' * 5000, '1.5', 'kitchen'])
def test_a_domain_that_there_is_not_is_refused_before_anything_is_started(number, monkeypatch):
    monkeypatch.setattr(start, 'use_large_images', lambda **settings: None)
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    with pytest.raises(StartError, match='set ROS_DOMAIN_ID to a number from 0 to 232'):
        prepare(lambda sentence: None)
    # Zenoh counts no ports, so that only rcl limits the number.
    monkeypatch.setattr(start.rclpy, 'get_rmw_implementation_identifier', lambda: 'rmw_zenoh_cpp')
    prepare(lambda sentence: None)


@pytest.mark.parametrize('number', ['', '0', '232'])
def test_other_domains_are_taken(number, monkeypatch):
    monkeypatch.setattr(start, 'use_large_images', lambda **settings: None)
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    prepare(lambda sentence: None)
