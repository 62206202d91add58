"""
The shared memory that Fast DDS takes in /dev/shm: whether it is enough, and what the dead hold.

Each process takes a whole segment when it starts, also while it is idle, and gives it back when
it ends.  One that was killed does not: nobody else knows whether it is still at work, but for the
lock that it held, which the kernel has released.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path

FOLDER = Path('/dev/shm')
#: Bytes of a segment of the shipped profiles: of 64 MiB two 4K colour images fit, of 16 MiB two
#: of 1080p, which is what docker's default of 64 MiB has room for.
LARGE_SEGMENT = 64 * 2**20
SMALL_SEGMENT = 16 * 2**20
#: Of a process that sends few images or none.
NODE_SEGMENT = 4 * 2**20
#: Camera, node, a listener and one more: so many processes must find room for theirs.
PROCESSES = 4
#: What else a process takes, for ports and for the middleware's own needs, in bytes.
REST = 2 * 2**20
#: Seconds for which a lock file may be there before its owner has locked it.
GRACE_S = 1.0

#: The lock of a segment, whose name is a random number that nobody uses twice.
_LOCK = re.compile(r'fastdds_[0-9a-f]{16}_el')


def room(folder: Path = FOLDER) -> int | None:
    """Return the free bytes of the shared memory, ``None`` where there is none."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize


def shortage(folder: Path = FOLDER) -> str:
    """Return what is wrong with the shared memory and what to do, or ``''``."""
    free = room(folder)
    if free is None:
        return (
            f'{folder} does not exist, so images go through UDP and large ones get lost: mount '
            f'a tmpfs on it (mount -t tmpfs -o size=512m tmpfs {folder})'
        )
    if not os.access(folder, os.W_OK):
        return (
            f'{folder} cannot be written to, so images go through UDP and large ones get lost: '
            f'give it the permissions of a tmpfs (mount -o remount,rw,mode=1777 {folder})'
        )
    if free >= enough(LARGE_SEGMENT):
        return ''
    total = os.statvfs(folder)
    lost = (
        f'images above {SMALL_SEGMENT // 2**21} MiB'
        if free >= enough(SMALL_SEGMENT, 1)
        else 'large images'
    )
    return (
        f'{folder} has {free / 2**20:.0f} of {total.f_blocks * total.f_frsize / 2**20:.0f} MiB '
        f'free, so {lost} may get lost: give it 512 MiB (docker run --shm-size=512m, or mount -o '
        f'remount,size=512m {folder})'
    )


def enough(segment: int, processes: int = PROCESSES) -> int:
    """Return the bytes that so many processes need for their segments."""
    return processes * (segment + REST)


def remove_dead_segments(folder: Path = FOLDER) -> int:
    """
    Remove the segments that processes which were killed have left; return the bytes given back.

    A segment is theirs when its lock can be had.  What belongs to other users stays, and so do
    the small files of ports: Fast DDS itself takes those over.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return 0
    return sum(_remove_if_dead(folder / name[:-3]) for name in filter(_LOCK.fullmatch, names))


def _remove_if_dead(segment: Path) -> int:
    lock = segment.with_name(f'{segment.name}_el')
    try:
        if time.time() - lock.stat().st_mtime < GRACE_S:
            return 0
        handle = os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = segment.lstat().st_blocks * 512 if segment.exists() else 0
        segment.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
        return taken
    except OSError:  # its owner lives, or it is another user's
        return 0
    finally:
        os.close(handle)
