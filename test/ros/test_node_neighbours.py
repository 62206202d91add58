"""What others do beside the real node."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message

#: Does not wait until a killed process would be forgotten.
IMPATIENT = """
from face_perception.ros.monitoring import neighbours
neighbours.LASTING_S = 1.0
"""


def test_two_cameras_on_one_topic_are_said(start_robot, ros):
    robot = start_robot(patch=IMPATIENT)
    gray = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))
    robot.show_and_wait(gray)
    second = ros.node.create_publisher(Image, f'/{robot.process.name}/image', 1)

    def said(level, text, values):
        robot.show_and_wait(gray)
        return level == 1 and '2 publishers send images' in text

    robot.wait_for_status(said)
    robot.process.wait_for_log('2 publishers send images')
    ros.node.destroy_publisher(second)
    robot.show_and_wait(gray)
    robot.wait_for_status(lambda level, text, values: level == 0)


def test_another_node_of_the_same_name_is_said(start_robot, start_program, tmp_path):
    robot = start_robot(patch=IMPATIENT, no_image_timeout=60.0)
    twin = start_program(
        ['-m', 'face_perception.ros.node', '--ros-args', '-r', f'__node:={robot.process.name}'],
        tmp_path,
        'twin',
    )
    robot.process.wait_for_log(f'2 nodes have the name /{robot.process.name}')
    assert twin.stop() == 0, twin.log()
    robot.wait_for_status(lambda level, text, values: level == 0)
