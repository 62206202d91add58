import re
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from std_msgs.msg import Header

from face_perception.media.messages.encoding import encode
from face_perception.ros.shared_memory import NODE_SEGMENT, REST


@pytest.fixture
def process(start_robot, portrait):
    robot = start_robot()
    message = encode(portrait[0], 'bgr8', Header(frame_id='camera'))
    robot.show_and_wait(message)
    return Path(f'/proc/{robot.process.process.pid}')


def test_a_running_node_has_loaded_only_what_it_needs(process):
    loaded = (process / 'maps').read_text()
    assert '/cv2/' in loaded and '/onnxruntime/' in loaded
    others = r'/(scipy|sklearn|skimage|matplotlib|PIL|pandas|pyarrow|torch|onnx|rerun)/'
    assert re.findall(others, loaded) == []


def test_the_node_takes_little_shared_memory(process):
    names = re.findall(r'/dev/shm/(fastdds_[0-9a-f]{16})\s', (process / 'maps').read_text())
    if not names:
        pytest.skip('another middleware than Fast DDS')
    own = [Path('/dev/shm', name).stat().st_size for name in set(names)]
    assert min(own) <= NODE_SEGMENT + REST
    status = (process / 'status').read_text()
    assert int(re.search(r'RssShmem:\s+(\d+)', status)[1]) * 1024 <= NODE_SEGMENT + 4 * REST
