"""Where a detector sees a face, and the margin that follows."""

import numpy as np
import pytest

from face_perception.core.attributes.crops import crop_square
from face_perception.core.errors import DetectorError
from face_perception.core.types import Box
from face_perception.training import measure_margin
from face_perception.training.detector_boxes import find_face


@pytest.mark.parametrize('detector', ['haar', 'onnx'])
@pytest.mark.parametrize('shape', [(48, 48), (96, 96, 3)])
def test_nothing_is_found_where_nothing_is(detector, shape):
    try:
        assert find_face(np.full(shape, 128, dtype=np.uint8), detector) is None
    except DetectorError as error:
        pytest.skip(str(error))


def test_shares_are_relative_to_the_image(monkeypatch):
    monkeypatch.setattr(measure_margin, 'find_face', lambda image, detector: Box(12, 6, 20, 24))
    shares = measure_margin.box_shares([np.zeros((48, 48), dtype=np.uint8)])
    np.testing.assert_allclose(shares, [[22 / 48, 0.375, 0.5]])


def test_images_without_a_face_do_not_count(monkeypatch):
    monkeypatch.setattr(measure_margin, 'find_face', lambda image, detector: None)
    assert measure_margin.box_shares([np.zeros((48, 48), dtype=np.uint8)]).shape == (0, 3)


@pytest.mark.parametrize('side', [0.8, 1.0, 1.25])
def test_a_box_grows_to_the_image(side):
    margin = measure_margin.margin_to_fill(side)
    assert crop_square(Box(0, 0, side, side), margin).width == pytest.approx(1)
