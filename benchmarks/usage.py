"""What a process costs, read from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path


def processor_seconds(pid: int) -> float:
    """Return the processor time that all threads of a process have used so far."""
    # The name, in parentheses, may hold spaces: what follows it is regular.
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident_megabytes(pid: int) -> float:
    """Return the memory that a process holds now (RSS)."""
    return _status_megabytes(pid, 'VmRSS')


def shared_megabytes(pid: int) -> float:
    """Return how much of that is shared memory, such as images on their way from the camera."""
    return _status_megabytes(pid, 'RssShmem')


def peak_megabytes(pid: int) -> float:
    """Return the most memory that a process has held so far."""
    return _status_megabytes(pid, 'VmHWM')


def _status_megabytes(pid: int, key: str) -> float:
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith(f'{key}:'):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f'process {pid} has no {key}')
