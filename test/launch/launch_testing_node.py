"""
The launch file under launch_testing: images go in, faces come out, the node ends cleanly.

Runs by itself with ``launch_test test/launch/launch_testing_node.py``, and from
test_launch_testing.py wherever launch_testing is installed.
"""

import os
import time
import unittest

import launch_testing.actions
import launch_testing.asserts
import numpy as np
import rclpy
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from face_perception.core.resources import share_directory
from face_perception.media.messages.encoding import image_message
from face_perception.msg import FaceArray
from launch import LaunchDescription

NAMESPACE = f'launch_test_{os.getpid()}'


def generate_test_description():
    """Start the node as a user does."""
    node = PythonLaunchDescriptionSource(
        str(share_directory() / 'launch' / 'face_perception.launch.py')
    )
    return LaunchDescription(
        [
            IncludeLaunchDescription(
                node, launch_arguments={'namespace': NAMESPACE, 'image': 'camera'}.items()
            ),
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestWhileItRuns(unittest.TestCase):
    """The node answers images with faces."""

    def test_faces_come_with_the_images_header(self):
        rclpy.init()
        node = rclpy.create_node('launch_test_client', namespace=NAMESPACE)
        received, sent = [], []
        node.create_subscription(FaceArray, 'face_perception/faces', received.append, 10)
        camera = node.create_publisher(Image, 'camera', 1)
        image = np.full((120, 160, 3), 90, np.uint8)
        try:
            deadline = time.monotonic() + 20
            while len(received) < 5 and time.monotonic() < deadline:
                sent.append(Header(stamp=node.get_clock().now().to_msg(), frame_id='camera'))
                camera.publish(image_message(sent[-1], image))
                rclpy.spin_once(node, timeout_sec=0.1)
            self.assertGreaterEqual(len(received), 5)
            for message in received:
                self.assertIn(message.header, sent)
                self.assertEqual((message.image_width, message.image_height), (160, 120))
        finally:
            node.destroy_node()
            rclpy.shutdown()


@launch_testing.post_shutdown_test()
class TestAfterItEnded(unittest.TestCase):
    """The node ended as it should."""

    def test_exit_code(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info, allowable_exit_codes=[0])

    def test_no_traceback(self, proc_output):
        for output in proc_output:
            self.assertNotIn(b'Traceback', output.text)
