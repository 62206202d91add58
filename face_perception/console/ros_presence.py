"""Is ROS 2 here?  Asked before anything of it is imported, which would end with its own words."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec

from ..core.text import value

#: Where ROS 2 is had from, for somebody who has the package without it.
INSTALL = (
    "on x86-64 Linux run FACE_PERCEPTION_ROS=1 pip install --force-reinstall '.[demo]' in this "
    "package's folder, elsewhere install your distribution's ROS 2 and build with colcon "
    '(docs/install.md)'
)
#: What ROS 2 brings; the last are this package's own messages, which are generated with it.
ROS_MODULES = ['rclpy', 'sensor_msgs', 'std_msgs', 'face_perception.msg']


def ros_fault(environment: Mapping[str, str] = os.environ) -> str:
    """Return what keeps ROS 2 from being used here and what to do, as one sentence, or ''."""
    missing = [name for name in ROS_MODULES if find_spec(name) is None]
    if missing == ROS_MODULES[-1:]:
        return (
            "this package's messages are not built here, but ROS 2 is there: put the package into "
            'a workspace, build it with colcon, and source the workspace (docs/install.md)'
        )
    if missing:
        return f'this program needs ROS 2, and {", ".join(missing)} is missing here: {INSTALL}'
    return _middleware_fault(environment.get('RMW_IMPLEMENTATION', ''))


def _middleware_fault(middleware: str) -> str:
    if not middleware or not sys.platform.startswith('linux'):
        return ''
    # As rmw_implementation does it: by its name, on the linker's path.
    library = f'lib{middleware}.so'
    try:
        ctypes.CDLL(library)
    except (OSError, ValueError) as error:  # ValueError: a null byte
        return (
            f"RMW_IMPLEMENTATION asks for the middleware '{value(middleware)}', which does not "
            f'load here ({value(error)}): install it, or run unset RMW_IMPLEMENTATION'
        )
    return ''
