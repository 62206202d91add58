import numpy as np
import pytest

from face_perception.core.attributes.history import SURER, LabelHistory, SmoothedLabel
from face_perception.core.types import GENDERS, Box, Classification, Track


def named(label, confidence, asked):
    """Say ``confidence`` once more, and return whether that is named."""
    label.add(Classification(GENDERS, np.array([confidence, 1 - confidence])), 0.0, 0.0)
    return label.smooth.confidence >= label.least(asked)


def test_a_label_that_was_doubted_comes_back_only_when_it_is_surer():
    label = SmoothedLabel(None)
    said = [0.61, 0.59, 0.61, 0.59, 0.65, 0.61 + SURER, 0.61, 0.59, 0.61]
    assert [named(label, each, 0.6) for each in said] == [
        *(True, False, False, False, False, True, True, False, False)
    ]


def test_nothing_less_sure_than_asked_is_named_and_the_surest_always_is():
    label = SmoothedLabel(None)
    assert [named(label, each, 0.97) for each in (0.5, 0.96, 0.99)] == [False, False, True]


@pytest.mark.parametrize('asked', [0.0, 0.55])
def test_what_was_doubted_under_another_setting_is_not_held_against_it(asked):
    label = SmoothedLabel(None)
    assert not named(label, 0.58, 0.6)
    assert named(label, 0.58, asked)


def test_a_face_that_was_never_asked_has_no_label():
    history, track = LabelHistory(), Track('1', Box(0, 0, 10, 10), 0.9)
    assert history.get(track.id, 'gender', None).smooth is None
    assert history.get(track.id, 'gender', None).least(0.6) == 0.6
