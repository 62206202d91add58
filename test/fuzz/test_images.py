"""Images and compressed images with any fields and bytes: an image, or one sentence."""

import resource
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='the fuzzer needs hypothesis')

from hypothesis import example, given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from face_perception.core.errors import ImageError  # noqa: E402
from face_perception.media.images.decode import decode_image, image_header  # noqa: E402
from face_perception.media.messages.decoding import (  # noqa: E402
    BYTES_PER_PIXEL,
    DEPTH_ENCODINGS,
    SEMIPLANAR,
    ImageDecoder,
)
from support.mutations import EXAMPLES, STEPS, damaged, examples, many, random_steps  # noqa: E402

LIMIT = 1 << 20  # pixels
DECODER = ImageDecoder(2048, max_pixels=LIMIT)
#: What a damaged image may take beside what it takes anyway, and hypothesis for each example of all
#: tests, in KB.
MEMORY = 200_000 + 50 * EXAMPLES


def smooth(height, width):
    """Return an image that lossy formats keep."""
    coarse = np.random.default_rng(1).integers(40, 216, (3, 4, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


IMAGE = smooth(48, 64)


def encoded(extension, *options):
    try:
        done, data = cv2.imencode(extension, IMAGE, list(options))
    except cv2.error:
        done = False
    return data.tobytes() if done else b''


SAMPLES = {
    'jpeg': encoded('.jpg'),
    'progressive': encoded('.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    'restarts': encoded('.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    'png': encoded('.png'),
    'flat png': encoded('.png', cv2.IMWRITE_PNG_COMPRESSION, 0),
    **{kind: encoded(f'.{kind}') for kind in ('bmp', 'ppm', 'tiff', 'webp', 'gif', 'avif', 'jp2')},
}
SAMPLES = {kind: data for kind, data in SAMPLES.items() if data}
IN_MESSAGES = ('jpeg', 'progressive', 'restarts', 'png', 'flat png')


@pytest.fixture(autouse=True, scope='module')
def bounded_memory():
    """Look at the memory once for all examples: it only ever grows."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEMORY, f'{grown} KB'


def outcome(decode):
    """Return an image as it has to be, or None for one sentence."""
    try:
        image = decode()
    except ImageError as error:
        assert str(error) and '\n' not in str(error) and error.kind
        return None
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    assert 0 < image.shape[0] * image.shape[1] <= LIMIT
    return image


def is_good(image):
    """Return whether an image is the one that was encoded, but for what formats lose."""
    # GIF has few colours, which OpenCV scatters.
    blurred = cv2.blur(image, (5, 5)).astype(int)
    return image.shape == IMAGE.shape and np.abs(blurred - cv2.blur(IMAGE, (5, 5))).mean() < 8


@pytest.mark.parametrize('kind', SAMPLES)
def test_whole_samples_give_their_image(kind):
    assert is_good(decode_image(SAMPLES[kind], LIMIT))


@examples(60)
@given(st.sampled_from(sorted(SAMPLES)), STEPS)
def test_damaged_files_give_an_image_or_a_sentence(kind, steps):
    data = damaged(SAMPLES[kind], steps)
    image = outcome(lambda: decode_image(data, LIMIT))
    if image is not None:
        header = image_header(data)
        # The side that is up may be said in a part of its own.
        assert sorted(image.shape[:2]) == sorted((header.height, header.width)) or (
            header.kind in ('AVIF', 'TIFF', 'WebP', 'JPEG 2000')
        )
    assert is_good(decode_image(SAMPLES[kind], LIMIT)), 'the good one between'


@examples(60)
@given(st.sampled_from(IN_MESSAGES), STEPS, st.text(max_size=20))
def test_damaged_messages_give_an_image_or_a_sentence(kind, steps, text):
    def message(data, said):
        return SimpleNamespace(format=said, data=data)

    outcome(lambda: DECODER.decode(message(damaged(SAMPLES[kind], steps), text)))
    assert is_good(DECODER.decode(message(SAMPLES[kind], 'jpeg')))


@examples(60)
@given(st.binary(max_size=200), st.sampled_from([b'', *(data[:12] for data in SAMPLES.values())]))
def test_bytes_give_a_sentence(data, start):
    outcome(lambda: decode_image(start + data, LIMIT))
    outcome(lambda: DECODER.decode(SimpleNamespace(format='', data=start + data)))


def raw(encoding, height, width, padding=0, bigendian=0):
    """Return a message whose pixels are all of one value, in any encoding."""
    step = width * BYTES_PER_PIXEL[encoding] + padding
    rows = int(height * SEMIPLANAR[encoding][0]) if encoding in SEMIPLANAR else height
    return SimpleNamespace(
        encoding=encoding,
        height=height,
        width=width,
        step=step,
        is_bigendian=bigendian,
        data=bytes([128]) * (rows * step),
    )


SIZES = st.integers(1, 40)
NUMBERS = st.one_of(SIZES, st.sampled_from([0, 1, 2047, 2048, 2049, 2**16, 2**31, 2**32 - 1]))


@examples(100)
@given(st.sampled_from(sorted(BYTES_PER_PIXEL)), SIZES, SIZES, st.integers(0, 9), st.booleans())
def test_whole_raw_images_have_their_size_and_colour(encoding, height, width, padding, bigendian):
    paired = encoding.startswith(('uyvy', 'yuv', 'yuyv', 'nv12', 'nv21'))
    if paired:
        height, width = 2 * height, 2 * width
    image = outcome(
        lambda: DECODER.decode(raw(encoding, height, width, 2 * padding, int(bigendian)))
    )
    if image is None:  # no mosaic of a pixel or two can be made an image
        assert encoding.startswith('bayer') and min(height, width) < 3
        return
    assert image.shape == (height, width, 3)
    assert np.abs(image.astype(int) - 129).max() <= 3 or min(height, width) < 3


@examples(150)
@given(
    st.one_of(st.sampled_from([*BYTES_PER_PIXEL, *DEPTH_ENCODINGS]), st.text(max_size=8)),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.integers(0, 255),
    st.integers(0, 5000),
)
@example('mono16', 1, 1, 3, 0, 3)
@example('bgr16', 2, 1, 7, 1, 14)
@example('yuyv', 1, 3, 7, 0, 7)
def test_raw_images_of_any_fields_give_an_image_or_a_sentence(
    encoding, height, width, step, bigendian, size
):
    message = SimpleNamespace(
        encoding=encoding,
        height=height,
        width=width,
        step=step,
        is_bigendian=bigendian,
        data=bytes(size),
    )
    image = outcome(lambda: DECODER.decode(message))
    assert image is None or image.shape == (height, width, 3)


def random_message(dice):
    """Return a raw image of any fields, whose numbers fit each other half of the time."""
    encoding = dice.choice([*BYTES_PER_PIXEL, *DEPTH_ENCODINGS, 'x' * dice.randrange(9)])
    height, width = dice.randint(1, 40), dice.randint(1, 40)
    message = raw(encoding, height, width) if encoding in BYTES_PER_PIXEL else raw('bgr8', 2, 2)
    message.encoding, message.is_bigendian = encoding, dice.choice((0, 1, 255))
    if dice.random() < 0.5:
        field = dice.choice(('height', 'width', 'step'))
        odd = (0, 1, 7, 2047, 2048, 2049, 2**16, 2**31, 2**32 - 1)
        setattr(message, field, dice.choice(odd))
        message.data = dice.randbytes(dice.randrange(5000))
    return message


MANY = {
    'files': lambda dice: decode_image(
        damaged(SAMPLES[dice.choice(sorted(SAMPLES))], random_steps(dice)), LIMIT
    ),
    'messages': lambda dice: DECODER.decode(
        SimpleNamespace(
            format=dice.choice(('jpeg', 'png', 'rgb8; jpeg compressed bgr8', '')),
            data=damaged(SAMPLES[dice.choice(IN_MESSAGES)], random_steps(dice)),
        )
    ),
    'raw': lambda dice: DECODER.decode(random_message(dice)),
}


@pytest.mark.parametrize('kind', MANY)
def test_many_give_an_image_or_a_sentence(kind):
    for dice in many(200):
        try:
            outcome(partial(MANY[kind], dice))
        except Exception as error:
            raise AssertionError(f'with FUZZ_SEED={dice.name}') from error
    assert is_good(decode_image(SAMPLES['jpeg'], LIMIT))
