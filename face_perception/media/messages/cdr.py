"""What can be read of a serialised message without taking it apart."""

from __future__ import annotations

import struct

#: What stands before the fields: four bytes, of which the second says how numbers are written.
ENCAPSULATION = 4


def header_stamp(cdr: bytes) -> tuple[int, int] | None:
    """
    Return seconds and nanoseconds of the stamp of a message that begins with a Header.

    ``None`` where it is too short for one.
    """
    if len(cdr) < ENCAPSULATION + 8:
        return None
    order = '<' if cdr[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', cdr, ENCAPSULATION)
    return seconds, nanoseconds


def header_stamp_ns(cdr: bytes) -> int:
    """Return the stamp of a message that begins with a Header, 0 where it is too short for one."""
    seconds, nanoseconds = header_stamp(cdr) or (0, 0)
    return seconds * 10**9 + nanoseconds
