"""Malformed data: stop at the first, or leave it out, say so and count."""

from __future__ import annotations

import logging
from pathlib import Path

from ...core.errors import FacePerceptionError
from ...core.text import one_line
from .datasets import DatasetError

STOP = 'stop'
MODES = (STOP, 'skip')
#: So many faults are described one by one; the others are only counted.
DESCRIBED = 5

_logger = logging.getLogger(__name__)


class MalformedError(FacePerceptionError):
    """One image or row cannot be used; the text says what is wrong with it."""


class Faults:
    """The faults found in the data set at ``source`` and what is done about them."""

    def __init__(self, source: Path | str, mode: str = STOP) -> None:
        """Start with none; ``mode`` is one of ``MODES``, else ``ValueError`` is raised."""
        if mode not in MODES:
            raise ValueError(f'malformed must be one of {MODES}, not {mode!r}')
        self.source = source
        self.mode = mode
        self.count = 0

    def report(self, name: str, what: object) -> None:
        """
        Note that the image or row ``name`` cannot be used because of ``what``.

        Raises ``DatasetError`` when malformed data are to stop the reading.
        """
        name = one_line(name)  # it stands in the data, which may be anybody's
        if self.mode == STOP:
            raise DatasetError(
                f'{self.source}: {name}: {what}: mend it, or leave out all such data with '
                '--malformed skip'
            )
        self.count += 1
        if self.count <= DESCRIBED:
            _logger.warning('%s: %s: %s; left out', self.source, name, what)

    def summarise(self) -> None:
        """Log how many faults there were, if there were any."""
        if self.count:
            _logger.warning('%s: malformed and left out: %d', self.source, self.count)
