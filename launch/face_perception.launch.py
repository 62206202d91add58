"""
Starts the face_perception node.

``ros2 launch face_perception face_perception.launch.py --show-args`` lists the arguments.
Include it in a launch file of your own, with arguments, in the same way.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from face_perception.ros.transport import use_large_images
from launch import LaunchContext, LaunchDescription

BOOLEANS = ('true', 'false', 'True', 'False')


class Override(NamedTuple):
    """A launch argument that overrides one parameter of the file, unless it is empty."""

    argument: str
    parameter: str
    kind: type
    meaning: str
    choices: tuple[str, ...] = ()


OVERRIDES = (
    Override(
        'image_transport',
        'image_transport',
        str,
        "'raw' subscribes to the image topic, 'compressed' to <image topic>/compressed",
        ('raw', 'compressed'),
    ),
    Override(
        'emotion_model',
        'emotion.model',
        str,
        "ONNX file for emotion: a bare name is one of the package's, else a path",
    ),
    Override(
        'gender_model',
        'gender.model',
        str,
        "ONNX file for gender: a bare name is one of the package's, else a path",
    ),
    Override('emotion_enabled', 'emotion.enabled', bool, 'Classify emotion', BOOLEANS),
    Override('gender_enabled', 'gender.enabled', bool, 'Classify gender', BOOLEANS),
    Override(
        'autostart',
        'autostart',
        bool,
        'Configure and activate at start; false leaves that to a lifecycle manager',
        BOOLEANS,
    ),
    Override('use_sim_time', 'use_sim_time', bool, 'Take the time from /clock', BOOLEANS),
)


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, settle the transport, start the node."""
    shipped = PathJoinSubstitution(
        [FindPackageShare('face_perception'), 'config', 'face_perception.yaml']
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'image', default_value='image', description='Topic of the camera images.'
            ),
            DeclareLaunchArgument(
                'config', default_value=shipped, description='Parameter file (YAML).'
            ),
            *(declare(override) for override in OVERRIDES),
            DeclareLaunchArgument(
                'log_level',
                default_value='info',
                description='What the node logs at least.',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
            ),
            DeclareLaunchArgument(
                'namespace', default_value='', description='Namespace of the node.'
            ),
            DeclareLaunchArgument(
                'name', default_value='face_perception', description='Name of the node.'
            ),
            DeclareLaunchArgument(
                'view',
                default_value='false',
                description='Show live in a browser what the node sees: false, true, or the path '
                'of a face_perception_view in a virtual environment.',
            ),
            OpaqueFunction(function=settle_transport),
            OpaqueFunction(function=start_node),
            OpaqueFunction(function=start_viewer),
        ]
    )


def declare(override: Override) -> DeclareLaunchArgument:
    """Return the argument, whose default '' leaves the parameter as the file has it."""
    return DeclareLaunchArgument(
        override.argument,
        default_value='',
        description=f'{override.meaning}. Empty: as the parameter file has it.',
        choices=['', *override.choices] if override.choices else None,
    )


def settle_transport(context: LaunchContext) -> None:
    """Let this node, and whatever the launch starts after it, exchange large images."""
    use_large_images(context.environment)


def start_node(context: LaunchContext) -> list[Node]:
    """
    Return the node, with those parameters overridden that the user gave.

    A plain Node: the node brings itself up (parameter autostart), with and without a launch
    file, and a lifecycle manager reaches it through its services.  launch's LifecycleNode would
    only add a ROS node inside the launch process, to trigger what nobody asks it to trigger.
    """
    config = Path(LaunchConfiguration('config').perform(context)).expanduser()
    if not config.is_file():
        # launch would warn and go on without it, that is with other parameters than wanted.
        raise FileNotFoundError(f"launch argument config: there is no file '{config}'")
    given = [
        override
        for override in OVERRIDES
        if LaunchConfiguration(override.argument).perform(context)
    ]
    overrides = {
        override.parameter: ParameterValue(
            LaunchConfiguration(override.argument), value_type=override.kind
        )
        for override in given
    }
    return [
        Node(
            package='face_perception',
            executable='face_perception_node',
            name=LaunchConfiguration('name'),
            namespace=LaunchConfiguration('namespace'),
            parameters=[str(config), *([overrides] if overrides else [])],
            remappings=[('image', LaunchConfiguration('image'))],
            ros_arguments=['--log-level', LaunchConfiguration('log_level')],
            output='screen',
        )
    ]


def start_viewer(context: LaunchContext) -> list[IncludeLaunchDescription]:
    """Return the viewer of this node, if it is wanted."""
    if LaunchConfiguration('view').perform(context).lower() == 'false':
        return []
    names = [LaunchConfiguration(part).perform(context) for part in ('namespace', 'name')]
    own = '/'.join(['', *filter(None, (name.strip('/') for name in names))])
    viewer = PathJoinSubstitution([FindPackageShare('face_perception'), 'launch', 'view.launch.py'])
    return [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(viewer), launch_arguments={'view_nodes': own}.items()
        )
    ]
