"""The build backend: setuptools, and with ROS 2 scikit-build-core, which runs the CMake."""

import sys

import ros_wheels

try:
    _wheels = ros_wheels.chosen()
except ros_wheels.ChoiceError as error:
    sys.exit(f'face_perception: {error}')

# The hooks that pip and build call.
if _wheels:
    from scikit_build_core.setuptools import build_meta as _backend
else:
    from setuptools import build_meta as _backend

build_editable = _backend.build_editable
build_sdist = _backend.build_sdist
build_wheel = _backend.build_wheel
get_requires_for_build_sdist = _backend.get_requires_for_build_sdist
prepare_metadata_for_build_editable = _backend.prepare_metadata_for_build_editable
prepare_metadata_for_build_wheel = _backend.prepare_metadata_for_build_wheel


def get_requires_for_build_wheel(config_settings=None) -> list[str]:
    """Return what pip installs before it builds: with ROS 2, its wheels too."""
    requires = _backend.get_requires_for_build_wheel(config_settings)
    return [*requires, *(_wheels.build if _wheels else ())]


def get_requires_for_build_editable(config_settings=None) -> list[str]:
    """Return the same for an editable install, which there is without ROS 2 alone."""
    if _wheels:
        sys.exit(
            'face_perception: with ROS 2 there is no editable install, as the messages are '
            "generated beside the code: run pip install again without '-e' after each change, or "
            'set FACE_PERCEPTION_ROS=0 to install the form without ROS 2.'
        )
    return _backend.get_requires_for_build_editable(config_settings)
