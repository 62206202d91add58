from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from face_perception.core import scaling


@pytest.fixture
def old_opencv(monkeypatch):
    """Refuse a single pixel, as OpenCV 4.5.4 does."""
    for name in ('resize', 'copyMakeBorder', 'cvtColor'):
        real = getattr(cv2, name)

        def strict(image, *arguments, real=real, **options):
            if (1, 1) in (image.shape[:2], options.get('dst', image).shape[:2]):
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


def test_one_pixel_is_recolored(old_opencv):
    pixel = np.array([[[1, 2, 3]]], np.uint8)
    assert scaling.recolored(pixel, cv2.COLOR_BGR2RGB).tolist() == [[[3, 2, 1]]]
    assert scaling.recolored(pixel[:, :, 0], cv2.COLOR_GRAY2BGR).tolist() == [[[1, 1, 1]]]
    assert scaling.recolored(pixel, cv2.COLOR_BGR2GRAY).shape == (1, 1)


def test_more_pixels_are_scaled_by_opencv():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = cv2.resize(image, (8, 4), interpolation=cv2.INTER_LINEAR)
    assert (scaling.resize(image, (8, 4), cv2.INTER_LINEAR) == expected).all()
    assert (scaling.repeat_edges(image, 0, 1, 0, 0)[-1] == image[-1]).all()


def test_a_single_pixel_is_put_onto_a_canvas_and_a_canvas_into_one(old_opencv):
    from face_perception.core.detectors.letterbox import PAD_VALUE, Letterbox

    canvas = Letterbox(2).put(np.full((1, 1, 3), 9, np.uint8), 8)[0]
    assert canvas[0, 0].tolist() == [9] * 3 and (canvas[1:] == PAD_VALUE).all()
    pixel = canvas[:1, 1:]
    scaling.resize_into(pixel, np.full((4, 4, 3), 7, np.uint8), cv2.INTER_LINEAR)
    assert canvas[0, 1].tolist() == [7] * 3


def test_videos_of_single_pixels_are_stretched_and_written(old_opencv, tmp_path):
    pytest.importorskip('PIL', reason='needs Pillow to write a GIF')
    from face_perception.media.video_files import stretched
    from face_perception.media.video_writer import GifVideo, Mp4Video

    pixel = np.full((1, 1, 3), 9, np.uint8)
    assert (stretched(pixel, (3.0, 2.0)) == np.full((2, 3, 3), 9)).all()
    gif = GifVideo(tmp_path / 'pixel.gif', 5.0)
    gif.write(pixel)
    assert gif.close().stat().st_size
    written = []
    Mp4Video(tmp_path, SimpleNamespace(write=written.append), (16, 8)).write(pixel)
    assert written[0].shape == (8, 16, 3)


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
