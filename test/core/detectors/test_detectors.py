import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from face_perception.core.detectors import HaarDetector, haar, make_detector
from face_perception.core.detectors.detector import largest_first
from face_perception.core.errors import DetectorError, ImageError

has_cascades = pytest.mark.skipif(
    not hasattr(cv2, 'CascadeClassifier'), reason='OpenCV 5 has no Haar cascades'
)


@has_cascades
def test_haar_finds_the_face_where_it_is(portrait):
    image, (x, y, size) = portrait
    (found,) = HaarDetector().detect(image)
    ((left, top, right, _),) = haar.faces_in_squares(np.array([[x, y, size, size]], float))
    assert abs(found.box.x - left) < 15 and abs(found.box.y - top) < 15
    assert abs(found.box.width - (right - left)) < 20
    assert 0.5 <= found.score <= 1


def test_a_face_is_less_than_the_square_of_the_cascade():
    ((x1, y1, x2, y2),) = haar.faces_in_squares(np.array([[100.0, 50, 200, 200]]))
    assert (x1, x2) == (115, 285) and (y1, y2) == (69, 239)


@has_cascades
def test_haar_serves_several_threads_and_other_processes(portrait):
    image, _ = portrait
    detector = pickle.loads(pickle.dumps(HaarDetector(320, 0.4)))
    images = [image[:, : 600 - 20 * number] for number in range(4)]
    alone = [detector.detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, images * 5)) == alone * 5
    assert detector.input_size == 320 and all(alone)


@has_cascades
def test_haar_takes_another_input_size_at_any_time(portrait):
    image, (_, _, size) = portrait
    detector = HaarDetector()
    detector.input_size = 100
    assert detector.detect(image) == []
    detector.input_size = 640
    assert abs(detector.detect(image)[0].box.width - size) < 20


@has_cascades
def test_the_threshold_drops_what_scores_less(portrait):
    image, _ = portrait
    score = HaarDetector(score_threshold=0.0).detect(image)[0].score
    assert HaarDetector(score_threshold=min(score + 0.01, 1.0)).detect(image) == []


@has_cascades
@pytest.mark.parametrize('shape', [(1, 1, 3), (5, 300, 3), (3000, 8, 3), (23, 23, 3)])
def test_images_too_small_for_any_face_give_none(shape):
    assert HaarDetector().detect(np.zeros(shape, np.uint8)) == []


@has_cascades
def test_an_empty_image_is_refused():
    with pytest.raises(ImageError, match=r'\[0, 4, 3\]'):
        HaarDetector().detect(np.zeros((0, 4, 3), np.uint8))


def test_an_unknown_detector_is_named_with_those_that_exist():
    with pytest.raises(DetectorError, match="'magic' is unknown: use one of haar, onnx, yunet"):
        make_detector('magic', 320, 0.5)


@has_cascades
def test_haar_is_made_from_what_concerns_it(tmp_path):
    detector = make_detector('haar', 320, None, tmp_path / 'unused.onnx', num_threads=2)
    assert isinstance(detector, HaarDetector) and detector.input_size == 320


def test_an_opencv_without_cascades_is_told_apart(monkeypatch):
    monkeypatch.delattr(cv2, 'CascadeClassifier', raising=False)
    with pytest.raises(DetectorError, match='OpenCV 5 dropped'):
        make_detector('haar', 320, 0.5)


@has_cascades
def test_a_missing_cascade_file_says_what_to_install(monkeypatch):
    monkeypatch.setattr(haar, 'CASCADE', 'nothing.xml')
    with pytest.raises(DetectorError, match='opencv-data'):
        HaarDetector()


def test_detections_come_largest_first_whatever_their_order():
    boxes = np.array([[0, 0, 9, 9], [5, 5, 25, 25], [3, 0, 12, 9], [7, 7, 7, 9], [9, 9, 8, 20.0]])
    scores = np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    found = largest_first(boxes, scores)
    assert [face.score for face in found] == [0.6, 0.5, 0.7]
    assert largest_first(boxes[::-1], scores[::-1]) == found
    assert largest_first(np.zeros((0, 4)), np.zeros(0)) == []
