"""`pip install .`: build the messages against ROS 2 wheels and install everything."""

import atexit
import os
import platform
import shutil
import sys
import tempfile

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


def ascii_source() -> str:
    """
    Return a way to this folder of which CMake can read the names, '' for the folder itself.

    CMake's file(STRINGS), with which rosidl reads its lists of files, ends a name at the first
    letter that is not ASCII.
    """
    here = os.getcwd()
    if here.isascii():
        return ''
    folder = tempfile.mkdtemp(prefix='face_perception_')
    if not folder.isascii():
        sys.exit(
            f"face_perception: '{folder}' has letters that are not ASCII, and CMake cannot work "
            'there: set TMPDIR to another folder, such as /tmp, and try again.'
        )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = os.path.join(folder, 'source')
    os.symlink(here, link)
    return link


source = ascii_source()
setup(
    cmake_source_dir=source,
    # What CMake makes lies there too, else in build/ as always.
    options={'build': {'build_temp': os.path.dirname(source) + '/build'}} if source else {},
    # CMake installs the code into it, and the generated messages.
    packages=['face_perception'],
    cmake_install_dir='',
    cmake_args=['-DBUILD_TESTING=OFF'],
)
