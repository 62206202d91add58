"""A network may say that it does not know: what is not sure enough is not named."""

from types import SimpleNamespace

import numpy as np
import pytest

from face_perception.core.errors import SettingsError
from face_perception.core.networks import FaceNetworks
from face_perception.core.settings import PipelineSettings
from face_perception.core.stream import FaceStream
from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Detection, Face
from face_perception.media.messages.fields import face_fields
from face_perception.visuals.boxes import label

IMAGE = np.zeros((60, 80, 3), np.uint8)


class Predictions:
    """A classifier that always says the same."""

    mirror = False

    def __init__(self, labels, *probabilities):
        self.prediction = Classification(labels, np.array(probabilities, np.float32))

    def classify(self, image, boxes, shown=None):
        return [self.prediction for _ in boxes]


@pytest.fixture
def networks():
    """Return networks that see one face: female with 0.7, angry with 0.4."""
    detector = SimpleNamespace(
        detect=lambda image, faint_share=1.0: [Detection(Box(10, 10, 30, 30), 0.9)]
    )
    return FaceNetworks(
        detector,
        emotion=Predictions(EMOTIONS, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
        gender=Predictions(GENDERS, 0.7, 0.3),
    )


def test_a_prediction_is_named_from_its_least_confidence_on():
    probabilities = np.array([0.75, 0.25], np.float32)
    for least, named in ((0.0, 'female'), (0.75, 'female'), (0.8, '')):
        prediction = Classification(GENDERS, probabilities, least)
        assert prediction.label == named and prediction.confidence == 0.75
    assert Classification(GENDERS, probabilities) != Classification(GENDERS, probabilities, 0.8)


def test_an_image_by_itself_gets_the_predictions_that_are_sure(networks):
    settings = PipelineSettings(gender_min_confidence=0.8, emotion_min_confidence=0.3)
    (face,) = networks(IMAGE, 0, settings.min_confidence).faces
    assert (face.gender.label, face.emotion.label) == ('', 'angry')
    np.testing.assert_allclose(face.gender.probabilities, [0.7, 0.3])


def test_a_stream_obeys_settings_that_change(networks):
    stream = FaceStream(networks, PipelineSettings())
    (face,) = stream(IMAGE, 0.0).faces
    assert (face.gender.label, face.emotion.label) == ('female', 'angry')
    stream.settings = PipelineSettings(gender_min_confidence=0.6, emotion_min_confidence=0.5)
    (face,) = stream(IMAGE, 0.1).faces
    assert (face.gender.label, face.emotion.label) == ('female', '')
    assert face.emotion.confidence == pytest.approx(0.4)
    np.testing.assert_allclose(face.emotion.probabilities[0], 0.4, rtol=1e-6)
    stream.settings = PipelineSettings()
    (face,) = stream(IMAGE, 0.2).faces
    assert face.emotion.label == 'angry'


def test_messages_say_undefined_and_keep_the_probabilities():
    face = Face(
        Box(0, 0, 9, 9),
        0.9,
        Classification(GENDERS, np.array([0.7, 0.3], np.float32), 0.9),
        Classification(EMOTIONS, np.full(7, 1 / 7, np.float32), 0.5),
    )
    fields = face_fields(face)
    assert (fields['gender'], fields['emotion']) == (0, '')
    assert fields['gender_confidence'] == pytest.approx(0.7)
    assert fields['emotion_probabilities'].sum() == pytest.approx(1)
    assert label(face) == 'face 90%'


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan'), '0.5'])
def test_a_confidence_is_a_probability(value):
    for name in ('gender_min_confidence', 'emotion_min_confidence'):
        with pytest.raises(SettingsError, match=name):
            PipelineSettings(**{name: value})
