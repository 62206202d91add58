"""`pip install .`: build the messages against ROS 2 wheels and install everything."""

import platform
import shutil
import sys

if sys.platform != 'linux' or platform.machine() != 'x86_64':
    sys.exit(
        'face_perception: ROS 2 wheels exist for Linux on x86-64 only; on this machine install '
        "ROS 2 from your distribution and build with 'colcon build' (see README.md)."
    )
if not (shutil.which('c++') and shutil.which('cc')):
    sys.exit(
        'face_perception: no C++ compiler was found, and the ROS 2 messages need one: '
        "run 'sudo apt-get install g++' and try again."
    )

from scikit_build_core.setuptools.wrapper import setup  # noqa: E402  (after the checks above)

setup(
    # CMake installs the code into it, and the generated messages.
    packages=['face_perception'],
    cmake_install_dir='',
    cmake_args=['-DBUILD_TESTING=OFF'],
)
