"""What the demo shows while it runs: a live table in a terminal, else plain lines."""

from __future__ import annotations

import sys
import time

from ...media.messages.fields import GENDER_VALUES
from ...msg import Face
from .monitor import Monitor

TABLE_PERIOD_S = 0.2
LINE_PERIOD_S = 2.0
GENDERS = {value: name for name, value in GENDER_VALUES.items()}


class LiveView:
    """Shows a monitor's newest result; use it as a context."""

    def __init__(self, monitor: Monitor, duration: float):
        """Show the time as a share of ``duration`` seconds."""
        self._monitor, self._duration = monitor, duration
        self._live = None
        self._next = 0.0
        if sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(auto_refresh=False)

    def __enter__(self) -> LiveView:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exception) -> None:
        if self._live:
            self._live.stop()

    def update(self) -> None:
        """Show the newest result, if it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (TABLE_PERIOD_S if self._live else LINE_PERIOD_S)
        if self._live:
            self._live.update(self._table(), refresh=True)
        else:
            print(self._line(), flush=True)

    def _status(self, separator: str) -> str:
        statistics = self._monitor.statistics
        processing, whole = (
            statistics.percentiles(name, 50, 95) for name in ('processing', 'end_to_end')
        )
        # The first second is too short to tell a rate.
        rate = f'{self._monitor.recent_rate.rate():.1f}' if statistics.last_result > 1 else '-'
        return (
            f'{statistics.last_result:.0f} of {self._duration:.0f} s, {rate} results/s'
            f'{separator}processing p50 {processing[0]:.1f} p95 {processing[1]:.1f} ms, '
            f'end to end p50 {whole[0]:.1f} p95 {whole[1]:.1f} ms'
        )

    def _line(self) -> str:
        faces = self._monitor.newest.faces if self._monitor.newest else []
        described = '; '.join(
            ' '.join(text for text in (emotion_of(face), gender_of(face)) if text != '-')
            for face in faces
        )
        count = f'{len(faces)} face' + ('' if len(faces) == 1 else 's')
        return f'{self._status(", ")}, {count}' + (f': {described}' if described else '')

    def _table(self):
        from rich.table import Table

        table = Table(title='face_perception', caption=self._status('\n'), min_width=72)
        for heading in ('face', 'box (x, y, width, height)', 'score', 'emotion', 'gender'):
            table.add_column(heading, justify='right' if heading == 'score' else 'left')
        faces = self._monitor.newest.faces if self._monitor.newest else []
        for number, face in enumerate(faces, 1):
            roi = face.roi
            table.add_row(
                face.track_id or str(number),
                f'{roi.x_offset}, {roi.y_offset}, {roi.width}, {roi.height}',
                f'{face.score:.2f}',
                emotion_of(face),
                gender_of(face),
            )
        if not faces:
            table.add_row('-', 'nobody is seen', '', '', '')
        return table


def emotion_of(face: Face) -> str:
    """Return an emotion with its confidence, such as ``happy 92%``."""
    return f'{face.emotion} {face.emotion_confidence:.0%}' if face.emotion else '-'


def gender_of(face: Face) -> str:
    """Return a gender with its confidence, such as ``female 88%``."""
    name = GENDERS.get(face.gender)
    return f'{name} {face.gender_confidence:.0%}' if name else '-'
