"""Where the package's own files (models, configuration) lie on this machine."""

from __future__ import annotations

from pathlib import Path

from .files import at_home


def share_directory() -> Path:
    """
    Return the folder that holds the package's ``models/`` and ``config/``.

    Found by walking up from this file, so that it needs neither ROS nor an environment
    variable: ``<prefix>/share/face_perception`` for colcon, Debian packages and pip alike,
    the repository's root in a source tree.
    """
    here = Path(__file__)
    for parent in here.parents:
        installed = parent / 'share' / 'face_perception'
        if (installed / 'models').is_dir():
            return installed
        if (parent / 'package.xml').is_file() and (parent / 'models').is_dir():
            return parent
    raise FileNotFoundError(
        f'the models of face_perception were not found above {here}: install the package again'
    )


def model_path(name: str) -> Path:
    """
    Return the file that ``name`` means.

    A bare file name is one of the package's own models; anything with a folder in it
    (``./mine.onnx``, ``~/mine.onnx``, ``/opt/mine.onnx``) is a path of the user's.
    """
    path = at_home(name)
    if path.name == name:
        return share_directory() / 'models' / name
    return path
