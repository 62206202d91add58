"""Settings are checked where they are made, and said once for node, command and documents."""

import pytest

from face_perception.core.errors import SettingsError
from face_perception.core.settings import DEFAULTS, SETTINGS, PipelineSettings


def test_the_defaults_can_be_used():
    assert vars(PipelineSettings()) == DEFAULTS


@pytest.mark.parametrize(
    ('name', 'value', 'sentence'),
    [
        ('classifier_interval', 0, 'classifier_interval is 0: use 1 to 100'),
        ('max_faces', -1, 'max_faces is -1: use 0 to 1000'),
        ('detector_interval', 2.0, 'detector_interval is 2.0: give an integer'),
        ('detector_max_rate', -1.0, 'detector_max_rate is -1.0: use 0.0 to 1000.0'),
        ('classifier_max_rate', 'x', "classifier_max_rate is 'x': give a number"),
        ('num_threads', True, 'num_threads is True: give an integer'),
        ('tracker_max_age', float('nan'), 'tracker_max_age is nan: use 0.0 to 60.0'),
        ('smoothing_time_constant', '1', "smoothing_time_constant is '1': give a number"),
        ('detector_score_threshold', None, 'detector_score_threshold is None: give a number'),
        ('detector_type', 'magic', "detector_type is 'magic': use one of haar, onnx, yunet"),
        ('emotion_model', None, 'emotion_model is None: give a string'),
    ],
)
def test_what_cannot_be_used_is_said_with_what_can(name, value, sentence):
    with pytest.raises(SettingsError) as error:
        PipelineSettings(**{name: value})
    assert str(error.value) == sentence


def test_whole_numbers_are_numbers_too():
    assert PipelineSettings(tracker_max_age=2).tracker_max_age == 2


@pytest.mark.parametrize('name', SETTINGS)
def test_the_limits_themselves_can_be_used_and_nothing_beyond(name):
    setting = SETTINGS[name]
    for choice in setting.choices:
        PipelineSettings(**{name: choice})
    if setting.minimum is not None:
        kind = type(DEFAULTS[name])
        for value in (setting.minimum, setting.maximum):
            PipelineSettings(**{name: kind(value)})
        for value in (setting.minimum - 1, setting.maximum + 1):
            with pytest.raises(SettingsError):
                PipelineSettings(**{name: kind(value)})
