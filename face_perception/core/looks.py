"""On which images of a stream the detector looks, and what it saw there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .settings import PipelineSettings
from .timing import RateLimit
from .tracking.tracker import SET_BACK_S, is_set_back
from .types import Detection


class Turn(NamedTuple):
    """
    What happens with an image: whether the detector runs on it, whether the stream begins anew.

    ``redrawn`` is whether boxes may be drawn otherwise than in the image before: that had another
    detector, the same one with other settings, or another size.
    """

    due: bool
    anew: bool
    redrawn: bool


@dataclass(frozen=True)
class Look:
    """
    What is known of an image before the faces of those before it are.

    ``detections`` are ``None`` where it was not the detector's turn, which took ``seconds``;
    ``turn`` says what else is new with this image, and ``time_s`` is the stream's time.
    """

    detections: list[Detection] | None
    turn: Turn
    time_s: float
    seconds: float


class DetectionTurns:
    """Says on which images the detector runs: by their times alone, whoever is seen."""

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next image."""
        self._time: float | None = None
        self._since = 0
        self._drawn: tuple = ()
        self._rate = RateLimit(0.0)

    def take(self, time_s: float, settings: PipelineSettings, size: tuple[int, ...]) -> Turn:
        """Count an image of ``size`` pixels; return what happens with it."""
        before, drawn = self._time, (_detector(settings), size)
        anew = before is None or is_set_back(before, time_s)
        if anew:
            self.reset()
        self._time = time_s if before is None or anew else max(before, time_s)
        if self._rate.rate != settings.detector_max_rate:
            self._rate = RateLimit(settings.detector_max_rate)
        # Nobody can say where the faces are after a gap in which they would be forgotten or in an
        # image of another size, and who changes the detector wants to see what it finds.
        redrawn = not anew and drawn != self._drawn
        needed = (
            before is None
            or anew
            or time_s - before > max(settings.tracker_max_age, SET_BACK_S)
            or redrawn
        )
        turn = self._since + 1 >= settings.detector_interval
        due = (turn and self._rate.allows(self._time)) or needed
        self._drawn = drawn
        self._since = 0 if due else self._since + 1
        return Turn(due, anew, redrawn)


def _detector(settings: PipelineSettings) -> tuple:
    """Return what of the settings says which faces are found."""
    return (
        settings.detector_type,
        settings.detector_model,
        settings.detector_input_size,
        settings.detector_score_threshold,
    )
