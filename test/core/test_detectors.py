import cv2
import numpy as np
import pytest

from face_perception.core import detectors
from face_perception.core.detectors import HaarDetector, make_detector
from face_perception.core.errors import DetectorError


def test_haar_finds_the_face_where_it_is(portrait):
    image, (x, y, size) = portrait
    found, = HaarDetector().detect(image)
    assert abs(found.box.x - x) < 15 and abs(found.box.y - y) < 15
    assert abs(found.box.width - size) < 20
    assert 0.5 <= found.score <= 1


def test_the_threshold_drops_what_scores_less(portrait):
    image, _ = portrait
    score = HaarDetector(score_threshold=0.0).detect(image)[0].score
    assert HaarDetector(score_threshold=min(score + 0.01, 1.0)).detect(image) == []


@pytest.mark.parametrize('shape', [(1, 1, 3), (5, 300, 3), (3000, 8, 3), (23, 23, 3)])
def test_images_too_small_for_any_face_give_none(shape):
    assert HaarDetector().detect(np.zeros(shape, np.uint8)) == []


def test_an_unknown_detector_is_named_with_those_that_exist():
    with pytest.raises(DetectorError, match="'magic' is unknown: use one of .*haar"):
        make_detector('magic', 320, 0.5)


def test_an_opencv_without_cascades_is_told_apart(monkeypatch):
    monkeypatch.delattr(cv2, 'CascadeClassifier')
    with pytest.raises(DetectorError, match='OpenCV 5 dropped'):
        make_detector('haar', 320, 0.5)


def test_a_missing_cascade_file_says_what_to_install(monkeypatch):
    monkeypatch.setattr(detectors, 'CASCADE', 'nothing.xml')
    with pytest.raises(DetectorError, match='opencv-data'):
        HaarDetector()
