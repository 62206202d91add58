"""
Starts one face_perception node per camera of a list.

``ros2 launch face_perception cameras.launch.py cameras:=/path/to/yours.yaml``; see
``config/two_cameras.yaml``. On several computers run it on each, with ``machine:=<its name>``.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
)
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from face_perception.ros.cameras import Camera, read_cameras
from face_perception.ros.transport import use_large_images
from launch import LaunchContext, LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, settle the transport, start the nodes."""
    share = [FindPackageShare('face_perception'), 'config']
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'cameras',
                default_value=PathJoinSubstitution([*share, 'two_cameras.yaml']),
                description='The list of cameras (YAML).',
            ),
            DeclareLaunchArgument(
                'config',
                default_value=PathJoinSubstitution([*share, 'face_perception.yaml']),
                description='Parameter file of all nodes (YAML).',
            ),
            DeclareLaunchArgument(
                'machine',
                default_value='',
                description='Start only the nodes of this machine, and those of none in '
                'particular. Empty: all.',
            ),
            DeclareLaunchArgument(
                'view',
                default_value='false',
                description='Show live in a browser what the nodes see, in a tab each: false, '
                'true, or the path of a face_perception_view in a virtual environment.',
            ),
            OpaqueFunction(function=start_nodes),
        ]
    )


def start_nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the nodes, which can exchange large images as can what is launched after them."""
    use_large_images(context.environment)

    def path(argument: str) -> Path:
        return Path(LaunchConfiguration(argument).perform(context)).expanduser()

    config = path('config')
    if not config.is_file():
        raise FileNotFoundError(f"launch argument config: there is no file '{config}'")
    machine = LaunchConfiguration('machine').perform(context)
    cameras = read_cameras(path('cameras'), machine)
    if not cameras:
        return [LogInfo(msg=f"no camera of the list belongs to machine '{machine}'")]
    return [*(node(camera, config) for camera in cameras), *viewer(context, cameras)]


def node(camera: Camera, config: Path) -> Node:
    """Return the node for one camera."""
    return Node(
        package='face_perception',
        executable='face_perception_node',
        name='face_perception',
        namespace=camera.name,
        parameters=[str(config), *([camera.parameters] if camera.parameters else [])],
        remappings=[('image', camera.image)],
        output='screen',
    )


def viewer(context: LaunchContext, cameras: list[Camera]) -> list[IncludeLaunchDescription]:
    """Return one viewer of the nodes of all ``cameras``, if it is wanted."""
    if LaunchConfiguration('view').perform(context).lower() == 'false':
        return []
    file = PathJoinSubstitution([FindPackageShare('face_perception'), 'launch', 'view.launch.py'])
    names = ' '.join(f'/{camera.name.strip("/")}/face_perception' for camera in cameras)
    return [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(file), launch_arguments={'view_nodes': names}.items()
        )
    ]
