"""A node that hears nothing says why, once."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

import numpy as np
import rclpy
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message
from face_perception.ros.monitoring.silence import COMPRESSED, RAW, way_to
from face_perception.ros.transport import loss_remedy


def silence_of(robot, words):
    def said(level, text, values):
        return level == 2 and words in text

    robot.wait_for_status(said)
    robot.wait_for_status(said)
    assert robot.process.log().count(words) == 1


def test_nobody_publishes_and_the_topics_that_exist_are_named(start_robot, ros):
    other = ros.node.create_publisher(Image, '/front_camera/image_raw', 1)
    robot = start_robot(matched=False, no_image_timeout=1.0)
    robot.unplug()
    silence_of(robot, '/front_camera/image_raw')
    ros.node.destroy_publisher(other)


def test_a_matched_publisher_that_sends_nothing(start_robot):
    robot = start_robot(no_image_timeout=1.0)
    silence_of(robot, loss_remedy(rclpy.get_rmw_implementation_identifier()))


def test_a_camera_slower_than_images_are_waited_for_does_not_fill_the_log(start_robot):
    robot = start_robot(no_image_timeout=1.5)
    gray = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))

    def heard(level, text, values):
        robot.show_and_wait(gray)
        return 'no image for' not in text

    for count in range(1, 4):
        _, _, values = robot.wait_for_status(lambda level, text, values: 'no image for' in text)
        assert values['errors: no image'].startswith(f'{count}, ')
        level, text, _ = robot.wait_for_status(heard)
        assert level == 0, f'images arrive: {text}'
    assert robot.process.log().count('no image for') == 1
    assert robot.process.log().count('images arrive again') == 1


def test_a_reliable_subscription_to_a_best_effort_camera(start_robot, ros):
    robot = start_robot(matched=False, no_image_timeout=1.0, qos__image__reliability='reliable')
    robot.unplug()
    camera = ros.node.create_publisher(
        Image,
        f'/{robot.process.name}/image',
        QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT),
    )
    silence_of(robot, "set the parameter qos.image.reliability to 'best_effort'")
    ros.node.destroy_publisher(camera)


def test_a_topic_of_another_type(start_robot, ros):
    robot = start_robot(matched=False, no_image_timeout=1.0)
    robot.unplug()
    camera = ros.node.create_publisher(CompressedImage, f'/{robot.process.name}/image', 1)
    silence_of(robot, 'carries sensor_msgs/msg/CompressedImage, not sensor_msgs/msg/Image')
    ros.node.destroy_publisher(camera)


@pytest.mark.parametrize(
    ('name', 'kind', 'remapped', 'wanted', 'way'),
    [
        ('/cam/raw', RAW, '/image', RAW, "remap 'image' to it"),
        (
            '/cam/raw/compressed',
            COMPRESSED,
            '/cam/raw',
            RAW,
            "set the parameter image_transport to 'compressed'",
        ),
        (
            '/cam/raw/compressed',
            COMPRESSED,
            '/image',
            RAW,
            "set the parameter image_transport to 'compressed' and remap 'image' to '/cam/raw'",
        ),
        # It was remapped to the whole name, so that the suffix comes twice.
        (
            '/cam/raw/compressed',
            COMPRESSED,
            '/cam/raw/compressed',
            COMPRESSED,
            "remap 'image' to '/cam/raw'",
        ),
        ('/cam/raw', RAW, '/cam/raw', COMPRESSED, "set the parameter image_transport to 'raw'"),
        (
            '/cam/jpeg',
            COMPRESSED,
            '/image',
            COMPRESSED,
            "remap '/image/compressed' to it",
        ),
    ],
)
def test_the_way_to_a_topic(name, kind, remapped, wanted, way):
    assert way_to(name, kind, remapped, wanted) == way


def test_a_camera_that_is_compressed_alone(start_robot, ros):
    robot = start_robot(matched=False, no_image_timeout=1.0)
    robot.unplug()
    camera = ros.node.create_publisher(
        CompressedImage, f'/{robot.process.name}/image/compressed', 1
    )
    silence_of(robot, "image/compressed: set the parameter image_transport to 'compressed'")
    assert robot.set(image_transport='compressed').successful
    ros.spin_until(camera.get_subscription_count)
    ros.node.destroy_publisher(camera)


def test_a_compressed_topic_of_another_name_can_be_remapped_as_is_said(
    ros, start_program, tmp_path
):
    camera = ros.node.create_publisher(CompressedImage, '/odd/jpeg', 1)
    arguments = ['-r', '__node:=odd_node', '-r', '/image/compressed:=/odd/jpeg']
    arguments += ['-p', 'image_transport:=compressed', '-p', 'lazy:=false']
    command = ['-m', 'face_perception.ros.node', '--ros-args', *arguments]
    node = start_program(command, tmp_path, 'node')
    node.wait_for_log("looking for faces on '/odd/jpeg'")
    ros.spin_until(camera.get_subscription_count)
    ros.node.destroy_publisher(camera)
    other = ros.node.create_publisher(CompressedImage, '/other/jpeg', 1)
    node.wait_for_log("nobody publishes on '/odd/jpeg': start the camera; ")
    node.wait_for_log("remap '/image/compressed' to it")
    ros.node.destroy_publisher(other)
    assert node.stop() == 0, node.log()
