"""How the node is doing: counts, rates, latencies and errors, as a diagnostic status."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from ..core.timing import SlidingWindow

#: Seconds for which an error keeps the status at WARN.
ERROR_MEMORY_S = 10.0
#: Seconds between two log lines about the same kind of error.
LOG_PERIOD_S = 60.0


@dataclass
class ErrorCount:
    """One kind of error: how often, the last sentence, and when (monotonic seconds)."""

    count: int = 0
    last_message: str = ''
    last_time: float = 0.0
    logged: float = field(default=float('-inf'))


class Health:
    """Collects what happens on both threads of the node."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._errors: dict[str, ErrorCount] = {}
        self.restart()

    def restart(self) -> None:
        """Forget counts and timings (not errors): the node was activated."""
        with self._lock:
            self.received = self.processed = self.dropped = 0
            self._last_receipt = self._clock()
            self._input = SlidingWindow(clock=self._clock)
            self._stages: dict[str, SlidingWindow] = {}
            self._output = SlidingWindow(clock=self._clock)

    def image_received(self) -> None:
        """Count an image that reached the node."""
        with self._lock:
            self.received += 1
            self._last_receipt = self._clock()
            self._input.add()

    def image_dropped(self) -> None:
        """Count an image that a newer one replaced."""
        with self._lock:
            self.dropped += 1

    def image_processed(self) -> None:
        """Count an image whose faces were published."""
        with self._lock:
            self.processed += 1
            self._output.add()

    def stage_times(self, seconds: dict[str, float]) -> None:
        """Note how long each stage of one image took."""
        with self._lock:
            for stage, value in seconds.items():
                self._stages.setdefault(stage, SlidingWindow(clock=self._clock)).add(value)

    def error(self, kind: str, message: str) -> bool:
        """Count an error; return whether it should be logged (once a minute per kind)."""
        with self._lock:
            entry = self._errors.setdefault(kind, ErrorCount())
            now = self._clock()
            entry.count += 1
            entry.last_message, entry.last_time = message, now
            if now - entry.logged < LOG_PERIOD_S:
                return False
            entry.logged = now
            return True

    def silence(self) -> float:
        """Return the seconds since the last image (or the activation)."""
        with self._lock:
            return self._clock() - self._last_receipt

    def status(self, name: str, hardware_id: str, level: bytes, message: str,
               extra: dict[str, str]) -> DiagnosticStatus:
        """
        Return the diagnostic status.

        ``level`` and ``message`` are what the node knows of its state; a recent error turns
        OK into WARN with the error's sentence.
        """
        with self._lock:
            recent = [entry for entry in self._errors.values()
                      if self._clock() - entry.last_time < ERROR_MEMORY_S]
            if level == DiagnosticStatus.OK and recent:
                level = DiagnosticStatus.WARN
                message = max(recent, key=lambda entry: entry.last_time).last_message
            values = {
                **extra,
                'input rate (Hz)': f'{self._input.rate():.1f}',
                'processed rate (Hz)': f'{self._output.rate():.1f}',
                'frames received': str(self.received),
                'frames processed': str(self.processed),
                'frames dropped': str(self.dropped),
            }
            for stage, window in self._stages.items():
                p50, p95, p99 = (1e3 * value for value in window.percentiles(50, 95, 99))
                values[f'{stage} p50/p95/p99 (ms)'] = f'{p50:.1f} / {p95:.1f} / {p99:.1f}'
            values['errors'] = str(sum(entry.count for entry in self._errors.values()))
            for kind, entry in sorted(self._errors.items()):
                values[f'errors: {kind}'] = f'{entry.count}, last: {entry.last_message}'
        return DiagnosticStatus(
            name=name, hardware_id=hardware_id, level=level, message=message,
            values=[KeyValue(key=key, value=value) for key, value in values.items()])
