import numpy as np
import pytest

from face_perception.core.attributes.crops import crop_face, crop_square
from face_perception.core.types import Box


def test_the_square_keeps_the_centre_and_grows_by_the_margin_on_each_side():
    assert crop_square(Box(10, 20, 40, 20), 0.0) == Box(10, 10, 40, 40)
    assert crop_square(Box(10, 20, 40, 40), 0.25) == Box(0, 10, 60, 60)
    assert crop_square(Box(10, 20, 40, 40), -0.25) == Box(20, 30, 20, 20)


def test_a_crop_inside_the_image_is_the_image_itself():
    image = np.arange(64 * 48 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    crop = crop_face(image, Box(8, 4, 16, 16), 0.0, 16)
    assert np.array_equal(crop, image[4:20, 8:24])


def test_outside_the_image_the_edge_repeats():
    image = np.zeros((20, 20), np.uint8)
    image[:, 0], image[:, -1] = 50, 200
    crop = crop_face(image, Box(-10, 0, 20, 20), 0.0, 20)
    assert (crop[:, :11] == 50).all() and (crop[:, 11:] == 0).all()
    crop = crop_face(image, Box(10, 0, 20, 20), 0.0, 20)
    assert (crop[:, 9:] == 200).all() and (crop[:, :9] == 0).all()


@pytest.mark.parametrize(
    'box', [Box(-100, -100, 10, 10), Box(500, 500, 10, 10), Box(5, 5, 0, 0), Box(3, 3, 0.2, 0.2)]
)
def test_any_box_gives_a_crop_of_the_wanted_size(box):
    assert crop_face(np.zeros((30, 40, 3), np.uint8), box, 0.1, 48).shape == (48, 48, 3)


def test_shrinking_averages_instead_of_aliasing():
    image = np.zeros((400, 400), np.uint8)
    image[::2] = 200
    crop = crop_face(image, Box(0, 0, 400, 400), 0.0, 40)
    assert abs(int(crop.mean()) - 100) <= 1 and crop.std() < 2
