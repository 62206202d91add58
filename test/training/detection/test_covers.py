"""What hides a part of a face: it hides one, and leaves one to be seen."""

import numpy as np
import pytest

from face_perception.training.detection.covers import CHANCES, COVERS, Frame, cover


def test_chances_add_up():
    assert len(CHANCES) == len(COVERS) and sum(CHANCES) == pytest.approx(1.0)


@pytest.mark.parametrize('number', range(len(COVERS)))
def test_each_hides_something_of_a_face_but_not_all(number):
    for seed in range(20):
        mask = np.zeros((300, 300), np.uint8)
        COVERS[number][0](mask, Frame(150, 150, 80, 100), np.random.default_rng(seed))
        hidden = (mask[100:200, 110:190] > 127).mean()
        assert 0.01 < hidden < 0.9, seed


def test_only_the_surroundings_of_a_face_are_changed():
    for seed in range(60):
        image = np.full((400, 400, 3), 7, np.uint8)
        cover(image, np.array([180, 170, 220, 220], np.float32), np.random.default_rng(seed))
        changed = np.argwhere((image != 7).any(axis=2))
        assert len(changed) > 4
        assert changed.min() >= 120 and changed.max() <= 270


def test_a_face_at_the_edge_or_beyond_is_no_fault():
    for box in ([-30, -20, 20, 40], [390, 390, 430, 450], [500, 500, 600, 600]):
        image = np.zeros((400, 400, 3), np.uint8)
        for seed in range(30):
            cover(image, np.array(box, np.float32), np.random.default_rng(seed))
