"""Which files are images, alone and in a folder, and why one cannot be used."""

import os

import cv2
import numpy as np
import pytest

from face_perception.core.errors import ImageError
from face_perception.media.errors import SourceError
from face_perception.media.images.files import images_in, is_image, load_image, read_image

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
JPEG = cv2.imencode('.jpg', NOISE)[1].tobytes()


def test_images_of_a_folder_are_those_that_can_be_read_and_those_that_cannot(tmp_path):
    for name in ('a.jpg', 'b.HEIC', 'c.gif', 'd.nef', 'e.mp4', 'f.txt', 'g.jxl'):
        (tmp_path / name).write_bytes(JPEG if name == 'a.jpg' else b'something')
    (tmp_path / 'h.jpg').mkdir()
    (tmp_path / 'i.jpg').symlink_to('i.jpg')
    (tmp_path / 'j.png').symlink_to('gone.png')
    os.mkfifo(tmp_path / 'k.png')
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'photo.jpg_large').write_bytes(JPEG)
    (tmp_path / 'no_suffix').write_bytes(cv2.imencode('.png', NOISE)[1].tobytes())
    names = [path.name for path in images_in(tmp_path)]
    assert names == [
        *('a.jpg', 'b.HEIC', 'c.gif', 'd.nef', 'e.mp4', 'g.jxl', 'i.jpg', 'j.png', 'k.png'),
        *('no_suffix', 'photo.jpg_large'),
    ]
    assert load_image(tmp_path / 'a.jpg').shape == (60, 80, 3)
    with pytest.raises(ImageError, match='no image of a kind that is known'):
        load_image(tmp_path / 'b.HEIC')
    with pytest.raises(ImageError, match='give it by itself'):
        load_image(tmp_path / 'e.mp4')
    for name in ('i.jpg', 'j.png', 'k.png'):
        with pytest.raises(ImageError, match='no file|cannot be read'):
            load_image(tmp_path / name)


@pytest.mark.parametrize(
    ('names', 'words'),
    [
        (('b.mp4', 'a.MOV'), "holds videos, but no image: give the videos themselves, .+a.MOV'"),
        (('.git/', 'drive_2/', 'drive_1/'), "holds folders, .+ give what is in it, .+drive_1'"),
        (('.git/', 'notes.txt'), 'holds no image: images end in'),
    ],
)
def test_a_folder_without_images_says_what_to_give_instead(tmp_path, names, words):
    for name in names:
        path = tmp_path / name
        path.mkdir() if name.endswith('/') else path.write_bytes(b'something')
    with pytest.raises(SourceError, match=words):
        images_in(tmp_path)


def test_what_a_folder_passes_over_is_known_by_its_ending(tmp_path):
    stills = ('dib', 'pef', 'srw', 'ras', 'pfm', 'pcx', 'pic', 'heics', 'avifs', 'mpo')
    for ending in (*stills, 'FLV', 'mpeg', 'ts', 'm2ts', 'ogv', 'vob', 'mjpeg', 'txt'):
        (tmp_path / f'a.{ending}').write_bytes(b'something')
    paths = images_in(tmp_path)
    assert len(paths) == 17 and tmp_path / 'a.txt' not in paths
    for path in paths:
        with pytest.raises(ImageError, match='no image' if path.suffix[1:] in stills else 'video'):
            load_image(path)


@pytest.mark.parametrize(
    'name, start, expected',
    [
        ('photo', b'\xff\xd8\xff', True),
        ('photo.jpg_large', b'II*\0', True),
        ('photo.gif', b'RIFF\0\0\0\0WEBP', True),
        ('photo', b'\0\0\0\x18ftypheic', True),
        ('photo.jpg', b'nonsense', True),
        ('photo.jpg', b'GIF89a', False),
        ('clip', b'\0\0\0\x18ftypisom', False),
        ('clip', b'\0\0\0\x18ftyphevc', False),
        ('clip.MJPEG', b'\xff\xd8\xff', False),
        ('clip', b'RIFF\0\0\0\0AVI ', False),
        ('clip.stream', 5 * JPEG, False),
        ('photo_with_depth', 2 * JPEG, True),
        ('clip.jpg', 5 * JPEG, True),
    ],
)
def test_a_file_is_an_image_by_how_it_begins_or_by_its_name(tmp_path, name, start, expected):
    (tmp_path / name).write_bytes(start)
    assert is_image(tmp_path / name) is expected


def test_an_image_that_cannot_be_used_is_none(tmp_path):
    path = tmp_path / 'cut.jpg'
    path.write_bytes(JPEG[:900])
    assert read_image(path) is None
    assert read_image(tmp_path / 'missing.jpg') is None
    path.write_bytes(b'')
    with pytest.raises(ImageError, match='it is empty'):
        load_image(path)
