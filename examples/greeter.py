"""Greet whoever smiles: a node of somebody else's that listens to face_perception."""

import rclpy
from rclpy.executors import ExternalShutdownException

from face_perception.msg import Face, FaceArray


def on_faces(message: FaceArray) -> None:
    """Say hello to the happy ones."""
    for face in message.faces:
        if face.emotion == Face.EMOTION_HAPPY:
            node.get_logger().info(f'Hello, {face.track_id}!', throttle_duration_sec=2.0)


if __name__ == '__main__':
    rclpy.init()
    node = rclpy.create_node('greeter')
    node.create_subscription(FaceArray, '/face_perception/faces', on_faces, 1)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):  # Ctrl-C, or a signal to end
        pass
