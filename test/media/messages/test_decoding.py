"""Each encoding against an image that is known."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from face_perception.core.errors import ImageError
from face_perception.media.messages.decoding import (
    BYTES_PER_PIXEL,
    SEMIPLANAR,
    SIXTEEN_BITS,
    SYNONYMS,
    ImageDecoder,
)

WIDTH, HEIGHT = 32, 24


def known_image():
    """Return a BGR image of four flat colours: chroma and Bayer keep their inside exact."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:12, :16] = (200, 40, 30)
    image[:12, 16:] = (30, 180, 60)
    image[12:, :16] = (40, 50, 210)
    image[12:, 16:] = (128, 128, 128)
    return image


def inside(image):
    """Return the middle of each colour, away from edges that interpolation blurs."""
    return np.stack([image[y : y + 4, x : x + 4] for y in (4, 16) for x in (6, 22)])


def mosaic(image, pattern):
    """Sample a BGR image as a Bayer sensor does; pattern is its upper left 2x2, by rows."""
    raw = np.zeros(image.shape[:2], np.uint8)
    for index, letter in enumerate(pattern):
        rows, columns = divmod(index, 2)
        raw[rows::2, columns::2] = image[rows::2, columns::2, 'bgr'.index(letter)]
    return raw


def yuv(image):
    """Return full-size Y, U, V planes as OpenCV's semi-planar conversions understand them."""
    planar = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).reshape(-1)
    area = WIDTH * HEIGHT
    luma = planar[:area].reshape(HEIGHT, WIDTH)
    quarter = [
        plane.reshape(HEIGHT // 2, WIDTH // 2)
        for plane in (planar[area : area * 5 // 4], planar[area * 5 // 4 :])
    ]
    return luma, *quarter


def packed_422(image, order):
    """Interleave to 4:2:2; order names the four bytes of two pixels, such as 'yuyv'."""
    luma, u, v = yuv(image)
    u, v = np.repeat(u, 2, axis=0), np.repeat(v, 2, axis=0)
    lumas = iter((luma[:, ::2], luma[:, 1::2]))
    planes = [next(lumas) if letter == 'y' else {'u': u, 'v': v}[letter] for letter in order]
    return np.stack(planes, axis=-1).reshape(HEIGHT, WIDTH * 2)


def semiplanar(image, order):
    luma, u, v = yuv(image)
    chroma = np.stack([{'u': u, 'v': v}[letter] for letter in order], axis=-1)
    return np.concatenate([luma, chroma.reshape(HEIGHT // 2, WIDTH)])


def full_chroma(image):
    """Return NV24: luma, then U and V of every pixel beside each other."""
    luma, u, v = yuv(image)
    u, v = (np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1) for plane in (u, v))
    return np.concatenate([luma, np.dstack([u, v]).reshape(2 * HEIGHT, WIDTH)])


def deep(image):
    """Return 16 bits per channel, as bytes."""
    return (np.ascontiguousarray(image).astype('<u2') * 257).view(np.uint8)


def encode(encoding):
    """Return the known image's bytes in an encoding, as rows."""
    image = known_image()
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if encoding.startswith('bayer_'):
        raw = mosaic(image, encoding[6:10])
        return raw if encoding.endswith('8') else (raw.astype('<u2') * 257).view(np.uint8)
    return {
        'bgr8': lambda: image,
        '8UC3': lambda: image,
        'rgb8': lambda: image[:, :, ::-1],
        'bgra8': lambda: cv2.cvtColor(image, cv2.COLOR_BGR2BGRA),
        '8UC4': lambda: cv2.cvtColor(image, cv2.COLOR_BGR2BGRA),
        'rgba8': lambda: cv2.cvtColor(image, cv2.COLOR_BGR2RGBA),
        'mono8': lambda: gray,
        '8UC1': lambda: gray,
        'mono16': lambda: (gray.astype('<u2') * 257).view(np.uint8),
        'uyvy': lambda: packed_422(image, 'uyvy'),
        'yuv422': lambda: packed_422(image, 'uyvy'),
        'yuyv': lambda: packed_422(image, 'yuyv'),
        'yuv422_yuy2': lambda: packed_422(image, 'yuyv'),
        'nv12': lambda: semiplanar(image, 'uv'),
        'nv21': lambda: semiplanar(image, 'vu'),
        'nv24': lambda: full_chroma(image),
        'bgr16': lambda: deep(image),
        '16UC3': lambda: deep(image),
        'rgb16': lambda: deep(image[:, :, ::-1]),
        'bgra16': lambda: deep(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)),
        '16UC4': lambda: deep(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)),
        'rgba16': lambda: deep(cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)),
    }[encoding]().reshape(-1, WIDTH * BYTES_PER_PIXEL[encoding])


def message_of(encoding='bgr8', rows=None, padding=0, **change):
    """Return a duck-typed sensor_msgs/Image."""
    rows = encode(encoding) if rows is None else rows
    rows = np.ascontiguousarray(rows)
    if encoding == 'nv24' and padding:  # a row of chroma has twice the bytes of one of luma
        luma, chroma = rows[:HEIGHT], rows[HEIGHT:].reshape(HEIGHT, 2 * WIDTH)
        chroma = np.pad(chroma, ((0, 0), (0, 2 * padding)), constant_values=77)
        luma = np.pad(luma, ((0, 0), (0, padding)), constant_values=77)
        rows = np.concatenate([luma, chroma.reshape(2 * HEIGHT, -1)])
    else:
        rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    fields = {
        'width': WIDTH,
        'height': HEIGHT,
        'encoding': encoding,
        'is_bigendian': 0,
        'step': rows.shape[1],
        'data': rows.tobytes(),
    }
    return SimpleNamespace(**{**fields, **change})


def compressed(data, kind='jpeg'):
    return SimpleNamespace(format=kind, data=data)


@pytest.fixture
def decoder():
    return ImageDecoder(100)


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('encoding', BYTES_PER_PIXEL)
def test_each_encoding_gives_the_known_image(decoder, encoding, padding):
    if encoding in SEMIPLANAR or '16' in encoding:
        padding *= 2
    decoded = decoder.decode(message_of(encoding, padding=padding))
    assert decoded.shape == (HEIGHT, WIDTH, 3) and decoded.dtype == np.uint8
    expected = known_image()
    if 'mono' in encoding or encoding == '8UC1':
        expected = cv2.cvtColor(cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    tolerance = 0 if encoding[:4] in ('bgr8', 'rgb8', '8UC3', 'bgra', 'rgba', '8UC4') else 4
    difference = np.abs(inside(decoded).astype(int) - inside(expected))
    assert difference.max() <= tolerance


def rosbags_image(message):
    return pytest.importorskip('rosbags.image').image_to_cvimage(message, 'bgr8')


def cv_bridge(message):
    bridge = pytest.importorskip('cv_bridge').CvBridge()
    try:
        return bridge.imgmsg_to_cv2(message, 'bgr8')
    except Exception:
        pytest.skip('which encodings it knows depends on its version')


@pytest.mark.parametrize('library', [rosbags_image, cv_bridge])
@pytest.mark.parametrize('encoding', [name for name in BYTES_PER_PIXEL if name not in SEMIPLANAR])
def test_the_libraries_that_others_use_give_the_same_image(decoder, library, encoding):
    message = message_of(SYNONYMS.get(encoding, encoding), encode(encoding))
    # One level: of 16 bits cv_bridge rounds to 8, and rosbags-image cuts.
    tolerance = 1 if '16' in encoding else 0
    difference = decoder.decode(message_of(encoding)).astype(int) - library(message)
    assert np.abs(difference).max() <= tolerance


@pytest.mark.parametrize('bits', [16, 14, 12, 10])
@pytest.mark.parametrize('encoding', SIXTEEN_BITS)
def test_sensors_with_fewer_bits_give_the_same_image(decoder, encoding, bits):
    whole = encode(encoding).view('<u2')
    fewer = message_of(encoding, (whole >> (16 - bits)).view(np.uint8))
    assert (
        np.abs(decoder.decode(fewer).astype(int) - decoder.decode(message_of(encoding))).max() <= 1
    )


def test_a_dark_image_of_16_bits_is_not_made_of_noise(decoder):
    noise = np.random.default_rng(0).integers(0, 40, (HEIGHT, WIDTH)).astype('<u2')
    assert decoder.decode(message_of('mono16', noise.view(np.uint8))).max() <= 40 >> 2


@pytest.mark.parametrize('encoding', ['bgr16', 'rgba16', 'bayer_rggb16'])
def test_big_endian_images_are_swapped(decoder, encoding):
    rows = encode(encoding)
    swapped = rows.reshape(HEIGHT, -1, 2)[:, :, ::-1].reshape(HEIGHT, -1)
    assert np.array_equal(
        decoder.decode(message_of(encoding, swapped, is_bigendian=1)),
        decoder.decode(message_of(encoding)),
    )


def test_nv24_may_have_odd_sizes(decoder):
    rows = np.full((3 * 23, 31), 128, np.uint8)
    rows[:23] = 126
    decoded = decoder.decode(message_of('nv24', rows, width=31, height=23))
    assert decoded.shape == (23, 31, 3) and abs(decoded.astype(int) - 128).max() <= 1


def test_big_endian_mono16_is_swapped(decoder):
    swapped = encode('mono16').reshape(HEIGHT, WIDTH, 2)[:, :, ::-1].reshape(HEIGHT, -1)
    assert np.array_equal(
        decoder.decode(message_of('mono16', swapped, is_bigendian=1)),
        decoder.decode(message_of('mono16')),
    )


def test_bgr8_is_not_copied():
    message = message_of()
    decoded = ImageDecoder(100).decode(message)
    assert np.shares_memory(decoded, np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize(('extension', 'tolerance'), [('.png', 0), ('.jpg', 6)])
def test_compressed_images(decoder, extension, tolerance):
    _, data = cv2.imencode(extension, known_image())
    decoded = decoder.decode(compressed(data.tobytes(), 'bgr8; jpeg compressed bgr8'))
    assert np.abs(inside(decoded).astype(int) - inside(known_image())).max() <= tolerance


def test_a_gray_jpeg_becomes_bgr(decoder):
    _, data = cv2.imencode('.jpg', np.full((HEIGHT, WIDTH), 90, np.uint8))
    decoded = decoder.decode(compressed(data.tobytes()))
    assert decoded.shape == (HEIGHT, WIDTH, 3) and abs(int(decoded.mean()) - 90) <= 2


@pytest.mark.parametrize(
    ('message', 'kind', 'words'),
    [
        (message_of(width=0), 'size', '0x24'),
        (message_of(height=0), 'size', '32x0'),
        (message_of(width=7680, height=4320), 'size', '7680x4320.*larger than max_image_size'),
        (message_of(step=WIDTH * 3 - 1), 'step', 'takes 96'),
        (message_of(data=b'\0' * 100), 'truncated', '100 bytes.*2304'),
        (message_of(data=b''), 'truncated', '0 bytes'),
        (message_of(encoding='', rows=encode('bgr8')), 'encoding', 'unknown encoding'),
        (message_of(encoding='bgr9', rows=encode('bgr8')), 'encoding', "'bgr9'.*one of bgr8"),
        (message_of(encoding='16UC1', rows=encode('mono16')), 'encoding', 'depth image'),
        (message_of(encoding='32FC1', rows=encode('bgra8')), 'encoding', 'depth image'),
        (message_of('nv12', width=31), 'size', 'even'),
        (message_of('nv12', data=bytes(WIDTH * HEIGHT)), 'truncated', '36 rows'),
        (compressed(b''), 'truncated', 'without data'),
        (compressed(b'\xff\xd8' + b'\0' * 50), 'truncated', 'no end'),
        (compressed(b'\xff\xd8' + b'nonsense' * 5 + b'\xff\xd9'), 'corrupt', 'cannot be decoded'),
        (compressed(b'this is no image'), 'corrupt', 'cannot be decoded'),
        (compressed(b'\0' * 20, '16UC1; compressedDepth png'), 'encoding', 'depth image'),
    ],
)
def test_each_fault_gets_its_own_sentence(decoder, message, kind, words):
    with pytest.raises(ImageError, match=words) as caught:
        decoder.decode(message)
    assert caught.value.kind == kind
    assert '\n' not in str(caught.value)


def test_a_cut_jpeg_is_refused_and_one_with_padding_is_not(decoder):
    _, data = cv2.imencode('.jpg', known_image())
    with pytest.raises(ImageError, match='no end'):
        decoder.decode(compressed(data.tobytes()[:-30]))
    assert decoder.decode(compressed(data.tobytes() + b'\0' * 7)).shape == (HEIGHT, WIDTH, 3)


def test_a_compressed_image_that_is_too_large_is_refused(decoder):
    _, data = cv2.imencode('.png', np.zeros((10, 101, 3), np.uint8))
    with pytest.raises(ImageError, match='101x10'):
        decoder.decode(compressed(data.tobytes(), 'png'))


def test_other_formats_are_refused_by_what_they_begin_with(decoder):
    # OpenCV writes GIF since 4.11 only.
    files = {'gif': b'GIF89a' + bytes(100)}
    for kind in ('bmp', 'tiff', 'webp'):
        files[kind] = cv2.imencode(f'.{kind}', known_image())[1].tobytes()
    for kind, data in files.items():
        with pytest.raises(ImageError, match='neither JPEG nor PNG'):
            decoder.decode(compressed(data, kind))


def test_what_lies_behind_a_jpeg_does_not_matter(decoder):
    _, data = cv2.imencode('.jpg', known_image())
    whole = decoder.decode(compressed(data.tobytes()))
    for behind in (bytes(1000), bytes(range(1, 201)), b'\xff' * 9, data.tobytes()[:50]):
        assert np.array_equal(decoder.decode(compressed(data.tobytes() + behind)), whole)


def test_what_a_stranger_writes_is_repeated_short_and_on_one_line(decoder):
    for message in (
        message_of(encoding='bgr8\n\x1b[31m' + 'x' * 9999, rows=encode('bgr8')),
        compressed(b'nonsense', 'jpeg\r\n\x1b[2J' + 'x' * 9999),
        message_of('yuyv', width=31),
    ):
        with pytest.raises(ImageError) as caught:
            decoder.decode(message)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 700


def test_an_odd_width_of_what_comes_in_pairs_has_its_own_sentence(decoder):
    with pytest.raises(ImageError, match='31x24.*even widths'):
        decoder.decode(message_of('uyvy', width=31))


@pytest.mark.parametrize('shape', [(1, 1), (2, 8), (8, 2)])
@pytest.mark.parametrize('encoding', ['bayer_rggb8', 'bayer_gbrg16'])
def test_mosaics_too_small_for_a_colour_are_refused_not_black(decoder, encoding, shape):
    rows = np.full((shape[0], shape[1] * BYTES_PER_PIXEL[encoding]), 128, np.uint8)
    message = message_of(encoding, rows)
    message.height, message.width = shape
    with pytest.raises(ImageError, match='from 3 pixels a side on'):
        decoder.decode(message)


@pytest.mark.parametrize(
    'message', [message_of(), compressed(cv2.imencode('.png', known_image())[1].tobytes())]
)
def test_the_pixels_of_all_images_are_limited(message):
    with pytest.raises(ImageError, match='megapixels'):
        ImageDecoder(100, WIDTH * HEIGHT - 1).decode(message)
    assert ImageDecoder(100, WIDTH * HEIGHT).decode(message).shape == (HEIGHT, WIDTH, 3)


def test_a_limit_that_nothing_raises_names_no_parameter():
    with pytest.raises(ImageError, match=r'larger than 16 pixels: make it smaller$'):
        ImageDecoder(16, parameter='').decode(message_of())
