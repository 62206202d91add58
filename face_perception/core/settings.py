"""The settings of the pipeline: what each means, its default, and which values it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

from .detectors import DETECTORS
from .errors import SettingsError

_WHERE = 'a bare name is one of the package, anything else a path'


@dataclass(frozen=True)
class Setting:
    """
    What a setting means and which values it takes.

    ``parameter`` is its name in the node, ``help`` a sentence without its end, and ``noun`` what
    its values are.
    """

    parameter: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    noun: str = 'a number'

    def remedy(self, value: Any) -> str:
        """Return which values can be used where ``value``, of the right type, cannot; or ''."""
        if self.choices and value not in self.choices:
            return f'use one of {", ".join(self.choices)}'
        if (
            self.minimum is not None
            and self.maximum is not None
            and not self.minimum <= value <= self.maximum
        ):
            return f'use {self.minimum} to {self.maximum}'
        return ''


def _setting(default, *description, **limits):
    return field(default=default, metadata={'setting': Setting(*description, **limits)})


@dataclass(frozen=True)
class PipelineSettings:
    """
    What a pipeline is made of, and how it spends its time; ``SETTINGS`` says what each means.

    A model is the bare name of one of the package's own files, a path to a file of yours, or
    ``''`` to leave that attribute out, or for ``detector_model`` to use the package's own.

    Raises ``SettingsError`` for a value that cannot be used.
    """

    detector_type: str = _setting(
        'onnx', 'detector.type', 'which detector finds the faces', choices=tuple(DETECTORS)
    )
    detector_input_size: int = _setting(
        480,
        'detector.input_size',
        'long side in pixels to which an image is shrunk for detection: smaller is faster, '
        'larger finds smaller faces',
        64,
        4096,
        noun='a size in pixels',
    )
    detector_score_threshold: float = _setting(
        0.0,
        'detector.score_threshold',
        'faces with a lower score are dropped; 0 is what the detector recommends',
        0.0,
        1.0,
    )
    detector_model: str = _setting(
        '',
        'detector.model',
        f"file of the types 'onnx' and 'yunet': {_WHERE}; '' is the package's own",
    )
    emotion_model: str = _setting(
        'emotion_mini_xception.onnx', 'emotion.model', f'ONNX file: {_WHERE}'
    )
    gender_model: str = _setting(
        'gender_mini_xception.onnx', 'gender.model', f'ONNX file: {_WHERE}'
    )
    emotion_min_confidence: float = _setting(
        0.3,
        'emotion.min_confidence',
        'an emotion less probable than this is not named; its probabilities stay',
        0.0,
        1.0,
        noun='a probability',
    )
    gender_min_confidence: float = _setting(
        0.6,
        'gender.min_confidence',
        'a gender less probable than this is not named; its probabilities stay',
        0.0,
        1.0,
        noun='a probability',
    )
    num_threads: int = _setting(
        1,
        'num_threads',
        'CPU threads for OpenCV and for each network; 1 leaves the others to other programs',
        1,
        64,
        noun='a number of threads',
    )
    detector_interval: int = _setting(
        1,
        'detector.interval',
        'detect on every n-th image; in between the boxes are predicted',
        1,
        100,
        noun='a number of images',
    )
    detector_max_rate: float = _setting(
        15.0,
        'detector.max_rate',
        'detect at most so often a second where faces are followed; in between the boxes are '
        'predicted; 0 is no limit',
        0.0,
        1000.0,
        noun='a rate in Hz',
    )
    classifier_interval: int = _setting(
        2,
        'classifier.interval',
        'classify each face on every n-th image, in turns; new ones, and all that are not '
        'followed, at once',
        1,
        100,
        noun='a number of images',
    )
    classifier_max_rate: float = _setting(
        7.5,
        'classifier.max_rate',
        'classify each face at most so often a second, in turns; new ones, and all that are not '
        'followed, at once; 0 is no limit',
        0.0,
        1000.0,
        noun='a rate in Hz',
    )
    max_faces: int = _setting(
        0,
        'max_faces',
        'faces per image that are classified at most, the largest; all are found; 0 is no limit',
        0,
        1000,
        noun='a number of faces',
    )
    tracker_max_age: float = _setting(
        1.0,
        'tracker.max_age',
        'seconds after which a face that is not seen is forgotten',
        0.0,
        60.0,
        noun='a number of seconds',
    )
    tracker_faint_share: float = _setting(
        0.6,
        'tracker.faint_share',
        "share of the detector's threshold down to which a face that is followed stays one, and "
        'a new one may begin quietly; 1 is off',
        0.1,
        1.0,
        noun='a share',
    )
    tracker_confirmations: int = _setting(
        3,
        'tracker.confirmations',
        'further detections that must find a face again, of which the first was not sure, before '
        'it is published; 0 is never',
        0,
        100,
        noun='a number of detections',
    )
    smoothing_time_constant: float = _setting(
        0.5,
        'smoothing.time_constant',
        'seconds over which the labels of a face are averaged; 0 is off',
        0.0,
        60.0,
        noun='a number of seconds',
    )

    @property
    def min_confidence(self) -> dict[str, float]:
        """Return how probable a label must be to be named, by task."""
        return {'gender': self.gender_min_confidence, 'emotion': self.emotion_min_confidence}

    def __post_init__(self):
        """Raise ``SettingsError`` unless all can be used."""
        for name, setting in SETTINGS.items():
            value, default = getattr(self, name), DEFAULTS[name]
            kind, wanted = _kind(default)
            if isinstance(value, bool) or not isinstance(value, kind):
                raise SettingsError(f'{name} is {value!r}: give {wanted}')
            if remedy := setting.remedy(value):
                raise SettingsError(f'{name} is {value!r}: {remedy}')


def _kind(default: object) -> tuple[type, str]:
    """Return what a value has to be, by its default, and in words."""
    if isinstance(default, str):
        return str, 'a string'
    if isinstance(default, int):
        return Integral, 'an integer'
    return Real, 'a number'


#: What each setting means, and its default, by its name.
SETTINGS: Mapping[str, Setting] = {
    each.name: each.metadata['setting'] for each in fields(PipelineSettings)
}
DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(PipelineSettings)}
