"""Videos as people have them: damaged, cut, fast, slow, of odd names and odd pixels."""

import os
import struct

import cv2
import numpy as np
import pytest

from face_perception.media.containers import is_whole, stated_length
from face_perception.media.errors import SourceError
from face_perception.media.file_sources import VideoSource, silence_opencv
from face_perception.media.images.decode import MAX_PIXELS
from face_perception.media.video_files import VideoFile, plain_name

COUNT = 20


@pytest.fixture(autouse=True)
def quiet():
    silence_opencv()


def write(path, rate=15, codec='mp4v', count=COUNT, size=(160, 120)):
    """Write a video of noise; skip where this OpenCV cannot."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, size)
    if not writer.isOpened():
        pytest.skip(f'this OpenCV cannot write {path.suffix} with {codec}')
    noise = np.random.default_rng(0)
    for _ in range(count):
        writer.write(noise.integers(0, 255, (size[1], size[0], 3), np.uint8))
    writer.release()
    return path


def write_gif(path, durations):
    """Write a GIF whose images stay so long, in milliseconds."""
    image = pytest.importorskip('PIL.Image', reason='GIFs are made with Pillow')
    noise = np.random.default_rng(0)
    first, *others = (
        image.fromarray(noise.integers(0, 255, (64, 64, 3), np.uint8)) for _ in durations
    )
    first.save(path, save_all=True, append_images=others, loop=0, duration=durations)
    return path


def damage(path, numbers):
    """Overwrite some images of an AVI of JPEGs with zeros."""
    data, offset = bytearray(path.read_bytes()), 0
    for number in range(max(numbers) + 1):
        offset = data.index(b'\xff\xd8\xff', offset + 1)
        if number in numbers:
            end = data.index(b'\xff\xd9', offset)
            data[offset : end + 2] = bytes(end + 2 - offset)
    path.write_bytes(data)


def shown(path):
    """Return which images can be used, and why the video is not whole."""
    video = VideoFile(path)
    images = list(video.images())
    last_s = max(each.position_s for each in images)
    return [each.image is not None for each in images], video.missing(last_s, 1 / video.rate)


@pytest.mark.parametrize('numbers', [{9}, {5, 6, 7}, {2, 18}, {0}])
def test_a_damaged_image_costs_itself_only(tmp_path, numbers):
    path = write(tmp_path / 'clip.avi', codec='MJPG')
    damage(path, numbers)
    usable, fault = shown(path)
    assert usable.count(True) >= COUNT - len(numbers) and usable[-1] and fault == ''
    warnings = []
    source = VideoSource(path, None, warnings.append)
    assert len(list(source.frames(loop=False))) == usable.count(True)
    assert len(warnings) == (not all(usable)), 'said once'


def test_the_end_of_a_video_is_not_looked_for_thousands_of_times(tmp_path, monkeypatch):
    reads, real = [], cv2.VideoCapture

    class Counted:
        def __init__(self, name):
            self._video = real(name)

        def read(self):
            reads.append(1)
            return self._video.read()

        def __getattr__(self, name):
            return getattr(self._video, name)

    video = VideoFile(write(tmp_path / 'clip.mp4'))
    monkeypatch.setattr(cv2, 'VideoCapture', Counted)
    assert sum(each.image is not None for each in video.images()) == COUNT
    assert COUNT < len(reads) < COUNT + 200


@pytest.mark.parametrize('numbers', [(4_000_000_000, 1), (1, 4_000_000_000), (0, 10), (1, 0)])
def test_a_rate_that_cannot_be_is_none(tmp_path, numbers):
    """An AVI states scale and rate of its images: an image in a hundred years, or none."""
    path = write(tmp_path / 'clip.avi', codec='MJPG')
    data = bytearray(path.read_bytes())
    place = data.find(b'strh') + 28
    data[place : place + 8] = struct.pack('<II', *numbers)
    path.write_bytes(data)
    video = VideoFile(path)
    assert 1e-3 < video.rate < 1e10
    times = [each.position_s for each in video.images()]
    assert len(times) == COUNT and all(0 <= time < 1e9 for time in times)


@pytest.mark.parametrize('rate', [0.05, 0.5, 1, 29.97, 240, 300, 480, 960])
@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_any_rate_is_that_of_the_video(tmp_path, rate, suffix):
    if suffix == '.mkv' and rate > 500:
        pytest.skip('Matroska counts milliseconds')
    path = write(tmp_path / f'clip{suffix}', rate)
    assert VideoFile(path).rate == pytest.approx(rate, rel=0.1)
    assert shown(path) == ([True] * COUNT, '')


@pytest.mark.parametrize('durations', [[100] * 9 + [3000], [3000] + [100] * 9, [40] * 30])
def test_a_gif_is_whole_however_long_its_images_stay(tmp_path, durations):
    path = write_gif(tmp_path / 'clip.gif', durations)
    assert shown(path) == ([True] * len(durations), '')
    path.write_bytes(path.read_bytes()[:-3])
    assert is_whole(path) is False


def test_a_matroska_may_have_longer_sound(tmp_path):
    path = write(tmp_path / 'clip.mkv')
    data = path.read_bytes()
    offset = data.index(b'\x44\x89\x88')
    (length,) = struct.unpack_from('>d', data, offset + 3)
    path.write_bytes(data[: offset + 3] + struct.pack('>d', 4 * length) + data[offset + 11 :])
    assert VideoFile(path).count > 2 * COUNT, 'as OpenCV estimates it'
    assert shown(path) == ([True] * COUNT, '')


@pytest.mark.parametrize(
    ('suffix', 'codec'), [('.mkv', 'mp4v'), ('.avi', 'MJPG'), ('.webm', 'VP80'), ('.gif', '')]
)
@pytest.mark.parametrize('share', [0.4, 0.8])
def test_a_cut_video_is_said_to_be_cut(tmp_path, suffix, codec, share):
    path = tmp_path / f'clip{suffix}'
    write(path, codec=codec) if codec else write_gif(path, [100] * COUNT)
    assert is_whole(path) is True
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert is_whole(path) is False
    usable, fault = shown(path)
    assert 0 < usable.count(True) < COUNT and 'breaks off after' in fault


def test_an_mp4_has_all_its_boxes(tmp_path):
    path = write(tmp_path / 'clip.mp4')
    assert is_whole(path) is True
    data = path.read_bytes()
    path.write_bytes(data[:-20])
    assert is_whole(path) is False
    path.write_bytes(data + b'\0' * 100)  # padding
    assert is_whole(path) is True


def box(name, content):
    return struct.pack('>I4s', len(content) + 8, name) + content


@pytest.mark.parametrize(
    ('handler', 'fragments', 'length_s'),
    [(b'vide', False, 4.0), (b'soun', False, 60.0), (b'vide', True, None)],
)
def test_of_an_mp4_only_a_part_may_be_shown(tmp_path, handler, fragments, length_s):
    edits = struct.pack('>II', 0, 2) + struct.pack('>IiIIiI', 900, -1, 1, 4000, 7, 1)
    track = box(b'edts', box(b'elst', edits)) + box(b'mdia', box(b'hdlr', bytes(8) + handler))
    movie = box(b'mvhd', bytes(12) + struct.pack('>II', 1000, 60_000)) + box(b'trak', track)
    path = tmp_path / 'clip.mp4'
    path.write_bytes(
        box(b'ftyp', b'isom') + box(b'moov', movie) + box(b'moof' if fragments else b'mdat', b'x')
    )
    assert is_whole(path) is True
    assert stated_length(path, 60.0) == length_s


@pytest.mark.parametrize('start', [b'', b'GIF89a', b'\x1a\x45\xdf\xa3', b'RIFF', b'\0\0\0\x18ftyp'])
def test_what_has_no_more_than_a_beginning_is_not_whole(tmp_path, start):
    path = tmp_path / 'clip'
    for behind in (b'', b'\0', b'\xff' * 9):
        path.write_bytes(start + behind)
        assert is_whole(path) in (False, None)


@pytest.mark.parametrize(
    'name',
    [b'12:30:05.mp4', b'caf\xe9.mp4', b'take_%03d.mp4', b'100%.mp4', b'a b#c?.mp4', b'|x.mp4'],
)
def test_any_name_will_do(tmp_path, monkeypatch, name):
    from pathlib import Path

    os.rename(write(tmp_path / 'clip.mp4'), os.fsencode(tmp_path) + b'/' + name)
    monkeypatch.chdir(tmp_path)
    assert len(shown(Path(os.fsdecode(name)))[0]) == COUNT


def test_a_plain_name_serves_for_new_files_too(tmp_path):
    from pathlib import Path

    path = Path(os.fsdecode(os.fsencode(tmp_path) + b'/neu_\xfc.mp4'))
    with plain_name(path) as name:
        name.encode()
        with open(name, 'wb') as file:
            file.write(b'data')
    assert path.read_bytes() == b'data'


@pytest.mark.parametrize(
    'aspect, size', [('2:1', (128, 96)), ('1:2', (64, 192)), ('16:15', (68, 96))]
)
def test_pixels_that_are_not_square_are_shown_as_they_should_be(tmp_path, aspect, size):
    path = tmp_path / 'clip.y4m'
    image = np.full((96 * 3 // 2, 64), 128, np.uint8)
    path.write_bytes(
        f'YUV4MPEG2 W64 H96 F10:1 Ip A{aspect} C420jpeg\n'.encode()
        + (b'FRAME\n' + image.tobytes()) * 3
    )
    try:
        video = VideoFile(path)
    except SourceError:
        pytest.skip('this OpenCV cannot read Y4M')
    shapes = {each.image.shape for each in video.images()}
    assert shapes == {(size[1], size[0], 3)}


@pytest.mark.parametrize(
    'matrix, shown',
    [
        ((1, 0, 0, 1), lambda image: image),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
        ((0, -1, -1, 0), lambda image: image[::-1, ::-1].swapaxes(0, 1)),
    ],
)
def test_a_video_is_turned_and_mirrored_as_it_is_to_be_shown(tmp_path, matrix, shown):
    path = write(tmp_path / 'clip.mp4', count=2)
    (plain, _) = VideoFile(path).images()
    data, header = bytearray(path.read_bytes()), path.read_bytes().index(b'tkhd') + 44
    a, b, c, d = (each << 16 for each in matrix)
    struct.pack_into('>5i', data, header, a, b, 0, c, d)
    path.write_bytes(data)
    video = cv2.VideoCapture(str(path))
    if matrix[0] < 1 and not video.get(cv2.CAP_PROP_ORIENTATION_META):
        pytest.skip('this OpenCV does not turn videos')
    (image, _) = VideoFile(path).images()
    np.testing.assert_array_equal(image.image, shown(plain.image))


def test_a_gif_that_claims_much_is_refused(tmp_path):
    path = write_gif(tmp_path / 'clip.gif', [100, 100])
    data = bytearray(path.read_bytes())
    data[6:10] = struct.pack('<HH', 65535, 65535)
    path.write_bytes(data)
    with pytest.raises(SourceError, match='65535x65535'):
        VideoFile(path)
    assert 65535**2 > MAX_PIXELS
    write(path.with_suffix('.mp4'))
    with pytest.raises(SourceError, match='160x120'):
        VideoFile(path.with_suffix('.mp4'), 160 * 120 - 1)


def test_images_of_a_gif_that_are_not_read_are_told(tmp_path):
    """FFmpeg gives the first one alone where nothing says how long each stays."""
    pillow = pytest.importorskip('PIL.Image', reason='GIFs are made with Pillow')
    noise = np.random.default_rng(0)
    first, *others = [pillow.fromarray(noise.integers(0, 255, (48, 64), np.uint8)) for _ in '12345']
    for duration, fault in ((0, 'images can be read'), (50, '')):
        path = tmp_path / f'{duration}.gif'
        first.save(path, save_all=True, append_images=others, duration=duration)
        video = VideoFile(path)
        given = list(video.images())
        said = video.missing(given[-1].position_s, 1 / video.rate)
        assert (len(given) == 5 and not said) if not fault else (len(given) == 5 or fault in said)
