import cv2
import numpy as np
import pytest

from face_perception.core import scaling


@pytest.fixture
def old_opencv(monkeypatch):
    """Refuse a single pixel, as OpenCV 4.5.4 does."""
    for name in ('resize', 'copyMakeBorder'):
        real = getattr(cv2, name)

        def strict(image, *arguments, real=real, **options):
            if image.shape[:2] == (1, 1):
                raise cv2.error('_step >= minstep')
            return real(image, *arguments, **options)

        monkeypatch.setattr(cv2, name, strict)


@pytest.mark.parametrize('shape', [(1, 1), (1, 1, 3)])
def test_one_pixel_is_repeated(old_opencv, shape):
    pixel = np.arange(5, 5 + np.prod(shape), dtype=np.uint8).reshape(shape)
    wide = scaling.resize(pixel, (4, 2), cv2.INTER_LINEAR)
    assert wide.shape == (2, 4, *shape[2:]) and (wide == pixel).all()
    bordered = scaling.repeat_edges(pixel, 1, 2, 3, 4)
    assert bordered.shape == (4, 8, *shape[2:]) and (bordered == pixel).all()


def test_one_pixel_is_framed(old_opencv):
    framed = scaling.frame(np.full((1, 1, 3), 9, np.uint8), 1, 0, 0, 2, (1, 2, 3))
    assert framed.tolist() == [[[1, 2, 3]] * 3, [[9, 9, 9], [1, 2, 3], [1, 2, 3]]]


def test_more_pixels_are_scaled_by_opencv():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = cv2.resize(image, (8, 4), interpolation=cv2.INTER_LINEAR)
    assert (scaling.resize(image, (8, 4), cv2.INTER_LINEAR) == expected).all()
    assert (scaling.repeat_edges(image, 0, 1, 0, 0)[-1] == image[-1]).all()


def test_crops_blurs_and_fits_of_one_pixel(old_opencv):
    from face_perception.core.attributes.crops import crop_face
    from face_perception.core.types import Box
    from face_perception.media.fitting import fit
    from face_perception.offline.outputs.anonymize import anonymize

    image = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    assert (crop_face(image, Box(0, 0, 1, 1), 0.2, 48) == image).all()
    assert (fit(image, (4, 4)) == image).all()
    assert fit(np.full((4, 900, 3), 9, np.uint8), (1, 3)).tolist() == [
        [[0] * 3],
        [[9] * 3],
        [[0] * 3],
    ]
    assert anonymize(image, [Box(0, 0, 1, 1)], 'blur').shape == (1, 1, 3)
