import numpy as np

from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Face
from face_perception.visuals.boxes import COLORS, annotate, label

HAPPY = Classification(EMOTIONS, np.array([0, 0, 0, 0.92, 0.08, 0, 0], np.float32))
FEMALE = Classification(GENDERS, np.array([0.88, 0.12], np.float32))


def test_the_label_says_what_was_classified():
    box = Box(0, 0, 10, 10)
    assert label(Face(box, 0.75)) == 'face 75%'
    assert label(Face(box, 0.75, None, HAPPY)) == 'happy 92%'
    assert label(Face(box, 0.75, FEMALE, HAPPY, '7')) == '#7 | happy 92% | female 88%'


def test_every_emotion_has_a_colour():
    assert set(COLORS) == set(EMOTIONS)


def test_the_box_is_drawn_on_a_copy():
    image = np.zeros((480, 640, 3), np.uint8)
    drawn = annotate(image, [Face(Box(100, 100, 200, 200), 0.9, None, HAPPY)])
    assert not image.any()
    for x, y in ((100, 200), (299, 200), (200, 299)):
        assert tuple(drawn[y, x]) == COLORS['happy']
    assert not drawn[150:250, 150:250].any() and not drawn[310:, 310:].any()


def test_faces_at_the_edge_of_tiny_images_can_be_drawn():
    for size in (1, 20, 60):
        image = np.zeros((size, size, 3), np.uint8)
        face = Face(Box(0, 0, size, size), 0.9, FEMALE, HAPPY)
        assert annotate(image, [face], 'caption').shape == image.shape
