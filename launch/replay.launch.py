"""
Plays a bag to the face_perception node, in the bag's own time, and records what it says.

``ros2 launch face_perception replay.launch.py bag:=my_bag image:=/camera/image_raw`` takes the
arguments of face_perception.launch.py too, and ends with the bag.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
    TimerAction,
)
from launch.event import Event
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription

#: Messages on /clock per second.
CLOCK_RATE = 100
#: Seconds that the last results get to be published and recorded.
FAREWELL_S = 1.0


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, start node and recording, then the bag."""
    node = PathJoinSubstitution(
        [FindPackageShare('face_perception'), 'launch', 'face_perception.launch.py']
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'bag', description='The bag: the folder that ros2 bag record made.'
            ),
            DeclareLaunchArgument(
                'rate', default_value='1.0', description='Times as fast as it was recorded.'
            ),
            DeclareLaunchArgument(
                'loop',
                default_value='false',
                choices=['true', 'false'],
                description='Begin again at the end.',
            ),
            DeclareLaunchArgument(
                'start_offset',
                default_value='0.0',
                description='Begin so many seconds into the bag.',
            ),
            DeclareLaunchArgument(
                'start_delay',
                default_value='3.0',
                description='Seconds that the node gets to load its models before the bag begins.',
            ),
            DeclareLaunchArgument(
                'record',
                default_value='',
                description='Record faces and latency as a bag in this new folder. Empty: record '
                'nothing.',
            ),
            OpaqueFunction(function=check),
            # First: it declares namespace and name, and sets the transport for all others.
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(node),
                launch_arguments={'use_sim_time': 'true'}.items(),
            ),
            OpaqueFunction(function=record),
            OpaqueFunction(function=play),
        ]
    )


def check(context: LaunchContext) -> None:
    """Raise before anything is started, where it could not go on."""
    try:
        get_package_prefix('ros2bag')
    except PackageNotFoundError:
        distribution = context.environment.get('ROS_DISTRO', '<distribution>')
        raise RuntimeError(
            f'ros2 bag is not installed: sudo apt-get install ros-{distribution}-rosbag2, or start '
            'the node with use_sim_time:=true and play the bag with face_perception_play'
        ) from None
    bag = path_of('bag', context)
    if not bag.exists():
        raise FileNotFoundError(f"launch argument bag: there is no bag '{bag}'")
    wanted = path_of('record', context)
    if text_of('record', context) and wanted.exists():
        raise FileExistsError(
            f"launch argument record: '{wanted}' exists already: give another folder"
        )


def record(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the recording of what the node says, if it is wanted."""
    if not text_of('record', context):
        return []
    names = [text_of(argument, context).strip('/') for argument in ('namespace', 'name')]
    own = '/'.join(['', *filter(None, names)])
    return [
        ExecuteProcess(
            # In the bag's time, as the node: the two can be laid side by side.
            cmd=[
                'ros2',
                'bag',
                'record',
                f'{own}/faces',
                f'{own}/latency',
                '--use-sim-time',
                '--output',
                str(path_of('record', context)),
            ],
            output='screen',
        )
    ]


def play(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the bag, which begins when the node is ready, and ends everything."""
    loop = ['--loop'] if text_of('loop', context) == 'true' else []
    process = ExecuteProcess(
        cmd=[
            'ros2',
            'bag',
            'play',
            str(path_of('bag', context)),
            '--clock',
            str(CLOCK_RATE),
            '--rate',
            LaunchConfiguration('rate'),
            '--start-offset',
            LaunchConfiguration('start_offset'),
            '--disable-keyboard-controls',
            *loop,
        ],
        output='screen',
        on_exit=end,
    )
    return [TimerAction(period=float(text_of('start_delay', context)), actions=[process])]


def end(event: Event, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the end of everything, a little after that of the bag."""
    if event.returncode:
        return [Shutdown(reason=f'ros2 bag play failed with code {event.returncode}')]
    return [TimerAction(period=FAREWELL_S, actions=[Shutdown(reason='the bag ended')])]


def text_of(argument: str, context: LaunchContext) -> str:
    """Return an argument's value."""
    return LaunchConfiguration(argument).perform(context)


def path_of(argument: str, context: LaunchContext) -> Path:
    """Return an argument's value as a path."""
    return Path(text_of(argument, context)).expanduser()
