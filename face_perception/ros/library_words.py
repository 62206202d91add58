"""What C libraries write to the standard error while they decode, as what it is: of one image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_ERROR = 2
#: How the lines of the libraries begin that decode images.
BEGINNINGS = (
    b'libpng ',
    b'Corrupt JPEG',
    b'Premature end of JPEG',
    b'Invalid ',
    b'Unsupported ',
    b'Inconsistent progression',
    b'Warning: unknown JFIF',
    b'Application transferred too',
    b'[ WARN:',
    b'[ERROR:',
)


class LibraryWords:
    """
    Keeps back the lines that libpng, libjpeg and OpenCV print about damaged images.

    They know no log, and would fill it with a line or more per image.  What others write in the
    same moment, such as the node's log on another thread, goes where it was meant to.
    """

    def __init__(self):
        self._file = os.fdopen(os.memfd_create('face_perception_words'), 'w+b', buffering=0)
        self._kept = self._file.fileno()

    @contextmanager
    def kept(self) -> Iterator[list[str]]:
        """Keep back lines for as long as this lasts; the list holds them afterwards."""
        words: list[str] = []
        try:
            meant = os.dup(STANDARD_ERROR)
        except OSError:  # it is closed: nobody hears them anyway
            yield words
            return
        try:
            os.dup2(self._kept, STANDARD_ERROR)
            try:
                yield words
            finally:
                os.dup2(meant, STANDARD_ERROR)
                words += self._sort_out(meant)
        finally:
            os.close(meant)

    def _sort_out(self, meant: int) -> list[str]:
        """Return the libraries' lines, and pass on the others."""
        size = os.fstat(self._kept).st_size
        if not size:
            return []
        lines = os.pread(self._kept, size, 0).splitlines(keepends=True)
        os.ftruncate(self._kept, 0)
        os.lseek(self._kept, 0, os.SEEK_SET)
        if others := b''.join(line for line in lines if not line.startswith(BEGINNINGS)):
            os.write(meant, others)
        own = (line for line in lines if line.startswith(BEGINNINGS))
        return [line.decode(errors='replace').strip() for line in own]
