"""Image files to learn from: no half ones, none that claim more than they hold."""

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_perception.training.data.faults import MalformedError
from face_perception.training.data.images import decode_image, read_image

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
JPEG = cv2.imencode('.jpg', NOISE)[1].tobytes()


def test_a_whole_image_is_read(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(JPEG + bytes(99))
    assert read_image(tmp_path / 'a.jpg').shape == (60, 80, 3)


@pytest.mark.parametrize('share', [0.5, 0.67, 0.99])
def test_a_cut_jpeg_is_malformed(share):
    with pytest.raises(MalformedError, match='has no end'):
        decode_image(JPEG[: int(share * len(JPEG))])


def test_an_image_that_claims_too_much_is_malformed():
    data = bytearray(JPEG)
    start = data.index(b'\xff\xc0')
    data[start + 5 : start + 9] = struct.pack('>HH', 16000, 65500)
    with pytest.raises(MalformedError, match='65500x16000'):
        decode_image(bytes(data))


def test_what_has_no_end_or_never_begins_is_malformed(tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    for path in (tmp_path / 'pipe.jpg', Path('/dev/zero'), tmp_path):
        with pytest.raises(MalformedError, match='no regular file'):
            read_image(path)
