"""
What a message or request may take while it is read.

A request of fifty bytes can claim sixty million names.  The middleware makes room for all of them
before it sees that they are not there: gigabytes, and seconds of a core.  With a bound it is told
at once that they cannot be had, and gives the message up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from types import ModuleType
from typing import Any

resource: ModuleType | None
try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None

#: Bytes: many times the largest message of texts or lists, and what is left to other threads, whose
#: wishes are bounded too during the microseconds that this lasts.
MOST_BYTES = 256 * 2**20

_one_at_a_time = Lock()


@contextmanager
def bounded_headroom(most_bytes: int = MOST_BYTES) -> Iterator[None]:
    """
    Let the process have ``most_bytes`` more than it has, where the system can do so.

    One thread at a time: of two, the second would take the first one's limit for what it was
    before, and leave it behind.
    """
    with _one_at_a_time:
        former = _limits(most_bytes)
        try:
            yield
        finally:
            if resource is not None and former is not None:
                resource.setrlimit(resource.RLIMIT_AS, former)


def _limits(most_bytes: int) -> tuple[int, int] | None:
    """Set the limit; return what it was, None where it stays."""
    if resource is None:
        return None
    try:
        with open('/proc/self/statm') as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        soft, hard = former = resource.getrlimit(resource.RLIMIT_AS)
        wanted = taken + most_bytes
        if any(each != resource.RLIM_INFINITY and each <= wanted for each in (soft, hard)):
            return None
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (OSError, ValueError):
        return None
    return former


@cache
def has_lists(message_type: Any) -> bool:
    """Return whether a message type has a list of texts or of other messages."""
    kinds = message_type.get_fields_and_field_types().values()
    return any('sequence<' in kind and ('string' in kind or '/' in kind) for kind in kinds)
