"""One box for each face: the best one's score, and where all that agree with it say."""

import numpy as np
import pytest

from face_perception.core.detectors import suppression
from face_perception.core.detectors.suppression import merged, overlaps, suppress_overlapping


def test_boxes_that_agree_are_averaged_by_their_scores():
    boxes = np.array([[0, 0, 100, 100], [10, 0, 110, 100], [60, 0, 160, 100], [300, 0, 400, 100]])
    found, scores = merged(boxes.astype(np.float32), np.float32([0.9, 0.3, 0.5, 0.6]))
    np.testing.assert_allclose(
        found,
        [[2.5, 0, 102.5, 100], [60, 0, 160, 100], [300, 0, 400, 100]][:1]
        + [[300, 0, 400, 100], [60, 0, 160, 100]],
        atol=1e-4,
    )
    np.testing.assert_allclose(scores, [0.9, 0.6, 0.5])


def test_a_box_that_only_touches_has_no_say():
    boxes = np.float32([[0, 0, 100, 100], [40, 0, 140, 100]])  # they share 60 of 140
    found, scores = merged(boxes, np.float32([0.9, 0.8]))
    np.testing.assert_array_equal(found, boxes)


def test_what_is_no_number_empty_or_sure_of_nothing_is_left_out():
    boxes = np.float32(
        [
            [0, 0, 9, 9],
            [np.nan, 0, 9, 9],
            [0, 0, np.inf, 9],
            [5, 5, 5, 9],
            [9, 9, 5, 5],
            [0, 0, 9, 8],
        ]
    )
    found, scores = merged(boxes, np.float32([0.5, 0.9, 0.9, 0.9, 0.9, np.nan]))
    np.testing.assert_array_equal(found, [[0, 0, 9, 9]])
    found, scores = merged(boxes, np.zeros(6, np.float32))
    assert found.shape == (0, 4) and scores.shape == (0,)


def test_no_box_and_thousands():
    assert not suppress_overlapping(np.zeros((0, 4)), np.zeros(0)).size
    found, scores = merged(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert found.shape == (0, 4) and scores.shape == (0,)
    random = np.random.default_rng(0)
    corners = random.uniform(0, 3000, (8000, 2))
    boxes = np.hstack([corners, corners + random.uniform(1, 60, (8000, 2))])
    found, scores = merged(boxes, random.uniform(0.1, 1, 8000).astype(np.float32))
    assert 0 < len(found) <= suppression.MOST_CANDIDATES
    assert (np.diff(scores) <= 0).all() and scores[0] > 0.99


@pytest.mark.parametrize('seed', range(5))
def test_no_two_that_are_left_overlap_much(seed):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 200, (300, 2))
    boxes = np.hstack([corners, corners + random.uniform(20, 90, (300, 2))])
    kept = suppress_overlapping(boxes, random.uniform(0.1, 1, 300))
    shares = overlaps(boxes[kept], boxes[kept]) - np.eye(len(kept))
    assert shares.max() <= suppression.MOST_OVERLAP + 1e-6
    # What is not left was overlapped by a better one.
    assert (overlaps(boxes, boxes[kept]).max(axis=1) > suppression.MOST_OVERLAP).all()
