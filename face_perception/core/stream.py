"""One camera's images, one after the other: who is who, and what is known of them."""

from __future__ import annotations

import math

import numpy as np

from .attributes.history import LabelHistory
from .attributes.mirror import Shown
from .errors import ImageError
from .networks import FaceNetworks, check_image, judged, visible
from .settings import PipelineSettings
from .timing import RateLimit, Stopwatch, Timings
from .tracking.tracker import SET_BACK_S, Tracker, is_set_back
from .types import Classification, Detection, Face, FrameResult, Track


class FaceStream:
    """
    Follows the faces of one camera and averages what the networks say about them.

    ``networks`` and ``settings`` may be replaced between two images: the faces stay who they are.
    """

    def __init__(self, networks: FaceNetworks, settings: PipelineSettings | None = None):
        self.networks = networks
        self.settings = settings or PipelineSettings()
        self._tracker = Tracker()
        self._history = LabelHistory()
        self.reset()

    def reset(self) -> None:
        """Forget all faces: the next image has nothing to do with those before it."""
        self._tracker.reset()
        self._history.reset()
        self._time: float | None = None
        self._since_detection = 0
        self._detector = _detector(self.settings)
        self._limit_detections()

    def __call__(self, image_bgr: np.ndarray, time_s: float) -> FrameResult:
        """
        Process a uint8 ``[H, W, 3]`` BGR image that was taken at ``time_s`` of any clock.

        An image that is a little older than the one before is taken for one out of order; after
        a larger step back all begins anew (see ``tracking.tracker``).  Raises ``ImageError`` for
        an array of another kind, or a time that is none.
        """
        check_image(image_bgr)
        if not math.isfinite(time_s):
            raise ImageError('time', f'an image was taken at {time_s} s: give the time of a clock')
        height, width = image_bgr.shape[:2]
        watch = Stopwatch()
        detecting = self._detector_is_due(time_s)
        # A face that was just there need not be as sure as a new one.
        detections = self._detect(image_bgr) if detecting else None
        detect_time = watch.lap() if detecting else 0.0
        tracks = self._follow(detections, time_s, width, height)
        track_time = watch.lap()
        chosen = self._choose(tracks, time_s)
        shown = self._shown(chosen, time_s)
        predictions = self.networks.classify(image_bgr, [track.box for track in chosen], shown)
        self._average(chosen, shown, predictions, time_s)
        followed = frozenset(self._tracker.ids)
        return FrameResult(
            width,
            height,
            [self._face(track) for track in tracks],
            Timings(detect=detect_time, track=track_time, classify=watch.lap()),
            detecting,
            len(chosen),
            len(followed),
            followed,
        )

    def _detect(self, image_bgr: np.ndarray) -> list[Detection]:
        """Find the faces, and down to a lower score what may be one that is there already."""
        return self.networks.detect(image_bgr, self.settings.tracker_faint_share)

    def _detector_is_due(self, time_s: float) -> bool:
        """Count an image; return whether the detector runs on it."""
        before, self._time = self._time, time_s
        if before is None or is_set_back(before, time_s):
            self.reset()
            self._time, due = time_s, True
            self._rate.allows()
        else:
            # Nobody can say where the faces are after a gap in which they would be forgotten.
            gap = time_s - before > max(self.settings.tracker_max_age, SET_BACK_S)
            self._time = max(before, time_s)
            if self._rate.rate != self.settings.detector_max_rate:
                self._limit_detections()
            turn = self._since_detection + 1 >= self.settings.detector_interval
            # Who changes the detector wants to see what it finds.
            changed = _detector(self.settings) != self._detector
            due = gap or changed or (turn and self._rate.allows())
        self._detector = _detector(self.settings)
        self._since_detection = 0 if due else self._since_detection + 1
        return due

    def _limit_detections(self) -> None:
        self._rate = RateLimit(self.settings.detector_max_rate, lambda: self._time)

    def _follow(
        self, detections: list[Detection] | None, time_s: float, width: int, height: int
    ) -> list[Track]:
        """Say which face is which; without detections, where the faces are by now."""
        if detections is None:
            return visible(self._tracker.predict(time_s), width, height)
        settings = self.settings
        return self._tracker.update(
            detections, time_s, settings.tracker_max_age, settings.tracker_confirmations
        )

    def _choose(self, tracks: list[Track], time_s: float) -> list[Track]:
        """Return the faces that are classified in this image."""
        self._history.keep(self._tracker.ids)
        return self._history.due(
            tracks[: self.settings.max_faces or None],
            self.networks.classifiers,
            self.settings.classifier_interval,
            self.settings.classifier_max_rate,
            time_s,
        )

    def _shown(self, chosen: list[Track], time_s: float) -> list[Shown]:
        """Say of each face whether its image, its mirror image or both are shown."""
        return self._history.shown(
            chosen, self.networks.classifiers, time_s, self.settings.smoothing_time_constant
        )

    def _average(
        self,
        chosen: list[Track],
        shown: list[Shown],
        predictions: dict[str, list[Classification | None]],
        time_s: float,
    ) -> None:
        """Average the predictions over time."""
        for name, classifier in self.networks.classifiers.items():
            for track, how, prediction in zip(chosen, shown, predictions[name]):
                self._history.add(
                    track,
                    name,
                    classifier,
                    prediction,
                    time_s,
                    self.settings.smoothing_time_constant,
                    how if classifier.mirror else Shown.BOTH,
                )

    def _face(self, track: Track) -> Face:
        """Join a face and what is known of it."""
        gender = self._history.get(track.id, 'gender', self.networks.gender)
        emotion = self._history.get(track.id, 'emotion', self.networks.emotion)
        plain = self.settings.min_confidence
        least = {
            'gender': gender.least(plain['gender']),
            'emotion': emotion.least(plain['emotion']),
        }
        return Face(
            track.box,
            track.score,
            judged(gender.smooth, 'gender', least),
            judged(emotion.smooth, 'emotion', least),
            track.id,
            judged(gender.raw, 'gender', plain),
            judged(emotion.raw, 'emotion', plain),
        )


def _detector(settings: PipelineSettings) -> tuple:
    """Return what of the settings says which faces are found."""
    return (
        settings.detector_type,
        settings.detector_model,
        settings.detector_input_size,
        settings.detector_score_threshold,
    )
