"""
What the form with ROS 2 is compiled with: asked by setup.py, and by make before it has pip begin.

Where something is missing, CMake would say so on hundreds of lines.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

OTHERWISE = 'and try again, or set FACE_PERCEPTION_ROS=0 to install without ROS 2.'


def fault() -> str:
    """Return what is missing and which command brings it, as one sentence, or ''."""
    if not (shutil.which('c++') and shutil.which('cc')):
        return (
            'no C++ compiler was found, and the ROS 2 messages need one: '
            f"run 'sudo apt-get install g++' {OTHERWISE}"
        )
    # The last is the folder that Python was built for; it may have been moved since.
    folders = {*map(sysconfig.get_path, ('include', 'platinclude'))}
    folders.add(sysconfig.get_config_var('INCLUDEPY'))
    if not any(Path(folder, 'Python.h').is_file() for folder in folders if folder):
        python = 'python{}.{}'.format(*sys.version_info)
        return (
            f'the headers of {python} were not found, and the ROS 2 messages need them: run '
            f"'sudo apt-get install {python}-dev' {OTHERWISE}"
        )
    return ''


if __name__ == '__main__':
    import ros_wheels

    try:
        sentence = fault() if ros_wheels.chosen() else ''
    except ros_wheels.ChoiceError as error:
        sentence = str(error)
    sys.exit(f'face_perception: {sentence}' if sentence else 0)
