"""
Starts a camera, the face_perception node and, where it is installed, RViz.

Takes the arguments of face_perception.launch.py too. Without a camera it shows a sample
image: ``ros2 launch face_perception demo.launch.py source:=0`` takes the first camera.
"""

from __future__ import annotations

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    Shutdown,
)
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the three processes."""
    share = FindPackageShare('face_perception')
    node = PathJoinSubstitution([share, 'launch', 'face_perception.launch.py'])
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'source',
                default_value='sample',
                description='What the camera publishes: sample (a built-in image), a camera '
                'number or device, a video or an image file.',
            ),
            DeclareLaunchArgument(
                'size', default_value='640x480', description='Size of the images, in pixels.'
            ),
            DeclareLaunchArgument('rate', default_value='30', description='Images per second.'),
            DeclareLaunchArgument(
                'rviz',
                default_value='auto',
                choices=['auto', 'true', 'false'],
                description='Show the annotated images in RViz; '
                'auto: where RViz and a display exist.',
            ),
            # First: it declares image, namespace and name, and sets the transport for all others.
            IncludeLaunchDescription(PythonLaunchDescriptionSource(node)),
            OpaqueFunction(function=start_camera),
            OpaqueFunction(function=start_rviz),
        ]
    )


def start_camera(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the camera, which publishes what the node subscribes to."""
    given = {name: LaunchConfiguration(name) for name in ('source', 'size', 'rate')}
    arguments = [part for name, value in given.items() for part in (f'--{name}', value)]
    if LaunchConfiguration('image_transport').perform(context) == 'compressed':
        arguments += ['--compressed', 'jpeg']
    return [
        Node(
            package='face_perception',
            executable='face_perception_camera',
            namespace=LaunchConfiguration('namespace'),
            arguments=arguments,
            remappings=[('image', LaunchConfiguration('image'))],
            output='screen',
            on_exit=Shutdown(reason='the camera ended'),
        )
    ]


def start_rviz(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return RViz on the node's annotated images, or the reason why there is none."""
    wanted = LaunchConfiguration('rviz').perform(context)
    namespace = LaunchConfiguration('namespace').perform(context).strip('/')
    name = LaunchConfiguration('name').perform(context)
    topic = '/'.join(['', *filter(None, [namespace, name]), 'image_annotated'])
    missing = '' if wanted == 'false' else why_no_rviz(context, wanted)
    if wanted == 'false' or missing:
        reason = f'{missing}; ' if missing else ''
        return [LogInfo(msg=f'no RViz: {reason}the annotated images are on {topic}')]
    config = PathJoinSubstitution(
        [FindPackageShare('face_perception'), 'config', 'face_perception.rviz']
    )
    return [
        Node(
            package='rviz2',
            executable='rviz2',
            arguments=['-d', config],
            remappings=[('/face_perception/image_annotated', topic)],
            output='screen',
        )
    ]


def why_no_rviz(context: LaunchContext, wanted: str) -> str:
    """Return why RViz cannot be started here, or ``''``."""
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        distribution = context.environment.get('ROS_DISTRO', '<distribution>')
        return f'it is not installed (sudo apt-get install ros-{distribution}-rviz2)'
    displays = ('DISPLAY', 'WAYLAND_DISPLAY')
    if wanted == 'auto' and not any(context.environment.get(name) for name in displays):
        return 'there is no display (rviz:=true starts it all the same)'
    return ''
