"""How far a recording has been played, in one line."""

from __future__ import annotations

import sys
import time

from .timeline import NANOSECONDS

#: Seconds between two updates, in a terminal and elsewhere.
TERMINAL_PERIOD_S = 0.2
LINE_PERIOD_S = 2.0


class Position:
    """Shows position and length: one line that is renewed in a terminal, else plain lines."""

    def __init__(self, start_ns: int, end_ns: int):
        """Begin with the recording's first and last time."""
        self._start_ns, self._end_ns = start_ns, end_ns
        self._terminal = sys.stdout.isatty()
        self._period = TERMINAL_PERIOD_S if self._terminal else LINE_PERIOD_S
        self._next = time.monotonic() + self._period
        #: How often the recording has begun.
        self.passes = 1

    def show(self, time_ns: int, published: int, skipped: int) -> None:
        """Show where it is, if it is time to."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._period
            self._print(self._line(time_ns, published, skipped), '' if self._terminal else '\n')

    def end(self, time_ns: int, published: int, skipped: int) -> None:
        """Leave the last state."""
        self._print('played to ' + self._line(time_ns, published, skipped), '\n')

    def _line(self, time_ns: int, published: int, skipped: int) -> str:
        position, length = (
            (each - self._start_ns) / NANOSECONDS for each in (time_ns, self._end_ns)
        )
        again = f', pass {self.passes}' if self.passes > 1 else ''
        left_out = f', {skipped} skipped' if skipped else ''
        return f'{position:.1f} of {length:.1f} s{again}, {published} images{left_out}'

    def _print(self, line: str, end: str) -> None:
        print(f'\r{line}\x1b[K' if self._terminal else line, end=end, flush=True)
