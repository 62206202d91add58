"""`pip install .`: with ROS 2 wheels, or pure Python (build_backend/ros_wheels.py chooses)."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / 'build_backend'))
import compiling  # noqa: E402
import ros_wheels  # noqa: E402

#: What every form needs, with the oldest versions that were tried (docs/platforms.md).
REQUIRES = [
    'numpy>=1.21',
    # OpenCV 5 runs everything but the Haar detector, whose class it dropped.
    'opencv-python-headless>=4.5.4,<5',
    'onnxruntime>=1.17',
    'rosbags>=0.11.9',  # the first that was tried with bags
]


def folder_to_build_in() -> str:
    """
    Return a new folder to build in, which goes with this process.

    What a former build has left in build/ would be packed too: modules that there are no more.
    """
    folder = tempfile.mkdtemp(prefix='face_perception_')
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def ascii_source(folder: str) -> str:
    """
    Return a way to this folder of which CMake can read the names, '' for the folder itself.

    CMake's file(STRINGS), with which rosidl reads its lists of files, ends a name at the first
    letter that is not ASCII.  So the way may be a link in ``folder``, in which is built.
    """
    if not folder.isascii():
        sys.exit(
            f"face_perception: '{folder}' has letters that are not ASCII, and CMake cannot work "
            'there: set TMPDIR to another folder, such as /tmp, and try again.'
        )
    here = os.getcwd()
    if here.isascii():
        return ''
    link = os.path.join(folder, 'source')
    os.symlink(here, link)
    return link


def setup_with_ros(wheels: ros_wheels.Wheels) -> None:
    """Let CMake generate the messages and install everything."""
    if sentence := compiling.fault():
        sys.exit(f'face_perception: {sentence}')
    from scikit_build_core.setuptools.wrapper import setup

    folder = folder_to_build_in()
    setup(
        install_requires=[*REQUIRES, *wheels.run],
        cmake_source_dir=ascii_source(folder),
        options={'build': {'build_base': folder}},
        # CMake installs the code into it, and the generated messages.
        packages=['face_perception'],
        cmake_install_dir='',
        cmake_args=['-DBUILD_TESTING=OFF'],
    )


def setup_without_ros() -> None:
    """Install the Python code, and the files that it reads where CMake would put them."""
    from setuptools import find_packages, setup

    folders: dict[str, list[str]] = {}
    for part in ('config', 'models', 'msg'):  # msg: bags' messages are read by their text
        for path in sorted(Path(part).rglob('*')):
            if path.is_file():
                folders.setdefault(f'share/face_perception/{path.parent.as_posix()}', []).append(
                    path.as_posix()
                )
    setup(
        install_requires=REQUIRES,
        options={'build': {'build_base': folder_to_build_in()}},
        packages=find_packages(include=['face_perception', 'face_perception.*']),
        package_data={'face_perception': ['py.typed']},
        data_files=sorted(folders.items()),
    )


try:
    chosen = ros_wheels.chosen()
except ros_wheels.ChoiceError as error:
    sys.exit(f'face_perception: {error}')
if chosen:
    setup_with_ros(chosen)
else:
    setup_without_ros()
