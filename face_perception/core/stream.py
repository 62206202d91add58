"""From an image to labelled faces, without ROS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .attributes.classifier import Classifier
from .attributes.history import AnswerBook
from .detectors import Detector, make_detector
from .errors import ImageError, ModelError
from .onnx_models import load_classifier
from .resources import model_path
from .timing import Stopwatch
from .tracking.tracker import Tracker
from .types import (
    EMOTIONS,
    GENDERS,
    Classification,
    Detection,
    Face,
    FrameResult,
    Timings,
    Track,
)

#: In images that follow each other a face that is there stays one down to this share of the
#: detector's threshold.
FAINT_SHARE = 0.6


@dataclass(frozen=True)
class PipelineSettings:
    """
    What a pipeline is made of, and how it spends its time.

    A model is the bare name of one of the package's own files, a path to a file of yours, or
    ``''`` to leave the question unasked, or for ``detector_model`` to use the package's own.
    ``num_threads`` is the number of CPU threads that OpenCV and each network may use, and the
    score threshold ``None`` what the detector recommends.

    The rest is for images that follow each other: the detector runs on every
    ``detector_interval``-th, and each face is classified on every ``classifier_interval``-th, at
    most ``max_faces`` of an image (0: all), the largest.  A face unseen for ``tracker_max_age``
    seconds is forgotten, and answers are averaged over ``smoothing_time_constant`` seconds.
    """

    detector_type: str = 'onnx'
    detector_input_size: int = 480
    detector_score_threshold: float | None = None
    detector_model: str = ''
    emotion_model: str = 'emotion_mini_xception.onnx'
    gender_model: str = 'gender_mini_xception.onnx'
    num_threads: int = 1
    detector_interval: int = 1
    classifier_interval: int = 2
    max_faces: int = 0
    tracker_max_age: float = 1.0
    smoothing_time_constant: float = 0.5


class FacePipeline:
    """
    Finds the faces in an image and labels them.

    >>> pipeline = FacePipeline.load()
    >>> result = pipeline(image_bgr)
    >>> [(face.box, face.emotion.label) for face in result.faces]

    With the time at which each image was taken, faces are followed from image to image:

    >>> result = pipeline(image_bgr, time_s=0.033)
    >>> [(face.track_id, face.emotion.label) for face in result.faces]
    """

    def __init__(
        self,
        detector: Detector,
        emotion: Classifier | None = None,
        gender: Classifier | None = None,
        settings: PipelineSettings | None = None,
    ):
        self.detector = detector
        self.emotion = emotion
        self.gender = gender
        self.settings = settings or PipelineSettings()
        self._memory = _Memory()

    @classmethod
    def load(
        cls, settings: PipelineSettings | None = None, former: FacePipeline | None = None
    ) -> FacePipeline:
        """
        Make a pipeline from settings (default: the shipped models).

        What ``former`` has already loaded and settings do not change is shared, and the faces
        that it follows are taken over; do not use it any more.

        Raises ``ModelError`` or ``DetectorError`` with what is wrong and what to do; ``former``
        is then as it was.
        """
        settings = settings or PipelineSettings()

        def unchanged(*names: str) -> bool:
            return former is not None and all(
                getattr(settings, name) == getattr(former.settings, name) for name in names
            )

        same_detector = unchanged(
            'detector_type', 'detector_model', 'detector_score_threshold', 'num_threads'
        )
        detector = former.detector if same_detector else _detector(settings)
        emotion = (
            former.emotion
            if unchanged('emotion_model', 'num_threads')
            else _classifier(settings.emotion_model, 'emotion', EMOTIONS, settings.num_threads)
        )
        gender = (
            former.gender
            if unchanged('gender_model', 'num_threads')
            else _classifier(settings.gender_model, 'gender', GENDERS, settings.num_threads)
        )
        cv2.setNumThreads(settings.num_threads)
        pipeline = cls(detector, emotion, gender, settings)
        if former is not None:
            pipeline._memory = former._memory
            if not unchanged('detector_input_size'):
                detector.input_size = settings.detector_input_size
        return pipeline

    def __call__(self, image_bgr: np.ndarray, time_s: float | None = None) -> FrameResult:
        """
        Process one uint8 ``[H, W, 3]`` BGR image.

        ``time_s`` is when it was taken, in seconds of any clock; ``None`` is for a picture that
        has nothing to do with those before it.

        Raises ``ImageError`` for an array of another kind.
        """
        _check_image(image_bgr)
        height, width = image_bgr.shape[:2]
        memory = _Memory() if time_s is None else self._memory
        watch = Stopwatch()
        detecting = memory.detector_is_due(self.settings.detector_interval)
        # A face that was just there need not be as sure as a new one.
        share = FAINT_SHARE if memory is self._memory else 1.0
        detections = self.detect(image_bgr, share) if detecting else None
        detect_time = watch.lap()
        tracks = self._track(memory, detections, time_s or 0.0, width, height)
        track_time = watch.lap()
        chosen = self._choose(memory, tracks)
        answers = self.classify(image_bgr, chosen)
        faces = self._smooth(memory, tracks, chosen, answers, time_s or 0.0)
        return FrameResult(
            width,
            height,
            faces,
            Timings(detect_time, track_time, watch.lap()),
            detecting,
            len(chosen),
            len(memory.tracker),
        )

    @property
    def questions(self) -> dict[str, Classifier]:
        """Return the classifiers in use, by what they answer."""
        asked = {'gender': self.gender, 'emotion': self.emotion}
        return {name: classifier for name, classifier in asked.items() if classifier}

    def reset(self) -> None:
        """Forget all faces: the next image has nothing to do with those before it."""
        self._memory.reset()

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """Find the faces, largest first, clipped to the image; see ``Detector``."""
        height, width = image_bgr.shape[:2]
        self.detector.faint_share = faint_share
        return _visible(self.detector.detect(image_bgr), width, height)

    def classify(
        self, image_bgr: np.ndarray, faces: Sequence[Detection | Track]
    ) -> dict[str, list[Classification]]:
        """
        Ask each network about the faces, in one call for all of them.

        Returns per question (``emotion``, ``gender``) one answer per face, in their order.
        """
        boxes = [face.box for face in faces]
        return {
            name: classifier.classify(image_bgr, boxes)
            for name, classifier in self.questions.items()
        }

    def _track(
        self,
        memory: _Memory,
        detections: list[Detection] | None,
        time_s: float,
        width: int,
        height: int,
    ) -> list[Track]:
        """Say which face is which; without detections, where the faces are by now."""
        if detections is None:
            return _visible(memory.tracker.predict(time_s), width, height)
        return memory.tracker.update(detections, time_s, self.settings.tracker_max_age)

    def _choose(self, memory: _Memory, tracks: list[Track]) -> list[Track]:
        """Return the faces that are classified in this image."""
        memory.answers.keep(memory.tracker.ids)
        return memory.answers.due(
            tracks[: self.settings.max_faces or None],
            self.questions,
            self.settings.classifier_interval,
        )

    def _smooth(
        self,
        memory: _Memory,
        tracks: list[Track],
        chosen: list[Track],
        answers: dict[str, list[Classification]],
        time_s: float,
    ) -> list[Face]:
        """Average the answers over time, and join them to the faces."""
        for name, said in answers.items():
            for track, answer in zip(chosen, said):
                memory.answers.add(
                    track,
                    name,
                    self.questions[name],
                    answer,
                    time_s,
                    self.settings.smoothing_time_constant,
                )
        followed = memory is self._memory
        faces = []
        for track in tracks:
            gender = memory.answers.get(track.id, 'gender', self.gender)
            emotion = memory.answers.get(track.id, 'emotion', self.emotion)
            faces.append(
                Face(
                    track.box,
                    track.score,
                    gender.smooth,
                    emotion.smooth,
                    track.id if followed else '',
                    gender.raw,
                    emotion.raw,
                )
            )
        return faces


class _Memory:
    """What a pipeline knows from the images before."""

    def __init__(self):
        self.tracker = Tracker()
        self.answers = AnswerBook()
        self._since_detection: int | None = None

    def reset(self) -> None:
        """Forget all faces, and detect on the next image."""
        self.tracker.reset()
        self.answers.reset()
        self._since_detection = None

    def detector_is_due(self, interval: int) -> bool:
        """Count an image; return whether the detector runs on it."""
        since = self._since_detection
        due = since is None or since + 1 >= interval
        self._since_detection = 0 if due else since + 1
        return due


def _visible(found: Sequence[Detection | Track], width: int, height: int) -> list:
    """Return what lies in the image, clipped to it, the largest first."""
    clipped = (replace(each, box=each.box.clipped(width, height)) for each in found)
    # A total order: the same image gives the same list, whatever the detector's order.
    return sorted(
        (each for each in clipped if each.box.area > 0),
        key=lambda each: (-each.box.area, each.box.x, each.box.y),
    )


def _detector(settings: PipelineSettings) -> Detector:
    model = model_path(settings.detector_model) if settings.detector_model else None
    return make_detector(
        settings.detector_type,
        settings.detector_input_size,
        settings.detector_score_threshold,
        model,
        settings.num_threads,
    )


def _classifier(
    name: str, task: str, known_labels: tuple[str, ...], num_threads: int
) -> Classifier | None:
    if not name:
        return None
    model = load_classifier(model_path(name), task, num_threads)
    unknown = [label for label in model.labels if label not in known_labels]
    if unknown:
        raise ModelError(
            f"model file '{model.path}' has labels {unknown} that no message can carry: use a "
            f'subset of {", ".join(known_labels)}'
        )
    return Classifier(model)


def _check_image(image: np.ndarray) -> None:
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or 0 in image.shape
    ):
        kind = (
            f'{image.dtype} {list(image.shape)}'
            if isinstance(image, np.ndarray)
            else type(image).__name__
        )
        raise ImageError(
            'array', f'the pipeline takes a uint8 [H, W, 3] BGR image, not {kind}: convert it first'
        )
