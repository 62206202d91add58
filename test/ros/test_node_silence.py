"""A node that hears nothing says why, once."""

from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image


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
    silence_of(robot, 'fastdds_large_images.xml')


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
