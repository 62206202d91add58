"""Folders of results: made aside, put in their place when whole, cleared up after a kill."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .names import REPLACED, UNFINISHED
from .report import REPORT, read_report


def make_empty(folder: Path) -> None:
    """Make a folder for files that are being written; a killed run may have left one."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def publish(unfinished: Path, folder: Path) -> None:
    """Let the finished folder take the place of a former one, of which the user's files stay."""
    former = folder.with_name(REPLACED + folder.name)
    if folder.exists():
        _remove(former, folder)  # what a run could not carry over
        folder.rename(former)
    unfinished.rename(folder)
    _remove(former, folder)


def clear_leftovers(output: Path) -> None:
    """Remove what killed runs left unfinished; a former folder that was to be replaced stays."""
    for left in output.glob(UNFINISHED + '*'):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
    for former in [path for path in output.glob(REPLACED + '*') if path.is_dir()]:
        folder = output / former.name.removeprefix(REPLACED)
        if folder.exists():
            _remove(former, folder)
        else:
            former.rename(folder)


def _remove(former: Path, folder: Path) -> None:
    """Remove a former folder, whose place ``folder`` has taken, but for what others put there."""
    document = read_report(former)
    made = {REPORT, *(document['files'] if document else ())}
    for path in _files(former):
        name = path.relative_to(former)
        if name.as_posix() in made or os.path.lexists(folder / name):
            continue
        try:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            path.rename(folder / name)
        except OSError:
            return  # the next run tries again: better two folders than a loss
    shutil.rmtree(former, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    """Return all that is no folder, and links to folders."""
    return [
        Path(place, name)
        for place, folders, files in os.walk(folder)
        for name in (*files, *filter(lambda name: os.path.islink(Path(place, name)), folders))
    ]
