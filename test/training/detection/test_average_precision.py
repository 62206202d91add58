"""Average precision by hand: what counts, what is ignored."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection.average_precision import Found, curve  # noqa: E402
from face_perception.training.detection.scenes import Scene  # noqa: E402

FACE, OTHER, SMALL, EMPTY = [0, 0, 40, 40], [100, 0, 150, 50], [200, 0, 210, 10], [300, 0, 340, 40]


def scene(boxes, ignored=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    ignored = np.zeros(len(boxes), bool) if ignored is None else np.array(ignored)
    return Scene('', np.zeros((480, 640, 3), np.uint8), boxes, ignored)


def found(boxes, scores):
    return Found(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32))


@pytest.mark.parametrize(
    'boxes, scores, expected',
    [
        ([FACE, OTHER], [0.9, 0.8], 1.0),
        ([FACE], [0.9], 0.5),
        ([], [], 0.0),
        ([EMPTY, FACE, OTHER], [0.9, 0.8, 0.7], 2 / 3),  # the better half of the curve counts
        ([FACE, EMPTY, OTHER], [0.9, 0.8, 0.7], 0.5 + 1 / 3),
        ([FACE, FACE, OTHER], [0.9, 0.8, 0.7], 0.5 + 1 / 3),  # a second box on a face is false
        ([[15, 15, 55, 55], OTHER], [0.9, 0.8], 0.25),
    ],
)  # overlaps too little
def test_by_hand(boxes, scores, expected):
    truth = [scene([FACE, OTHER])]
    assert curve(truth, [found(boxes, scores)]).average == pytest.approx(expected)


def test_small_and_ignored_faces_do_not_count():
    truth = [scene([FACE, OTHER, SMALL], [False, True, False])]
    assert curve(truth, [found([OTHER, SMALL, FACE], [0.9, 0.8, 0.7])]).average == 1
    assert curve(truth, [found([FACE], [0.7])]).average == 1


def test_heights_are_those_of_the_scaled_image():
    half = Scene(
        '',
        np.zeros((240, 320, 3), np.uint8),
        np.array([[0, 0, 15, 15]], np.float32),
        np.zeros(1, bool),
    )
    assert curve([half], [found([[0, 0, 15, 15]], [1])]).average == 1
    assert curve([half], [found([[0, 0, 15, 15]], [1])], (48, 96)).average == 0


def test_the_order_of_scores_holds_over_all_images():
    truth = [scene([FACE]), scene([FACE])]
    predictions = [found([FACE], [0.5]), found([EMPTY, FACE], [0.9, 0.4])]
    points = curve(truth, predictions)
    np.testing.assert_allclose(points.scores, [0.9, 0.5, 0.4])
    np.testing.assert_allclose(points.precision, [0, 1 / 2, 2 / 3])
    np.testing.assert_allclose(points.recall, [0, 0.5, 1])
    assert points.average == pytest.approx(2 / 3)
