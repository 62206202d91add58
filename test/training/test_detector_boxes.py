"""Where the Haar cascade sees a face, and the margin that follows."""

import numpy as np
import pytest

from face_perception.core.crops import crop_square
from face_perception.core.errors import DetectorError
from face_perception.core.types import Box
from face_perception.training import measure_margin
from face_perception.training.detector_boxes import find_face


def test_nothing_is_found_where_nothing_is():
    try:
        assert find_face(np.full((48, 48), 128, dtype=np.uint8)) is None
    except DetectorError as error:
        pytest.skip(str(error))


def test_shares_are_relative_to_the_picture(monkeypatch):
    monkeypatch.setattr(measure_margin, 'find_face', lambda image: Box(12, 6, 24, 24))
    shares = measure_margin.box_shares([np.zeros((48, 48), dtype=np.uint8)])
    np.testing.assert_allclose(shares, [[0.5, 0.375, 0.5]])


def test_pictures_without_a_face_do_not_count(monkeypatch):
    monkeypatch.setattr(measure_margin, 'find_face', lambda image: None)
    assert measure_margin.box_shares([np.zeros((48, 48), dtype=np.uint8)]).shape == (0, 3)


@pytest.mark.parametrize('side', [0.8, 1.0, 1.25])
def test_a_box_grows_to_the_picture(side):
    margin = measure_margin.margin_to_fill(side)
    assert crop_square(Box(0, 0, side, side), margin).width == pytest.approx(1)
