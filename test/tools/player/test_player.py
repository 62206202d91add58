from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from sensor_msgs.msg import Image

from face_perception.tools.player.player import PlayerNode


@pytest.mark.parametrize('data', [b'', b'\x00\x01\x00'])
def test_a_message_without_its_first_bytes_is_refused(data):
    node = SimpleNamespace(_types={'/image': Image})
    with pytest.raises(ValueError, match='it is empty'):
        PlayerNode.header_of(node, SimpleNamespace(topic='/image', data=data))
