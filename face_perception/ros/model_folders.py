"""From which folders parameters may name model files: a stranger on the network must not choose."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..core.files import at_home
from ..core.resources import model_path
from ..core.text import file_path


class ModelFolders:
    """
    Decides which model files parameters may name while the node runs.

    Whoever reaches the node can set its parameters.  Allowed are the package's own models, what
    was named when the node was started and what lies beside it, and the folders of
    ``model_directories``.  Nothing is looked up on the disk for that, so that a refusal does not
    tell whether a file exists.
    """

    def __init__(self, directories: str, named_at_start: Iterable[str]):
        """``directories`` are separated by ':'; ``named_at_start`` are values of parameters."""
        self._named = {name for name in named_at_start if name}
        own = model_path('any').parent
        given = [at_home(folder) for folder in directories.split(os.pathsep) if folder]
        beside = [model_path(name).parent for name in self._named]
        self._folders = [_normal(folder) for folder in (own, *given, *beside)]

    def fault(self, parameter: str, name: str) -> str:
        """Return why ``parameter`` may not name the file ``name``, or ``''``."""
        if not name or name in self._named:
            return ''
        path = model_path(name)
        # With '..' a path leads elsewhere than it says where a folder in it is a link.
        inside = any(_normal(path).is_relative_to(folder) for folder in self._folders)
        if inside and '..' not in path.parts:
            return ''
        return (
            f"parameter '{parameter}' is '{file_path(name)}', which is outside of the folders that "
            'model files may come from: copy the file to one of them, or start the node with its '
            "folder in 'model_directories'"
        )


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))
