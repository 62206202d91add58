"""Files that others name: where they are, and no more read of them than is sensible."""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: What to do about a pointer instead of a file.
LFS_REMEDY = "it is a pointer of Git LFS; run 'git lfs pull' where it comes from, and copy it again"


class FileRefusedError(OSError):
    """What was named is no regular file, or larger than it may be; ``strerror`` says which."""

    def __init__(self, path: Path, reason: str):
        super().__init__(0, reason, str(path))


def at_home(text: str | Path) -> Path:
    """
    Return a path whose ``~`` is the home that it means.

    Where there is no such user it is a name like others: a backup may be called ``~clip.mp4``.
    """
    return Path(os.path.expanduser(text))


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """
    Return the content of a regular file of at most ``most_bytes`` bytes.

    A FIFO would keep its reader waiting for good, and a device has no end: neither is opened for
    long enough to do so, whatever the name means by the time it is opened.  Raises ``OSError``,
    ``FileRefusedError`` among them.
    """
    # Without O_NONBLOCK opening a FIFO waits for somebody who writes; files do not heed it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(handle)
        _check(path, status, most_bytes)
        with open(handle, 'rb', closefd=False) as file:
            # Room for all that is asked for is taken at once: first for what the file should have.
            data = file.read(status.st_size + 1)
            if len(data) > status.st_size:
                data += file.read(most_bytes + 1 - len(data))
    finally:
        os.close(handle)
    if len(data) > most_bytes:  # it has grown since
        raise FileRefusedError(path, _too_large(most_bytes))
    return data


def is_lfs_pointer(data: bytes) -> bool:
    """Return whether this is the begin of what git keeps in a large file's place."""
    return data.startswith(b'version https://git-lfs')


def _check(path: Path, status: os.stat_result, most_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileRefusedError(path, 'it is no regular file')
    if status.st_size > most_bytes:
        raise FileRefusedError(path, _too_large(most_bytes))


def _too_large(most_bytes: int) -> str:
    return f'it is larger than {most_bytes / 2**20:.0f} MiB'
