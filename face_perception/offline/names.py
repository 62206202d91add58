"""Names of files and folders that are made after what they come from."""

from __future__ import annotations

import os
from pathlib import Path

#: Bytes of a name that is made up. File systems allow 255, of which prefixes, endings and what
#: tells two of the same name apart take some.
LONGEST = 180
#: What the names of folders begin with that are being made, or replaced.
UNFINISHED, REPLACED = '.unfinished-', '.replaced-'


def readable(name: str | Path) -> str:
    """
    Return a name as text that can be printed and stored.

    Names on disks are bytes: those that are no UTF-8 get a backslash, x and two digits.
    """
    return os.fsencode(name).decode(errors='backslashreplace')


def resolved(path: Path) -> Path:
    """Return a path without links, as far as there can be a file of this name."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # RuntimeError: before Python 3.13 links that lead round
        pass
    try:
        return path.absolute()
    except OSError:  # the working directory is gone
        return path


def given_name(path: Path) -> str:
    """Return the name by which the user knows a path: not that of what a link leads to."""
    return resolved(path).name if path.name in ('', '..') else path.name


def made_after(name: str) -> str:
    """Return a name for something new, as near to ``name`` as every file system allows."""
    text = os.fsencode(name).decode(errors='replace').replace('\ufffd', '_')
    if text.startswith((UNFINISHED, REPLACED)):
        text = text.lstrip('.')  # else it would be taken for what a killed run has left
    return shortened(text) or 'input'


def shortened(text: str, limit: int = LONGEST) -> str:
    """Return what of a text fits into so many bytes."""
    return text.encode()[:limit].decode(errors='ignore')


class FreeNames:
    """Gives each file of a folder a name of its own, also where case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, stem: str, suffix: str = '') -> str:
        """Return ``stem`` and ``suffix``, or ``stem-2`` and so on where that name is taken."""
        stem, number = shortened(stem), 1
        while True:
            name = f'{stem}{suffix}' if number == 1 else f'{stem}-{number}{suffix}'
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name
            number += 1
