"""What a pipeline is made of, and how it spends its time."""

from __future__ import annotations

from dataclasses import dataclass


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
