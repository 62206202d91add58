"""From what the user names to jobs, each with a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path

from ..media.bags.reader import is_bag
from .names import made_after, readable, resolved
from .report import read_report
from .types import Job


def expand(texts: Sequence[str]) -> list[Path]:
    """Return the inputs that paths and patterns mean, each once; what is missing stays named."""
    found: dict[Path, Path] = {}
    for text in texts:
        path = Path(text).expanduser()
        matches = [path]
        if has_magic(text) and not exists(path):
            matches = [Path(match) for match in sorted(glob(str(path), recursive=True))] or [path]
        for match in matches:
            found.setdefault(resolved(match), match)
    return list(found.values())


def exists(path: Path) -> bool:
    """Return whether there is something of this name, also where no file can have such a name."""
    try:
        return path.exists()
    except OSError:  # it is too long
        return False


def make_jobs(sources: Sequence[Path], output: Path, common: Job) -> list[Job]:
    """
    Return a job per source, with the options of ``common``.

    Its folder is named after the input, ``clip`` for ``clip.mp4``, and where that name belongs
    to another input or to somebody else, ``clip-2`` and so on.
    """
    taken: set[str] = set()
    jobs = []
    for source in sources:
        name = _free_name(source, output, taken)
        outputs = common.outputs or default_outputs(source)
        jobs.append(replace(common, source=source, folder=output / name, outputs=outputs))
    return jobs


def default_outputs(source: Path) -> tuple[str, ...]:
    """Return what is made of an input unless the user says otherwise."""
    outputs = ('table', 'video', 'summary')
    return (*outputs, 'bag') if exists(source) and is_bag(source) else outputs


def _free_name(source: Path, output: Path, taken: set[str]) -> str:
    path = resolved(source)
    # A folder's name may have dots of its own.
    stem = made_after(path.name if exists(path) and path.is_dir() else path.stem)
    number = 1
    while True:
        name = stem if number == 1 else f'{stem}-{number}'
        # There are file systems on which 'Clip' and 'clip' are the same.
        if name.casefold() not in taken and _is_ours(output / name, path):
            taken.add(name.casefold())
            return name
        number += 1


def _is_ours(folder: Path, source: Path) -> bool:
    """Return whether a folder is free, or has the results of this very input."""
    if not os.path.lexists(folder):
        return True
    document = read_report(folder)
    return document is not None and document['input']['path'] == readable(source)
