"""AVIF and HEIC: which side is up, and how many images there are."""

import struct

import cv2
import numpy as np
import pytest

from face_perception.core.errors import ImageError
from face_perception.media.images.decode import decode_image, image_header

SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8), (80, 60))
try:
    AVIF = cv2.imencode('.avif', SMOOTH)[1].tobytes()
except (cv2.error, AttributeError):
    pytest.skip('this OpenCV cannot write AVIF', allow_module_level=True)


def box(name, *parts):
    content = b''.join(parts)
    return struct.pack('>I4s', len(content) + 8, name) + content


def turned_avif(name, value):
    """Return the AVIF where the colours' description gave its place to such a property."""
    if b'colrnclx' not in AVIF or b'\x83\x04' not in AVIF:
        pytest.skip('this OpenCV writes other properties')
    changed = AVIF.replace(b'colrnclx', name + bytes([value]) + b'clx')
    return changed.replace(b'\x83\x04', b'\x83\x84', 1)  # no reader may pass over it


@pytest.mark.parametrize('name, value', [(b'irot', 1), (b'irot', 2), (b'imir', 0), (b'imir', 1)])
def test_an_avif_is_shown_with_its_upper_side_up(name, value):
    plain, shown = decode_image(AVIF), decode_image(turned_avif(name, value))
    expected = np.rot90(plain, value) if name == b'irot' else cv2.flip(plain, value)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 5


@pytest.mark.parametrize('version, flags, form', [(0, 0, '>HBBBB'), (1, 1, '>IBHHH')])
def test_the_primary_item_says_which_side_is_up(version, flags, form):
    item = struct.pack('>I' if version else '>H', 7)
    known = [box(b'ispe', bytes(4), struct.pack('>II', 80, 60)), box(b'irot', b'\3')]
    known += [box(b'imir', b'\0'), box(b'irot', b'\1')]
    numbers = [(5, 1, 2, 4), (7, 1, 3, 2)]
    flag = 1 << (15 if flags else 7)
    groups = [
        struct.pack(form, each, 3, *(number | flag for number in of)) for each, *of in numbers
    ]
    header = image_header(
        box(b'ftyp', b'avif', bytes(4), b'avif')
        + box(
            b'meta',
            bytes(4),
            box(b'pitm', bytes([version, 0, 0, 0]), item),
            box(
                b'iprp',
                box(b'ipco', *known),
                box(b'ipma', bytes([version, 0, 0, flags]), struct.pack('>I', 2), *groups),
            ),
        )
    )
    assert (header.width, header.height, header.turns, header.mirror) == (80, 60, 3, 0)


@pytest.mark.parametrize('count, images', [(5, 5), (1, 1), (2**32 - 1, 5)])
def test_images_of_an_avif_are_those_of_its_longest_track(count, images):
    sizes = box(b'stsz', bytes(8), struct.pack('>I', count), bytes(20))
    track = box(b'trak', box(b'mdia', box(b'minf', box(b'stbl', sizes))))
    data = AVIF + box(b'moov', box(b'mvhd', bytes(4)), track)
    assert image_header(data).images == images


@pytest.mark.parametrize('name', [b'irot', b'imir', b'pitm', b'ipma'])
def test_a_box_without_its_content_is_a_cut_image(name):
    known = [box(b'ispe', bytes(4), struct.pack('>II', 80, 60)), box(name)]
    parts = {
        b'pitm': box(b'pitm', bytes(4), struct.pack('>H', 1)),
        b'ipma': box(b'ipma', bytes(4), struct.pack('>IHBBB', 1, 1, 2, 1, 2)),
    } | ({name: box(name)} if name in (b'pitm', b'ipma') else {})
    properties = box(b'iprp', box(b'ipco', *known), parts[b'ipma'])
    data = box(b'ftyp', b'avif', bytes(4), b'avif')
    with pytest.raises(ImageError, match='ends within its header'):
        image_header(data + box(b'meta', bytes(4), parts[b'pitm'], properties))
