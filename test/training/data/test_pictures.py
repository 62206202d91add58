"""Picture files to learn from: no half ones, none that claim more than they hold."""

import struct

import cv2
import numpy as np
import pytest

from face_perception.training.data.faults import MalformedError
from face_perception.training.data.pictures import decode_picture, read_picture

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
JPEG = cv2.imencode('.jpg', NOISE)[1].tobytes()


def test_a_whole_picture_is_read(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(JPEG + bytes(99))
    assert read_picture(tmp_path / 'a.jpg').shape == (60, 80, 3)


@pytest.mark.parametrize('share', [0.5, 0.67, 0.99])
def test_a_cut_jpeg_is_malformed(share):
    with pytest.raises(MalformedError, match='has no end'):
        decode_picture(JPEG[: int(share * len(JPEG))])


def test_a_picture_that_claims_too_much_is_malformed():
    data = bytearray(JPEG)
    place = data.index(b'\xff\xc0')
    data[place + 5 : place + 9] = struct.pack('>HH', 16000, 65500)
    with pytest.raises(MalformedError, match='65500x16000'):
        decode_picture(bytes(data))
