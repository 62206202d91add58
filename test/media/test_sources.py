from itertools import islice

import cv2
import numpy as np
import pytest

from face_perception.core.errors import FacePerceptionError
from face_perception.media import webcam
from face_perception.media.errors import SourceError
from face_perception.media.fitting import fit
from face_perception.media.sources import open_source


def brightness(frames):
    """Return the brightness of each frame's left edge, to the nearest 30."""
    return [int(round(float(frame[:, 0].mean()) / 30) * 30) for frame in frames]


def test_a_video_gives_its_images_at_its_rate(make_video, images):
    source = open_source(str(make_video(images)))
    assert source.rate == pytest.approx(10)
    assert not source.live
    frames = list(source.frames(loop=False))
    assert brightness(frames) == [30, 60, 90, 120, 150, 180]
    assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for frame in frames)


def test_a_video_loops(make_video, images):
    frames = islice(open_source(str(make_video(images))).frames(), 8)
    assert brightness(frames) == [30, 60, 90, 120, 150, 180, 30, 60]


def test_an_animated_gif_is_a_video(tmp_path, images):
    pillow = pytest.importorskip('PIL.Image', reason='writes the GIF')
    path = tmp_path / 'moving.GIF'
    # Gray: of colours Pillow 9.0 keeps 216, as dots.
    first, *others = [pillow.fromarray(image[:, :, 0]) for image in images]
    first.save(path, save_all=True, append_images=others, duration=100)
    source = open_source(str(path))
    assert brightness(source.frames(loop=False)) == [30, 60, 90, 120, 150, 180]


@pytest.mark.parametrize('suffix', ['.png', '.JPG', '.bmp', '.webp', '.tiff'])
def test_an_image_is_repeated(tmp_path, images, suffix):
    path = tmp_path / f'image{suffix}'
    cv2.imwrite(str(path), images[1])
    source = open_source(str(path))
    assert brightness(islice(source.frames(), 3)) == [60, 60, 60]
    assert brightness(source.frames(loop=False)) == [60]


@pytest.mark.parametrize('kind', [cv2.IMREAD_GRAYSCALE, cv2.IMREAD_UNCHANGED])
def test_gray_and_transparent_images_become_bgr(tmp_path, images, kind):
    path = tmp_path / 'image.png'
    image = (
        images[1][:, :, 0]
        if kind == cv2.IMREAD_GRAYSCALE
        else cv2.cvtColor(images[1], cv2.COLOR_BGR2BGRA)
    )
    cv2.imwrite(str(path), image)
    (frame,) = open_source(str(path)).frames(loop=False)
    np.testing.assert_array_equal(frame, images[1])


def test_a_folder_gives_its_images_by_name_and_skips_the_broken(tmp_path, images):
    for name, image in zip(('b.png', 'c.png', 'a.png'), images):
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / 'a_broken.jpg').write_bytes(b'no image')
    (tmp_path / 'empty.png').touch()
    (tmp_path / 'notes.txt').write_text('not an image either')
    warnings = []
    source = open_source(str(tmp_path), warn=warnings.append)
    assert brightness(islice(source.frames(), 6)) == [90, 30, 60, 90, 30, 60]
    assert len(warnings) == 2  # once each, not once per loop
    assert 'a_broken.jpg' in warnings[0] and 'is skipped' in warnings[0]


def test_a_folder_whose_first_image_is_broken_still_opens(tmp_path, images):
    (tmp_path / 'a.png').write_bytes(b'no image')
    cv2.imwrite(str(tmp_path / 'b.png'), images[0])
    source = open_source(str(tmp_path), warn=lambda message: None)
    assert brightness(source.frames(loop=False)) == [30]


def test_the_sample_is_a_source():
    pytest.importorskip('skimage', reason='the sample needs scikit-image (the extra demo)')
    source = open_source('sample', (320, 240), rate=5)
    assert source.rate == 5
    frames = list(source.frames(loop=False))
    assert len(frames) == 75
    assert frames[0].shape == (240, 320, 3)
    assert len(list(islice(source.frames(), 80))) == 80


@pytest.mark.parametrize('size', [(32, 24), (640, 480), (100, 30), (30, 100)])
def test_images_are_fitted_without_distortion(images, size):
    image = np.full((48, 64, 3), 200, np.uint8)
    fitted = fit(image, size)
    assert fitted.shape == (size[1], size[0], 3)
    lit = fitted[:, :, 0] > 100
    width, height = lit.any(axis=0).sum(), lit.any(axis=1).sum()
    assert width / height == pytest.approx(64 / 48, rel=0.06)
    assert width == size[0] or height == size[1]


def test_files_are_fitted(tmp_path, make_video, images):
    cv2.imwrite(str(tmp_path / 'image.png'), images[0])
    for path in (make_video(images), tmp_path / 'image.png'):
        frame = next(open_source(str(path), (160, 160)).frames())
        assert frame.shape == (160, 160, 3)


