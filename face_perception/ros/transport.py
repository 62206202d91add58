"""
Makes camera images arrive.

Fast DDS, the default middleware, gives shared memory 512 kB by default. A VGA colour image
is larger, so it goes as UDP fragments instead, of which the kernel drops some, and with
them the whole image: a node subscribes and nothing comes.  A profile with larger segments
settles that for every process that reads it; where /dev/shm is small, as in a container, one with
smaller segments.  The smallest are for the node: a segment holds what its process sends.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..core.resources import share_directory
from .shared_memory import LARGE_SEGMENT, NODE_SEGMENT, SMALL_SEGMENT, enough, room

#: Name of the variable since Fast DDS 3 (Kilted), and the one before it.
PROFILE_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
OLD_PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
OLD_DISTRIBUTIONS = ('humble', 'iron', 'jazzy')
#: The first major version of rclpy that comes with Fast DDS 3.
NEW_RCLPY = 9
#: The shipped profiles.
LARGE, SMALL = 'fastdds_large_images.xml', 'fastdds_small_memory.xml'
NODE = 'fastdds_node.xml'
#: Whoever set one of these has decided about the transport already.
DECISIONS = (PROFILE_VARIABLE, OLD_PROFILE_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS')


def is_fast_dds(middleware: str) -> bool:
    """Return whether this is Fast DDS, by a name such as ``rmw_fastrtps_cpp``; ``''`` is."""
    return not middleware or 'fastrtps' in middleware


def loss_remedy(middleware: str) -> str:
    """Return why large images may get lost under this middleware, and what to do."""
    if is_fast_dds(middleware):
        return (
            'its images are larger than the default shared memory of Fast DDS and get lost: start '
            "the camera's process with FASTDDS_DEFAULT_PROFILES_FILE (Kilted and later) or "
            "FASTRTPS_DEFAULT_PROFILES_FILE (Humble, Jazzy) set to this package's "
            'config/fastdds_large_images.xml, or use image_transport compressed'
        )
    others = (
        "set the parameter qos.image.reliability to 'reliable' where the camera is reliable, or "
        'use image_transport compressed'
    )
    if 'cyclonedds' in middleware:
        return (
            'its images are larger than the receive buffer of Cyclone DDS and get lost: run '
            "'sudo sysctl -w net.core.rmem_max=10485760' and set CYCLONEDDS_URI to '<CycloneDDS>"
            '<Domain><Internal><SocketReceiveBufferSize min="10MB"/></Internal></Domain>'
            f"</CycloneDDS>' for the node, or {others}"
        )
    return f'its images get lost on the way ({middleware}): {others}'


def profile_path(is_camera: bool = True) -> str:
    """Return the path of the shipped Fast DDS profile for a process, as this machine has room."""
    free = room()
    large = free is None or free >= enough(LARGE_SEGMENT)
    name = NODE if not is_camera else LARGE if large else SMALL
    return str(share_directory() / 'config' / name)


def use_large_images(
    environment: MutableMapping[str, str] = os.environ, is_camera: bool = True
) -> None:
    """
    Let Fast DDS carry large images, for participants created afterwards.

    A process that is no camera sends few images or none, and takes less memory.  Leaves everything
    as it is under another middleware, and where the user has chosen a profile or transports, but
    for a profile of the package's own, of which this takes the right one.
    """
    if not is_fast_dds(environment.get('RMW_IMPLEMENTATION', '')):
        return
    free = room()
    if free is not None and free < enough(SMALL_SEGMENT if is_camera else NODE_SEGMENT, 1):
        return  # a segment that finds no room takes shared memory from small messages too
    for name in (PROFILE_VARIABLE, OLD_PROFILE_VARIABLE):
        if Path(environment.get(name, '')).name in (LARGE, SMALL, NODE):
            environment[name] = profile_path(is_camera)
    if not any(name in environment for name in DECISIONS):
        # Not both: the newer version reads the old name too, and warns of it at each start.
        environment[OLD_PROFILE_VARIABLE if _is_old(environment) else PROFILE_VARIABLE] = (
            profile_path(is_camera)
        )


def _is_old(environment: Mapping[str, str]) -> bool:
    """Return whether Fast DDS is older than version 3: by the distribution, else by rclpy."""
    if distribution := environment.get('ROS_DISTRO'):
        return distribution in OLD_DISTRIBUTIONS
    try:
        return int(version('rclpy').split('.')[0]) < NEW_RCLPY
    except (PackageNotFoundError, ValueError):
        return False
