import re

import cv2
import numpy as np
import pytest

pytest.importorskip('skimage', reason='the sample needs scikit-image (the extra demo)')

from face_perception.core.detectors import make_detector
from face_perception.core.extras import install_command
from face_perception.core.settings import PipelineSettings
from face_perception.media.errors import SourceError
from face_perception.media.sample import portrait
from face_perception.media.sample.sample import LOOP_S, SampleScene


@pytest.fixture(scope='module')
def scene():
    return SampleScene()


def overlap(first, second):
    """Return intersection over union."""
    width = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    height = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    common = max(width, 0) * max(height, 0)
    return common / (first.area + second.area - common)


def test_the_same_index_gives_the_same_image(scene):
    for index in (0, 70, 150):
        again = SampleScene()
        np.testing.assert_array_equal(scene.frame(index), again.frame(index))
        np.testing.assert_array_equal(scene.frame(index), scene.frame(index + len(scene)))


def test_a_loop_takes_as_long_at_every_rate():
    for rate in (5, 15, 30, 29.97):
        assert len(SampleScene(rate=rate)) == pytest.approx(LOOP_S * rate, abs=0.5)
    assert SampleScene(rate=30).faces(120) == SampleScene(rate=15).faces(60)


def test_it_moves_and_does_not_jump(scene):
    indices = range(0, len(scene) + 1)
    frames = [
        cv2.resize(scene.frame(index), (80, 60), interpolation=cv2.INTER_AREA).astype(int)
        for index in indices
    ]
    changes = [np.abs(after - before).mean() for before, after in zip(frames, frames[1:])]
    assert max(changes) < 25
    assert np.mean(changes) > 0.5


def test_it_begins_with_a_face_and_has_one_to_three_and_none(scene):
    counts = [len(scene.faces(index)) for index in range(len(scene))]
    assert counts[0] >= 1
    for count in (0, 1, 2, 3):
        assert counts.count(count) >= scene.rate  # a second or more of each


def test_the_default_detector_finds_the_faces_where_they_are(scene):
    settings = PipelineSettings()
    detector = make_detector(
        settings.detector_type,
        settings.detector_input_size,
        settings.detector_score_threshold or None,
    )
    expected = found = strangers = empty = 0
    for index in range(0, len(scene), 3):
        truth = scene.faces(index)
        boxes = [detection.box for detection in detector.detect(scene.frame(index))]
        expected += len(truth)
        found += sum(any(overlap(face, box) > 0.5 for box in boxes) for face in truth)
        strangers += sum(all(overlap(face, box) < 0.2 for face in truth) for box in boxes)
        empty += not truth and not boxes
    assert expected > 60
    assert found / expected > 0.85
    assert strangers / expected < 0.05
    assert empty >= 5


@pytest.mark.parametrize('size', [(320, 240), (1280, 720), (160, 480), (33, 17)])
def test_every_size_shows_the_same_scene(size):
    scene = SampleScene(*size)
    for index in (0, 40, 70, 100):
        image = scene.frame(index)
        assert image.shape == (size[1], size[0], 3)
        assert image.dtype == np.uint8
    # The faces' places are shares of the image.
    (face,) = SampleScene().faces(0)
    (other,) = SampleScene(*size).faces(0)
    assert other.center[0] / size[0] == pytest.approx(face.center[0] / 640)
    assert other.center[1] / size[1] == pytest.approx(face.center[1] / 480)


def test_without_the_photograph_it_says_what_to_install(monkeypatch):
    import skimage.data

    def fail():
        raise ModuleNotFoundError("No module named 'pooch'")

    monkeypatch.setattr(skimage.data, 'astronaut', fail)
    with pytest.raises(SourceError, match=f'pooch.*{re.escape(install_command("demo"))}'):
        portrait.load_photograph()
