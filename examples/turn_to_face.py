"""Turn a robot to the nearest face: the largest in the image, as no distance is measured."""

import signal
import time

import rclpy
from geometry_msgs.msg import Twist
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from face_perception.msg import FaceArray

#: Radians per second for a face at the edge of the image.
FASTEST = 0.5
#: Seconds without a message after which the robot stands: nobody looks where it turns any more.
PATIENCE = 0.5


def turn(message: FaceArray) -> Twist:
    """Return the turn towards the first face, left is positive; none where nobody is seen."""
    twist = Twist()
    if message.faces:
        roi = message.faces[0].roi  # the largest comes first
        middle = roi.x_offset + roi.width / 2
        twist.angular.z = FASTEST * (1 - 2 * middle / message.image_width)
    return twist


class TurnToFace(Node):
    """Turns to the faces that come, and stands where none come any more."""

    def __init__(self):
        super().__init__('turn_to_face')
        self._heard = float('-inf')
        self._turns = False
        self._commands = self.create_publisher(Twist, '/cmd_vel', 1)
        self.create_subscription(FaceArray, '/face_perception/faces', self._on_faces, 1)
        self.create_timer(0.1, self._watch)

    def _on_faces(self, message: FaceArray) -> None:
        self._heard = time.monotonic()
        self.command(turn(message))

    def _watch(self) -> None:
        if self._turns and time.monotonic() - self._heard > PATIENCE:
            self.command(Twist())

    def command(self, twist: Twist) -> None:
        """Tell the robot how to move."""
        self._turns = twist.angular.z != 0
        self._commands.publish(twist)


if __name__ == '__main__':
    # Signals are taken here: after rclpy's own handling nothing could be published, and the robot
    # turned on.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signals = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: signals.append(number))
    node = TurnToFace()
    while not signals:
        rclpy.spin_once(node, timeout_sec=0.1)
    node.command(Twist())