@pytest.mark.parametrize(
    'name, words',
    [
        ('missing.mp4', 'does not exist'),
        ('missing/folder', 'does not exist'),
        ('video.mp4', 'no video or image'),
        ('moving.gif', 'no video or image'),
        ('document.txt', 'no video or image'),
        ('image.png', 'no image that OpenCV can read'),
        ('empty', 'holds no image'),
        ('broken', 'none of the 2 images'),
    ],
)
def test_every_fault_of_a_file_gets_its_sentence(tmp_path, name, words):
    for file in ('video.mp4', 'moving.gif', 'document.txt', 'image.png'):
        (tmp_path / file).write_bytes(b'not what the name says' * 10)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'broken').mkdir()
    for file in ('a.png', 'b.png'):
        (tmp_path / 'broken' / file).write_bytes(b'no image')
    with pytest.raises(SourceError, match=words) as caught:
        open_source(str(tmp_path / name), warn=lambda message: None)
    assert name in str(caught.value)
    assert isinstance(caught.value, FacePerceptionError)


def test_a_truncated_image_is_refused_or_read(tmp_path, images):
    cv2.imwrite(str(tmp_path / 'whole.png'), images[0])
    data = (tmp_path / 'whole.png').read_bytes()
    (tmp_path / 'cut.png').write_bytes(data[:30])
    with pytest.raises(SourceError, match='no image that OpenCV can read'):
        open_source(str(tmp_path / 'cut.png'), warn=lambda message: None)


def test_a_video_that_vanishes_says_so(make_video, images):
    path = make_video(images)
    frames = open_source(str(path)).frames()
    list(islice(frames, 6))
    path.unlink()
    with pytest.raises(SourceError, match='was it moved'):
        list(islice(frames, 6))


class FakeCapture:
    """A webcam that gives two images and is then unplugged."""

    opens = True

    def __init__(self, number, backend):
        self.number, self.left, self.settings = number, 2, {}

    def isOpened(self):  # noqa: N802 (OpenCV's name)
        return self.opens

    def set(self, key, value):
        self.settings[key] = value

    def get(self, key):
        return 0.0

    def read(self):
        self.left -= 1
        return self.left >= 0, np.zeros((48, 64, 3), np.uint8)

    def release(self):
        pass


@pytest.mark.parametrize('name', ['3', '/dev/video3'])
def test_a_webcam_is_asked_for_size_and_rate(monkeypatch, name):
    captures = []
    monkeypatch.setattr(webcam.os.path, 'exists', lambda path: True)
    monkeypatch.setattr(
        webcam.cv2,
        'VideoCapture',
        lambda *arguments: captures.append(FakeCapture(*arguments)) or captures[-1],
    )
    source = open_source(name, (160, 120), 20.0)
    assert source.live
    assert source.rate == 30  # it does not say
    assert captures[0].number == 3
    assert captures[0].settings[cv2.CAP_PROP_FRAME_WIDTH] == 160
    assert captures[0].settings[cv2.CAP_PROP_FPS] == 20
    frames = source.frames()
    assert next(frames).shape == (120, 160, 3)  # fitted, for it gives 64x48 all the same
    next(frames)
    with pytest.raises(SourceError, match='/dev/video3 stopped giving images.*unplugged'):
        next(frames)


def test_a_webcam_has_lasting_names_too(monkeypatch, tmp_path):
    """As /dev/v4l/by-id has them, or a rule of udev's."""
    link = tmp_path / 'usb-ACME_Camera-video-index0'
    link.symlink_to('/dev/video7')
    monkeypatch.setattr(webcam.os.path, 'exists', lambda path: True)
    monkeypatch.setattr(webcam.cv2, 'VideoCapture', FakeCapture)
    source = open_source(str(link))
    assert source.live and source.device == '/dev/video7'


def test_a_missing_webcam_says_what_to_look_at(monkeypatch):
    monkeypatch.setattr(webcam.os.path, 'exists', lambda path: False)
    with pytest.raises(SourceError, match=r'no webcam /dev/video7.*ls /dev/video\*'):
        open_source('7')


@pytest.mark.parametrize('allowed, words', [(False, 'permissions'), (True, 'another program')])
def test_a_webcam_that_does_not_open_says_why(monkeypatch, allowed, words):
    monkeypatch.setattr(webcam.os.path, 'exists', lambda path: True)
    monkeypatch.setattr(webcam.os, 'access', lambda path, mode: allowed)
    monkeypatch.setattr(FakeCapture, 'opens', False)
    monkeypatch.setattr(webcam.cv2, 'VideoCapture', FakeCapture)
    with pytest.raises(SourceError, match=words):
        open_source('/dev/video0')
