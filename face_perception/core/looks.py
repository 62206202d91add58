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

    ``other_detector`` is whether the image before had another detector, or the same one with
    other settings: what it finds now may be drawn otherwise.
    """

    due: bool
    anew: bool
    other_detector: bool


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
        self._detector: tuple = ()
        self._rate = RateLimit(0.0)

    def take(self, time_s: float, settings: PipelineSettings) -> Turn:
        """Count an image; return what happens with it."""
        before, detector = self._time, _detector(settings)
        anew = before is None or is_set_back(before, time_s)
        if anew:
            self.reset()
        self._time = time_s if before is None or anew else max(before, time_s)
        if self._rate.rate != settings.detector_max_rate:
            self._rate = RateLimit(settings.detector_max_rate)
        # Nobody can say where the faces are after a gap in which they would be forgotten, and who
        # changes the detector wants to see what it finds.
        other_detector = not anew and detector != self._detector
        needed = (
            before is None
            or anew
            or time_s - before > max(settings.tracker_max_age, SET_BACK_S)
            or other_detector
        )
        turn = self._since + 1 >= settings.detector_interval
        due = (turn and self._rate.allows(self._time)) or needed
        self._detector = detector
        self._since = 0 if due else self._since + 1
        return Turn(due, anew, other_detector)


def _detector(settings: PipelineSettings) -> tuple:
    """Return what of the settings says which faces are found."""
    return (
        settings.detector_type,
        settings.detector_model,
        settings.detector_input_size,
        settings.detector_score_threshold,
    )
