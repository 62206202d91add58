import numpy as np

from face_perception.core.types import Box, Classification


def test_a_box_is_clipped_to_whole_pixels_inside_the_image():
    assert Box(-10.4, 5.6, 30, 100).clipped(64, 48) == Box(0, 6, 20, 42)
    assert Box(10, 10, 5, 5).clipped(64, 48) == Box(10, 10, 5, 5)


def test_a_box_outside_the_image_becomes_empty():
    for outside in (Box(-50, 0, 20, 20), Box(100, 0, 20, 20), Box(0, 99, 9, 9)):
        clipped = outside.clipped(64, 48)
        assert clipped.area == 0
        assert 0 <= clipped.x <= 64 and 0 <= clipped.y <= 48


def test_center_and_area():
    assert Box(2, 4, 10, 20).center == (7, 14)
    assert Box(2, 4, 10, 20).area == 200


def test_a_classification_names_its_most_probable_label():
    prediction = Classification(('a', 'b', 'c'), np.array([0.2, 0.5, 0.3], np.float32))
    assert (prediction.index, prediction.label, prediction.confidence) == (1, 'b', 0.5)
