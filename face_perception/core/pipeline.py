"""From an image to labelled faces, without ROS."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .classifier import Classifier
from .detectors import Detector, make_detector
from .errors import ImageError, ModelError
from .models import load_classifier
from .resources import model_path
from .timing import Stopwatch
from .types import EMOTIONS, GENDERS, Detection, Face, FrameResult, Timings


@dataclass(frozen=True)
class PipelineSettings:
    """
    What a pipeline is made of.

    A model is the bare name of one of the package's own files, a path to a file of yours, or
    ``''`` to leave the question unasked.  ``num_threads`` is the number of CPU threads that
    OpenCV and each network may use.
    """

    detector_type: str = 'haar'
    detector_input_size: int = 400
    detector_score_threshold: float = 0.5
    emotion_model: str = 'emotion_mini_xception.onnx'
    gender_model: str = 'gender_mini_xception.onnx'
    num_threads: int = 1


class FacePipeline:
    """
    Finds the faces in an image and labels them.

    >>> pipeline = FacePipeline.load()
    >>> result = pipeline(image_bgr)
    >>> [(face.box, face.emotion.label) for face in result.faces]
    """

    def __init__(
        self,
        detector: Detector,
        emotion: Classifier | None = None,
        gender: Classifier | None = None,
    ):
        self.detector = detector
        self.emotion = emotion
        self.gender = gender

    @classmethod
    def load(cls, settings: PipelineSettings | None = None) -> FacePipeline:
        """
        Make a pipeline from settings (default: the shipped models).

        Raises ``ModelError`` or ``DetectorError`` with what is wrong and what to do.
        """
        settings = settings or PipelineSettings()
        cv2.setNumThreads(settings.num_threads)
        return cls(
            make_detector(settings.detector_type, settings.detector_input_size,
                          settings.detector_score_threshold),
            _classifier(settings.emotion_model, 'emotion', EMOTIONS, settings.num_threads),
            _classifier(settings.gender_model, 'gender', GENDERS, settings.num_threads))

    def __call__(self, image_bgr: np.ndarray) -> FrameResult:
        """
        Process one uint8 ``[H, W, 3]`` BGR image.

        Raises ``ImageError`` for an array of another kind.
        """
        _check_image(image_bgr)
        height, width = image_bgr.shape[:2]
        watch = Stopwatch()
        detections = self.detect(image_bgr)
        detect_time = watch.lap()
        faces = self.classify(image_bgr, detections)
        return FrameResult(width, height, faces, Timings(detect_time, 0.0, watch.lap()))

    def detect(self, image_bgr: np.ndarray) -> list[Detection]:
        """Find the faces, largest first, clipped to the image."""
        height, width = image_bgr.shape[:2]
        clipped = (Detection(found.box.clipped(width, height), found.score)
                   for found in self.detector.detect(image_bgr))
        # A total order: the same image gives the same list, whatever the detector's order.
        return sorted(
            (found for found in clipped if found.box.area > 0),
            key=lambda found: (-found.box.area, found.box.x, found.box.y))

    def classify(self, image_bgr: np.ndarray, detections: list[Detection]) -> list[Face]:
        """Label the faces: one call per network for all of them."""
        boxes = [found.box for found in detections]
        unasked = [None] * len(boxes)
        genders = self.gender.classify(image_bgr, boxes) if self.gender else unasked
        emotions = self.emotion.classify(image_bgr, boxes) if self.emotion else unasked
        return [
            Face(found.box, found.score, gender, emotion)
            for found, gender, emotion in zip(detections, genders, emotions)
        ]


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
            f"subset of {', '.join(known_labels)}")
    return Classifier(model)


def _check_image(image: np.ndarray) -> None:
    if (not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3
            or image.shape[2] != 3 or 0 in image.shape):
        kind = (f'{image.dtype} {list(image.shape)}' if isinstance(image, np.ndarray)
                else type(image).__name__)
        raise ImageError(
            'array',
            f'the pipeline takes a uint8 [H, W, 3] BGR image, not {kind}: convert it first')
