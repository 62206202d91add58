import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros.monitoring.neighbours import LASTING_S, Lasting


def test_what_is_so_for_a_moment_does_not_last():
    now = [0.0]
    lasting = Lasting(LASTING_S, lambda: now[0])
    said = []
    for now[0], is_so in [(0, True), (20, True), (21, False), (22, True), (51, True), (52, True)]:
        said.append(lasting(is_so))
    assert said == [False, False, False, False, False, True]
