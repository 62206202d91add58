"""Canvases: their middle is what the node will serve."""

import numpy as np
import pytest

from face_perception.core.attributes.crops import crop_face, crop_square
from face_perception.core.types import Box
from face_perception.training.data.canvases import canvas, filling_box, training_canvas


@pytest.mark.parametrize('size', [48, 64])
@pytest.mark.parametrize('box', [Box(20, 20, 60, 60), Box(-10.4, 3.3, 71, 95.8)])
def test_the_middle_of_a_canvas_is_the_served_crop(images, box, size):
    image = images(1, 96, 3, 3)[0]
    made = canvas(image, box, -0.05, size)
    border = (len(made) - size) // 2
    assert made.shape == (size + 2 * border, size + 2 * border, 3) and border >= size / 6 - 1
    served = crop_face(image, box, -0.05, size).astype(int)
    difference = {
        (x, y): np.abs(
            made[border + y : border + size + y, border + x : border + size + x] - served
        ).mean()
        for x in (-1, 0, 1)
        for y in (-1, 0, 1)
    }
    assert min(difference, key=difference.get) == (0, 0)
    assert difference[0, 0] < 3


@pytest.mark.parametrize('margin', [-0.1, 0.0, 0.02, 0.2])
@pytest.mark.parametrize('width, height', [(48, 48), (90, 120), (65, 30)])
def test_the_crop_of_a_filling_box_is_the_whole_image(margin, width, height):
    square = crop_square(filling_box(width, height, margin), margin)
    assert square.width == square.height == pytest.approx(max(width, height))
    assert square.center == pytest.approx((width / 2, height / 2))


def test_colours_are_those_of_the_network():
    blue = np.zeros((20, 20, 3), dtype=np.uint8)
    blue[..., 0] = 200
    assert training_canvas(blue, None, 0.0, 48, 'rgb')[0, 0].tolist() == [0, 0, 200]
    assert training_canvas(blue, None, 0.0, 48, 'gray')[0, 0].tolist() == [23]
    assert training_canvas(blue, Box(5, 5, 9, 9), 0.0, 48, 'gray').shape == (64, 64, 1)
