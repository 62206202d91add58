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
}


class OutputError(FacePerceptionError):
    """Nothing more can be written: the inputs that follow would fail in the same way."""


class InterruptedRunError(FacePerceptionError):
    """The user asked the run to stop."""


def output_error(error: OSError, folder: Path) -> OutputError:
    """Return what a failed write to ``folder`` means, with what to do about it."""
    reason = _OF_THE_PLACE.get(error.errno, error.strerror or str(error))
    return OutputError(
        f"'{folder}' cannot be written to ({reason}): make room, or give another "
        'folder with --output; the same command goes on where it stopped'
    )
