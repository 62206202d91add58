"""One camera's images, one after the other: who is who, and what is known of them."""

from __future__ import annotations

import numpy as np

from .attributes.history import LabelHistory
from .attributes.mirror import Shown
from .looks import DetectionTurns, Look
from .networks import FaceNetworks, check_image, judged, visible
from .settings import PipelineSettings
from .stream_clock import StreamClock, clock_time
from .timing import Stopwatch, Timings
from .tracking.tracker import Tracker
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
        self._clock = StreamClock()
        self._turns = DetectionTurns()
        self._width = self._height = 0

    def reset(self) -> None:
        """Forget all faces: the next image has nothing to do with those before it."""
        self._clock.reset()
        self._turns.reset()
        self._forget()

    def _forget(self) -> None:
        self._tracker.reset()
        self._history.reset()

    def __call__(self, image_bgr: np.ndarray, time_s: float) -> FrameResult:
        """
        Process a uint8 ``[H, W, 3]`` BGR image that was taken at ``time_s`` of any clock.

        An image that is a little older than the one before is taken for one out of order; after
        a larger step back all begins anew (see ``tracking.tracker``).  Where the clock stands
        time is taken to go on (see ``stream_clock``).  Raises ``ImageError`` for an array of
        another kind, or a time that is none.
        """
        return self.follow(image_bgr, self.look(image_bgr, time_s))

    def look(self, image_bgr: np.ndarray, time_s: float) -> Look:
        """
        Run the detector, if it is its turn: the first half of a call.

        It needs nothing of the second half, and so may be images ahead, in a thread of its own.
        """
        check_image(image_bgr)
        time_s = self._clock.of(clock_time(time_s))
        turn = self._turns.take(time_s, self.settings, image_bgr.shape[:2])
        if not turn.due:
            return Look(None, turn, time_s, 0.0)
        watch = Stopwatch()
        # A face that was just there need not be as sure as a new one.
        detections = self.networks.detect(image_bgr, self.settings.tracker_faint_share)
        return Look(detections, turn, time_s, watch.lap())

    def follow(self, image_bgr: np.ndarray, look: Look) -> FrameResult:
        """Say who is who, and ask about the faces: the second half, in the images' order."""
        time_s = look.time_s
        if look.turn.anew:
            self._forget()
        height, width = image_bgr.shape[:2]
        if look.turn.redrawn:
            self._tracker.expect_other_boxes(width / self._width, height / self._height)
        self._width, self._height = width, height
        watch = Stopwatch()
        tracks = self._follow(look.detections, time_s, width, height)
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
            Timings(detect=look.seconds, track=track_time, classify=watch.lap()),
            look.detections is not None,
            len(chosen),
            len(followed),
            followed,
        )

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
        most = self.settings.max_faces or len(tracks)
        self._history.forget_older(tracks[most:], time_s - self.settings.tracker_max_age)
        return self._history.due(
            tracks[:most],
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
