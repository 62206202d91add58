"""
Start a camera and face_perception beside it.

``ros2 launch examples/camera_and_faces.launch.py`` uses a webcam by v4l2_camera;
``camera:=realsense`` a RealSense, whose images have another topic.  The camera's package is yours
to install: ``sudo apt-get install ros-$ROS_DISTRO-v4l2-camera`` or ``...-realsense2-camera``.
"""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PythonExpression
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

#: The topic of each driver's colour images.
IMAGES = {'v4l2': '/image_raw', 'realsense': '/camera/camera/color/image_raw'}


def chosen(camera: str) -> IfCondition:
    """Return the condition that ``camera`` is the one that was asked for."""
    return IfCondition(PythonExpression(["'", LaunchConfiguration('camera'), f"' == '{camera}'"]))


def faces(camera: str) -> IncludeLaunchDescription:
    """Return face_perception on the images of ``camera``."""
    ours = PathJoinSubstitution(
        [FindPackageShare('face_perception'), 'launch', 'face_perception.launch.py']
    )
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(ours),
        launch_arguments={'image': IMAGES[camera]}.items(),
        condition=chosen(camera),
    )


def generate_launch_description() -> LaunchDescription:
    """Ours comes first: it settles the transport of large images for the camera too."""
    return LaunchDescription(
        [
            DeclareLaunchArgument('camera', default_value='v4l2', choices=list(IMAGES)),
            *(faces(camera) for camera in IMAGES),
            Node(
                package='v4l2_camera',
                executable='v4l2_camera_node',
                condition=chosen('v4l2'),
            ),
            Node(
                package='realsense2_camera',
                executable='realsense2_camera_node',
                namespace='camera',
                name='camera',
                condition=chosen('realsense'),
            ),
        ]
    )
