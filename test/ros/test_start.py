import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros.start import explanation

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
