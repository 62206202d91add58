"""What is loaded, and what is shared when settings change."""

import pytest

from face_perception.core.errors import DetectorError
from face_perception.core.networks import FaceNetworks
from face_perception.core.settings import PipelineSettings

OFF = {'emotion_model': '', 'gender_model': ''}


def test_what_did_not_change_is_shared(make_model):
    path = str(make_model())
    settings = PipelineSettings(emotion_model=path, gender_model='')
    old = FaceNetworks.load(settings)
    more = PipelineSettings(emotion_model=path, gender_model='', max_faces=3)
    new = FaceNetworks.load(more, old, settings)
    assert new.detector is old.detector and new.emotion is old.emotion
    newer = FaceNetworks.load(PipelineSettings(**OFF, detector_score_threshold=0.9), new, more)
    assert newer.emotion is None and newer.detector is not new.detector


def test_what_was_there_stays_as_it_was_where_the_new_cannot_be_loaded():
    settings = PipelineSettings(**OFF)
    old = FaceNetworks.load(settings)
    with pytest.raises(DetectorError, match='needs a file'):
        FaceNetworks.load(PipelineSettings(**OFF, detector_type='yunet'), old, settings)
    assert old.detector.input_size == settings.detector_input_size


def test_the_detectors_size_changes_without_loading_it_again():
    settings = PipelineSettings(**OFF)
    networks = FaceNetworks.load(settings)
    networks.detector.input_size = 200
    more = PipelineSettings(**OFF, max_faces=1)
    changed = FaceNetworks.load(more, networks, settings)
    assert changed.detector is networks.detector and changed.detector.input_size == 200
    resized = FaceNetworks.load(PipelineSettings(**OFF, detector_input_size=300), changed, more)
    assert resized.detector is networks.detector and resized.detector.input_size == 300
