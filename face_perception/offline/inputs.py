"""From what the user names to jobs, each with a folder of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from glob import glob, has_magic
from itertools import chain, count
from pathlib import Path

from ..core.files import at_home
from ..media.bags.reader import is_bag
from ..media.errors import SourceError
from .names import given_name, made_after, readable, resolved
from .report import read_report
from .types import Job


def expand(texts: Sequence[str]) -> list[Path]:
    """Return the inputs that paths and patterns mean, each once; what is missing stays named."""
    found: dict[Path, Path] = {}
    for text in texts:
        if not text:
            raise SourceError('an input is empty: give the path of a bag, a video or an image')
        path = at_home(text)
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
    to another input or to somebody else, ``clip-2`` and so on; one that an earlier run made for
    the same input is found again.
    """
    made, taken = _made(output), set[str]()
    jobs = []
    for source in sources:
        name = _free_name(source, output, made, taken)
        outputs = common.outputs or default_outputs(source)
        jobs.append(replace(common, source=source, folder=output / name, outputs=outputs))
    return jobs


def default_outputs(source: Path) -> tuple[str, ...]:
    """Return what is made of an input unless the user says otherwise."""
    outputs = ('table', 'video', 'summary')
    return (*outputs, 'bag') if exists(source) and is_bag(source) else outputs


def _made(output: Path) -> dict[str, list[str]]:
    """Return the names of the folders that earlier runs made, by the path of the input."""
    made: dict[str, list[str]] = {}
    for folder in sorted(output.iterdir()) if output.is_dir() else ():
        if (document := read_report(folder)) is not None:
            made.setdefault(document['input']['path'], []).append(folder.name)
    return made


def _free_name(
    source: Path, output: Path, made: Mapping[str, Sequence[str]], taken: set[str]
) -> str:
    """Return the name that the results of this very input have, or one that is free."""
    path, named = resolved(source), Path(given_name(source))
    # A folder's name may have dots of its own.
    stem = made_after(named.name if exists(path) and path.is_dir() else named.stem)
    numbered = re.compile(re.escape(stem) + r'(-\d+)?', re.IGNORECASE)
    former = (name for name in made.get(readable(path), ()) if numbered.fullmatch(name))
    unused = (
        name
        for number in count(1)
        if not os.path.lexists(output / (name := stem if number == 1 else f'{stem}-{number}'))
    )
    # There are file systems on which 'Clip' and 'clip' are the same.
    name = next(name for name in chain(former, unused) if name.casefold() not in taken)
    taken.add(name.casefold())
    return name
