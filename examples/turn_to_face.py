"""Turn a robot to the nearest face: the largest in the image, as no distance is measured."""

import rclpy
from geometry_msgs.msg import Twist
from rclpy.executors import ExternalShutdownException

from face_perception.msg import FaceArray

#: Radians per second for a face at the edge of the image.
FASTEST = 0.5


def turn(message: FaceArray) -> Twist:
    """Return the turn towards the first face, left is positive; none where nobody is seen."""
    twist = Twist()
    if message.faces:
        roi = message.faces[0].roi  # the largest comes first
        middle = roi.x_offset + roi.width / 2
        twist.angular.z = FASTEST * (1 - 2 * middle / message.image_width)
    return twist


if __name__ == '__main__':
    rclpy.init()
    node = rclpy.create_node('turn_to_face')
    commands = node.create_publisher(Twist, '/cmd_vel', 1)
    node.create_subscription(
        FaceArray, '/face_perception/faces', lambda faces: commands.publish(turn(faces)), 1
    )
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):  # Ctrl-C, or a signal to end
        pass
