"""How the node is doing: counts, rates, latencies and errors, as a diagnostic status."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from ...core.text import one_line
from ...core.timing import SlidingWindow
from ..shared_memory import shortage

#: Seconds over which rates, shares and percentiles are taken.
WINDOW_S = 10.0
#: Seconds for which an error keeps the status at WARN.
ERROR_MEMORY_S = 10.0
#: Shares of the images of the window, and how few of them say nothing yet: above them WARN.
MOST_DROPPED = 0.2
MOST_LOST = 0.1
FEWEST_IMAGES = 20
#: Seconds between two log lines about the same kind of error.
LOG_PERIOD_S = 60.0


@dataclass
class ErrorCount:
    """One kind of error: how often, the last sentence, and when (seconds of the clock)."""

    count: int = 0
    last_message: str = ''
    last_time: float = 0.0
    logged: float = field(default=float('-inf'))


class Health:
    """
    Collects what happens on both threads of the node.

    ``clock`` gives seconds: the node's own clock, so that rates are right in simulation and
    nothing gets stale while it is paused.
    """

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._errors: dict[str, ErrorCount] = {}
        self._newest = clock()
        #: Whether target_latency is missed at the smallest input; written by the worker.
        self.over_budget = False
        #: Whether target_latency is held, in a word or few; '' where it is off.
        self.budget_state = ''
        self.restart()

    def restart(self) -> None:
        """Forget counts and timings (not errors): the node was activated."""
        with self._lock:
            self.received = self.processed = self.dropped = self.lost = self.left_out = 0
            self.faces = self.tracks = 0
        self.forget_times()

    def forget_times(self) -> None:
        """Begin rates, percentiles and silence anew: time was set back, or images begin."""
        with self._lock:
            self.over_budget = False
            self._last_receipt = self._newest = self._clock()
            self._input, self._output = self._window(), self._window()
            self._drops, self._losses = self._window(), self._window()
            self._stages: dict[str, SlidingWindow] = {}
            for entry in self._errors.values():
                entry.last_time = min(entry.last_time, self._newest)
                entry.logged = min(entry.logged, self._newest)

    def image_received(self, lost_before: int = 0) -> None:
        """Count an image that reached the node, and those before it that did not."""
        with self._lock:
            self.received += 1
            self.lost += lost_before
            self._last_receipt = now = self._now()
            self._input.add(now=now)
            for _ in range(min(lost_before, 100)):
                self._losses.add()

    def image_dropped(self) -> None:
        """Count an image that a newer one replaced."""
        with self._lock:
            self.dropped += 1
            self._drops.add()

    def image_left_out(self) -> None:
        """Count an image that came sooner than ``max_rate`` allows."""
        with self._lock:
            self.left_out += 1

    def image_processed(self, faces: int, tracks: int, stage_seconds: dict[str, float]) -> None:
        """Count an image whose faces were published, and note how long each stage took."""
        with self._lock:
            self.processed += 1
            self.faces, self.tracks = faces, tracks
            now = self._clock()
            self._output.add(now=now)
            for stage, value in stage_seconds.items():
                if stage not in self._stages:
                    self._stages[stage] = self._window()
                self._stages[stage].add(value, now)

    def nobody(self) -> None:
        """Note that no images come any more: who was in the last one is not there now."""
        with self._lock:
            self.faces = self.tracks = 0

    def error(self, kind: str, message: str) -> bool:
        """Count an error; return whether it should be logged (once a minute per kind)."""
        with self._lock:
            now = self._now()
            entry = self._errors.setdefault(kind, ErrorCount())
            entry.count += 1
            entry.last_message, entry.last_time = one_line(message), now
            if now - entry.logged < LOG_PERIOD_S:
                return False
            entry.logged = now
            return True

    def is_over(self, kind: str) -> None:
        """Let the last error of a kind be warned of no longer: its cause is known to be gone."""
        with self._lock:
            if kind in self._errors:
                self._errors[kind].last_time = float('-inf')

    def silence(self) -> float:
        """Return the seconds since the last image (or since images could come)."""
        with self._lock:
            now = self._now()
            if self._last_receipt == 0.0:  # simulated time had not begun
                self._last_receipt = now
            return now - self._last_receipt

    def complaint(self) -> str:
        """Return what is wrong with the stream of images, each of which may be fine, or ``''``."""
        with self._lock:
            return self._complaint()

    def status(
        self, name: str, hardware_id: str, level: bytes, message: str, extra: dict[str, str]
    ) -> DiagnosticStatus:
        """
        Return the diagnostic status.

        ``level`` and ``message`` are what the node knows of its state; OK turns into WARN with
        the sentence of a recent error, or when too many images are dropped or lost, or when the
        target latency is missed.
        """
        with self._lock:
            if level == DiagnosticStatus.OK and (warning := self._warning()):
                level, message = DiagnosticStatus.WARN, warning
            values = {
                **extra,
                'input rate (Hz)': f'{self._input.rate():.1f}',
                'processed rate (Hz)': f'{self._output.rate():.1f}',
                'frames received': str(self.received),
                'frames processed': str(self.processed),
                'frames dropped': str(self.dropped),
                'frames left out (max_rate)': str(self.left_out),
                'frames lost before the node': str(self.lost),
                'faces': str(self.faces),
                'tracks': str(self.tracks),
            }
            if self.budget_state:
                values['target_latency'] = self.budget_state
            for stage, window in self._stages.items():
                p50, p95, p99 = (1e3 * value for value in window.percentiles(50, 95, 99))
                values[f'{stage} p50/p95/p99 (ms)'] = f'{p50:.1f} / {p95:.1f} / {p99:.1f}'
            values['errors'] = str(sum(entry.count for entry in self._errors.values()))
            for kind, entry in sorted(self._errors.items()):
                values[f'errors: {kind}'] = f'{entry.count}, last: {entry.last_message}'
        return DiagnosticStatus(
            name=name,
            hardware_id=hardware_id,
            level=level,
            message=one_line(message),
            values=[
                KeyValue(key=one_line(key), value=one_line(value)) for key, value in values.items()
            ],
        )

    def _now(self) -> float:
        """Return the time; what was noted at a later one, before it was set back, is of now."""
        now = self._clock()
        if now < self._newest:
            self._last_receipt = min(self._last_receipt, now)
            for entry in self._errors.values():
                entry.last_time = min(entry.last_time, now)
                entry.logged = min(entry.logged, now)
        self._newest = now
        return now

    def _warning(self) -> str:
        now = self._now()
        recent = [
            entry for entry in self._errors.values() if now - entry.last_time < ERROR_MEMORY_S
        ]
        if recent:
            return max(recent, key=lambda entry: entry.last_time).last_message
        return self._complaint()

    def _complaint(self) -> str:
        received = len(self._input)
        if self.over_budget and received:
            return (
                'target_latency is missed at the smallest input of the detector: raise it, '
                'or lower detector.min_input_size or max_faces'
            )
        if received < FEWEST_IMAGES:
            return ''
        if len(self._drops) > MOST_DROPPED * received:
            return (
                f'{len(self._drops)} of the last {received} images were dropped, because '
                'this machine is slower than the camera: set max_rate or target_latency, or '
                'lower detector.input_size'
            )
        lost, sent = len(self._losses), received + len(self._losses)
        if lost > MOST_LOST * sent:
            return (
                f'{lost} of the last {sent} images were lost before they reached the node, '
                'as their stamps show: '
                + (
                    shortage()
                    or "give the camera's process the settings of "
                    'config/fastdds_large_images.xml, or use image_transport compressed'
                )
            )
        return ''

    def _window(self) -> SlidingWindow:
        return SlidingWindow(WINDOW_S, self._clock)
