"""Message packages that need not be installed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..core.errors import FacePerceptionError


def optional_messages(package: str, parameter: str) -> ModuleType:
    """
    Import the messages of ``package``, for which ``parameter`` asks.

    Raises ``FacePerceptionError`` with what to install.
    """
    try:
        return import_module(f'{package}.msg')
    except ImportError as error:
        raise FacePerceptionError(
            f"parameter '{parameter}' is true, but {package} cannot be imported ({error}): run "
            f"'sudo apt-get install ros-$ROS_DISTRO-{package.replace('_', '-')}', or set it to "
            'false'
        ) from None
