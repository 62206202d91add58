import cv2
import numpy as np
import pytest

from face_perception.core.detectors.letterbox import PAD_VALUE, Letterbox
from face_perception.core.errors import ImageError

#: Portrait, landscape, square, tiny, huge, odd, and very long: width and height.
SIZES = [
    (640, 480),
    (480, 640),
    (1921, 1079),
    (333, 257),
    (4096, 2160),
    (31, 33),
    (1, 1),
    (2000, 8),
    (8, 2000),
    (1, 4000),
    (400, 400),
]


def soft_image(width, height):
    """Return an image of soft blobs, which survives shrinking."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height))


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('input_size', [160, 400])
def test_the_canvas_is_as_small_as_the_multiple_allows(size, input_size):
    canvas = Letterbox(32).put(soft_image(*size), input_size)
    assert canvas.dtype == np.uint8 and canvas.flags['C_CONTIGUOUS']
    long_side = min(input_size, max(size))
    for side, own in zip(canvas.shape[2:0:-1], size):
        wanted = max(own * long_side / max(size), 1)
        assert side % 32 == 0 and wanted - 1 <= side < wanted + 33


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('input_size', [160, 400])
def test_a_point_of_the_image_comes_back_to_where_it_was(size, input_size):
    """The canvas shows the whole image, from edge to edge, and boxes are taken back so."""
    width, height = size
    letterbox = Letterbox(1)
    canvas = letterbox.put(soft_image(*size), input_size)
    rows, columns = canvas.shape[1:3]
    assert np.allclose(
        letterbox.to_image(np.array([[0, 0, columns, rows]])), [[0, 0, width, height]]
    )
    box = np.array([[0.25, 0.5, 0.75, 1.0]])
    assert np.allclose(
        letterbox.to_image(box * [columns, rows, columns, rows]),
        box * [width, height, width, height],
    )


@pytest.mark.parametrize('size', [(640, 480), (1921, 1079), (333, 257), (1283, 2001)])
def test_shrinking_averages_and_leaves_everything_in_its_place(size):
    image = soft_image(*size)
    canvas = Letterbox(1).put(image, 160)[0]
    expected = cv2.resize(image, canvas.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(canvas.astype(int) - expected).mean() < 1
    stripes = np.zeros((*size[::-1], 3), np.uint8)
    stripes[::2] = 200
    assert Letterbox(1).put(stripes, 160).std() < 40


def test_a_small_image_keeps_its_size_and_its_pixels():
    image = soft_image(70, 41)
    canvas = Letterbox(32).put(image, 400)
    assert canvas.shape == (1, 64, 96, 3)
    assert np.array_equal(canvas[0, :41, :70], image)
    assert (canvas[0, 41:] == PAD_VALUE).all() and (canvas[0, :, 70:] == PAD_VALUE).all()


def test_boxes_are_clipped_to_the_image():
    letterbox = Letterbox(32)
    letterbox.put(soft_image(200, 100), 100)
    clipped = letterbox.to_image(
        np.array([[-5, -7, 500, 30], [60, 52, 90, 64], [10, 10, np.inf, np.inf]], np.float32)
    )
    assert clipped.tolist() == [[0, 0, 200, 60], [120, 100, 180, 100], [20, 20, 200, 100]]


def test_the_canvas_is_kept_while_the_sizes_are_the_same():
    letterbox = Letterbox(32)
    first = letterbox.put(soft_image(640, 480), 160)
    again = letterbox.put(np.zeros((480, 640, 3), np.uint8), 160)
    assert again is first and not again[0, :120, :160].any()
    assert letterbox.put(soft_image(640, 480), 320) is not first
    assert letterbox.put(soft_image(640, 360), 320).shape == (1, 192, 320, 3)


def test_images_that_are_views_or_read_only_are_taken():
    image = soft_image(641, 483)
    image.flags.writeable = False
    letterbox = Letterbox(32)
    mirrored = letterbox.put(image[:, ::-1], 160).copy()
    assert np.array_equal(mirrored, letterbox.put(image[:, ::-1].copy(), 160))
    assert not np.array_equal(mirrored, letterbox.put(image, 160))


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_bgr_image_is_refused(image):
    with pytest.raises(ImageError, match='uint8'):
        Letterbox(32).put(image, 400)
