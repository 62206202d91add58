"""The networks that find faces and label them: what they say of one image by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .attributes.classifier import Classifier
from .attributes.mirror import Shown
from .detectors import Detector, make_detector
from .errors import ImageError, ModelError, SettingsError
from .onnx_models import load_classifier
from .resources import model_path
from .settings import PipelineSettings
from .timing import Stopwatch, Timings
from .types import (
    EMOTIONS,
    GENDERS,
    Box,
    Classification,
    Detection,
    Face,
    FrameResult,
    Track,
)


@dataclass(frozen=True)
class FaceNetworks:
    """
    A detector, and the classifiers of the attributes of faces; ``None`` leaves one out.

    They know nothing of the images before: several streams and threads may share them.
    """

    detector: Detector
    emotion: Classifier | None = None
    gender: Classifier | None = None

    @classmethod
    def load(
        cls,
        settings: PipelineSettings | None = None,
        former: FaceNetworks | None = None,
        former_settings: PipelineSettings | None = None,
    ) -> FaceNetworks:
        """
        Load what the settings name (default: the shipped models).

        What ``former`` has loaded under ``former_settings``, and the settings do not change, is
        shared.  Raises ``ModelError`` or ``DetectorError`` with what is wrong and what to do;
        ``former`` is then as it was.
        """
        settings = PipelineSettings() if settings is None else settings
        if not isinstance(settings, PipelineSettings):
            raise SettingsError(
                f'the settings are a {type(settings).__name__}: give PipelineSettings(...), from '
                'face_perception.core.settings'
            )

        kept = former if former_settings is not None else None

        def changed(*names: str) -> bool:
            return any(getattr(settings, name) != getattr(former_settings, name) for name in names)

        same_detector = kept is not None and not changed(
            'detector_type', 'detector_model', 'detector_score_threshold', 'num_threads'
        )
        networks = cls(
            kept.detector if kept is not None and same_detector else _detector(settings),
            _classifier(settings.emotion_model, 'emotion', EMOTIONS, settings.num_threads)
            if kept is None or changed('emotion_model', 'num_threads')
            else kept.emotion,
            _classifier(settings.gender_model, 'gender', GENDERS, settings.num_threads)
            if kept is None or changed('gender_model', 'num_threads')
            else kept.gender,
        )
        cv2.setNumThreads(settings.num_threads)
        if same_detector and changed('detector_input_size'):
            networks.detector.input_size = settings.detector_input_size
        return networks

    def __call__(
        self,
        image_bgr: np.ndarray,
        max_faces: int = 0,
        min_confidence: Mapping[str, float] | None = None,
    ) -> FrameResult:
        """
        Say what is in a uint8 ``[H, W, 3]`` BGR image that has nothing to do with others.

        At most ``max_faces`` are classified (0: all), the largest; they have no ``track_id``.
        A label is named from its task's ``min_confidence`` on (see ``Classification``).
        Raises ``ImageError`` for an array of another kind.
        """
        check_image(image_bgr)
        watch = Stopwatch()
        detections = self.detect(image_bgr)
        detect_time = watch.lap()
        chosen = detections[: max_faces or None]
        predictions = self.classify(image_bgr, [detection.box for detection in chosen])
        faces = []
        for index, detection in enumerate(detections):
            gender, emotion = (
                judged(predictions[name][index], name, min_confidence)
                if name in predictions and index < len(chosen)
                else None
                for name in ('gender', 'emotion')
            )
            faces.append(
                Face(
                    detection.box,
                    detection.score,
                    gender,
                    emotion,
                    gender_raw=gender,
                    emotion_raw=emotion,
                )
            )
        return FrameResult(
            image_bgr.shape[1],
            image_bgr.shape[0],
            faces,
            Timings(detect=detect_time, classify=watch.lap()),
            classified=len(chosen) if self.classifiers else 0,
            tracks=len(faces),
        )

    @property
    def classifiers(self) -> dict[str, Classifier]:
        """Return the classifiers in use, by what they tell."""
        attributes = {'gender': self.gender, 'emotion': self.emotion}
        return {name: classifier for name, classifier in attributes.items() if classifier}

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """Find the faces, largest first, clipped to the image; see ``Detector``."""
        height, width = image_bgr.shape[:2]
        return visible(self.detector.detect(image_bgr, faint_share), width, height)

    def classify(
        self,
        image_bgr: np.ndarray,
        boxes: Sequence[Box],
        shown: Sequence[Shown] | None = None,
    ) -> dict[str, list[Classification | None]]:
        """
        Classify the faces at ``boxes`` by each network, in one call for all of them.

        ``shown`` says how each is shown to networks that want the mirror image too (default:
        with it).

        Returns per task (``emotion``, ``gender``) one prediction per face, in their order,
        ``None`` where a network has given none that could be used.
        """
        return {
            name: classifier.classify(image_bgr, boxes, shown)
            for name, classifier in self.classifiers.items()
        }

    def take_faults(self) -> dict[str, str]:
        """Return by task what was wrong with predictions since this was last called."""
        faults = {name: classifier.take_fault() for name, classifier in self.classifiers.items()}
        return {name: fault for name, fault in faults.items() if fault}


def judged(
    prediction: Classification | None, task: str, min_confidence: Mapping[str, float] | None
) -> Classification | None:
    """Return a prediction with what ``min_confidence`` asks of those of ``task``."""
    least = (min_confidence or {}).get(task, 0.0)
    if prediction is None or not least:
        return prediction
    return Classification(prediction.labels, prediction.probabilities, least)


def visible(found: Sequence[Detection | Track], width: int, height: int) -> list:
    """Return what lies in the image, clipped to it, the largest first."""
    clipped = (replace(each, box=each.box.clipped(width, height)) for each in found)
    # A total order: the same image gives the same list, whatever the detector's order.
    return sorted(
        (each for each in clipped if each.box.area > 0),
        key=lambda each: (-each.box.area, each.box.x, each.box.y),
    )


def check_image(image: np.ndarray) -> None:
    """Raise ``ImageError`` unless it is a uint8 ``[H, W, 3]`` image that is not empty."""
    if image is None:
        raise ImageError(
            'array',
            'the pipeline takes a uint8 [H, W, 3] BGR image, not None, which cv2.imread returns '
            'for a file that is missing or that it cannot read: check its path',
        )
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


def _detector(settings: PipelineSettings) -> Detector:
    model = model_path(settings.detector_model) if settings.detector_model else None
    return make_detector(
        settings.detector_type,
        settings.detector_input_size,
        settings.detector_score_threshold or None,
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
