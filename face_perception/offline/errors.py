"""Errors of offline runs."""

from __future__ import annotations

import errno
from pathlib import Path

from ..core.errors import FacePerceptionError

#: What is wrong with the place to which files are written, rather than with one input.
_OF_THE_PLACE = {
    errno.ENOSPC: 'the disk is full',
    errno.EDQUOT: 'the quota is used up',
    errno.EROFS: 'it is read-only',
    errno.EACCES: 'permission denied',
    errno.EPERM: 'permission denied',
    errno.EFBIG: 'files may not grow that large there',
    errno.EIO: 'the disk has a fault',
    errno.ENOENT: 'it was removed meanwhile',
    errno.ENOTDIR: 'it is no folder',
    errno.EEXIST: 'it is no folder',
    errno.ELOOP: 'it is a link',
}
#: What is wrong with the name that is made after one input.
_OF_ONE_INPUT = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)


class OutputError(FacePerceptionError):
    """Nothing more can be written: the inputs that follow would fail in the same way."""


class InterruptedRunError(FacePerceptionError):
    """The user asked the run to stop."""


def is_of_one_input(error: OSError) -> bool:
    """Return whether a failed write says nothing about the inputs that follow."""
    return error.errno in _OF_ONE_INPUT


def output_error(error: OSError, folder: Path) -> OutputError:
    """Return what a failed write to ``folder`` means, with what to do about it."""
    reason = _OF_THE_PLACE.get(error.errno or 0, error.strerror or str(error))
    return OutputError(
        f"'{folder}' cannot be written to ({reason}): make room, or give another "
        'folder with --output; the same command goes on where it stopped'
    )
