"""
Shows live in a browser what running nodes see, at an address that is printed.

``ros2 launch face_perception view.launch.py`` looks at all nodes that it finds; the other launch
files start it with ``view:=true``. It needs rerun-sdk (docs/viewing.md), which needs NumPy 2: where
the distribution has an older one, ``view:=/path/to/venv/bin/face_perception_view`` takes the
program of a virtual environment.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription

#: What a virtual environment must not take from the distribution's ROS 2, which was built for
#: another NumPy and maybe another Python.
DISTRIBUTIONS = ('AMENT_PREFIX_PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH')


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the viewer."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'view',
                default_value='true',
                description='true, or the path of a face_perception_view in a virtual environment.',
            ),
            DeclareLaunchArgument(
                'view_host',
                default_value='127.0.0.1',
                description='Address of this machine at which it is shown; 0.0.0.0 is all of '
                'them, and whoever reaches them can look.',
            ),
            DeclareLaunchArgument(
                'view_nodes',
                default_value='',
                description='Full names of nodes, separated by spaces. Empty: all that are found.',
            ),
            OpaqueFunction(function=start_viewer),
        ]
    )


def start_viewer(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the viewer; nothing else ends with it."""
    view, host, nodes = (
        LaunchConfiguration(name).perform(context) for name in ('view', 'view_host', 'view_nodes')
    )
    arguments = ['--live', '--web', '--host', host]
    for name in nodes.split():
        arguments += ['--node', name]
    if view.lower() == 'true':
        return [
            Node(
                package='face_perception',
                executable='face_perception_view',
                arguments=arguments,
                output='screen',
            )
        ]
    program = Path(view).expanduser()
    if not program.is_file():
        raise FileNotFoundError(
            f"launch argument view: '{view}' is no program: give true, false, or the path of a "
            'face_perception_view'
        )
    environment = {
        name: value for name, value in context.environment.items() if name not in DISTRIBUTIONS
    }
    return [ExecuteProcess(cmd=[str(program), *arguments], env=environment, output='screen')]
