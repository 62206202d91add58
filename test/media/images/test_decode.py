"""Encoded images: their sizes before they are decoded, and what is cut or claims too much."""

import resource
import struct
import zlib

import cv2
import numpy as np
import pytest

from face_perception.core.errors import ImageError
from face_perception.media.images.decode import MAX_PIXELS, decode_image, image_header

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)


def encoded(extension, image=NOISE, options=()):
    """Return an image's bytes in a format."""
    try:
        done, data = cv2.imencode(extension, image, list(options))
    except cv2.error:
        done = False
    if not done:
        pytest.skip(f'this OpenCV cannot write {extension}')
    return data.tobytes()


def jpeg_of(width, height, **change):
    """Return a small JPEG that claims a size."""
    data = bytearray(encoded('.jpg', NOISE, **change))
    offset = next(
        data.index(bytes([0xFF, kind])) for kind in (0xC0, 0xC2) if bytes([0xFF, kind]) in data
    )
    data[offset + 5 : offset + 9] = struct.pack('>HH', height, width)
    return bytes(data)


def png_chunk(kind, content):
    return (
        struct.pack('>I', len(content))
        + kind
        + content
        + struct.pack('>I', zlib.crc32(kind + content))
    )


def png_of(width, height, depth=8, colour=2, packed=None):
    """Return a PNG of a size, with data that suffice or not."""
    return (
        b'\x89PNG\r\n\x1a\n'
        + png_chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0))
        + png_chunk(b'IDAT', zlib.compress(b'\0') if packed is None else packed)
        + png_chunk(b'IEND', b'')
    )


def bmp_of(width, height):
    return b'BM' + struct.pack(
        '<IHHIIiiHHIIiiII', 99, 0, 0, 54, 40, width, height, 1, 24, 0, *[0] * 5
    )


def tiff_of(width, height, order='<'):
    tags = b''.join(
        struct.pack(f'{order}HHII', tag, 4, 1, value)
        for tag, value in ((256, width), (257, height))
    )
    magic = b'II' if order == '<' else b'MM'
    return magic + struct.pack(f'{order}HIH', 42, 8, 2) + tags + bytes(4)


def gif_of(width, height):
    """Return a GIF without an image."""
    return b'GIF89a' + struct.pack('<HH', width, height) + bytes(3) + b';'


def webp_of(width, height):
    body = (
        b'VP8X'
        + struct.pack('<I', 10)
        + bytes(4)
        + b''.join((side - 1).to_bytes(3, 'little') for side in (width, height))
    )
    return b'RIFF' + struct.pack('<I', len(body) + 4) + b'WEBP' + body


def riff_part(name, content):
    return name + struct.pack('<I', len(content)) + content + bytes(len(content) % 2)


def reason(data, **more):
    """Return the kind of an error and its sentence."""
    with pytest.raises(ImageError) as caught:
        decode_image(data, **more)
    assert '\n' not in str(caught.value)
    return caught.value.kind, str(caught.value)


@pytest.mark.parametrize(
    'extension',
    ['.jpg', '.png', '.bmp', '.ppm', '.tiff', '.webp', '.gif', '.avif', '.jp2'],
)
def test_the_header_states_the_size_of_what_is_decoded(extension):
    data = encoded(extension)
    header = image_header(data)
    assert (header.width, header.height) == (80, 60)
    assert decode_image(data).shape == (60, 80, 3)


@pytest.mark.parametrize(
    'options', [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)]
)
def test_a_jpeg_is_whole_until_its_end_is_missing(options):
    data = encoded('.jpg', options=options)
    image = decode_image(data)
    for size in (len(data) - 1, len(data) - 2, len(data) // 2, 200, 30, 3):
        assert reason(data[:size])[0] == 'truncated'
    for behind in (b'\0' * 999, b'\xff\xd9', data[: len(data) // 2]):
        assert np.array_equal(decode_image(data + behind), image)


def test_the_end_of_a_thumbnail_is_not_the_end():
    data, inner = encoded('.jpg'), encoded('.jpg', NOISE[:16, :16])
    segment = b'\xff\xe1' + struct.pack('>H', len(inner) + 8) + b'Exif\0\0' + inner
    assert decode_image(data[:2] + segment + data[2:]).shape == (60, 80, 3)
    assert reason(data[:2] + segment + data[2:-40])[0] == 'truncated'


@pytest.mark.parametrize('share', [0.3, 0.9, 0.999])
@pytest.mark.parametrize(
    'extension', ['.png', '.bmp', '.ppm', '.tiff', '.webp', '.gif', '.avif', '.jp2']
)
def test_a_cut_image_is_refused(share, extension):
    data = encoded(extension)
    assert reason(data[: int(share * len(data))])[0] == 'truncated'


def test_a_flipped_bit_in_the_length_of_a_part_takes_no_memory():
    data = encoded('.png')
    for name in (b'IHDR', b'IDAT', b'IEND'):
        for bit in range(32):
            changed = bytearray(data)
            changed[data.index(name) - 4 + bit // 8] ^= 1 << bit % 8
            assert reason(bytes(changed))[0] in ('truncated', 'corrupt')


def test_a_png_with_odd_parts_is_decoded_without_them(capfd):
    data = encoded('.png')
    odd = png_chunk(b'iCCP', b'nonsense') + png_chunk(b'acTL', struct.pack('>II', 2**31 - 1, 0))
    assert np.array_equal(decode_image(data[:33] + odd + data[33:]), NOISE)
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize(
    'data',
    [
        jpeg_of(65500, 16000),
        jpeg_of(65500, 16000, options=(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        jpeg_of(9000, 7000),
        png_of(60000, 60000),
        png_of(2**31 - 1, 1),
        png_of(8000, 8000, 16, 6),
        bmp_of(40000, 40000),
        bmp_of(40000, -40000),
        tiff_of(60000, 60000),
        tiff_of(60000, 60000, '>'),
        gif_of(65535, 65535),
        webp_of(16384, 16384),
        b'P6 60000 60000 255\n' + bytes(99),
        b'P3 60000 60000 255\n1 2 3',
        b'II' + struct.pack('<HHHQ', 43, 8, 0, 2**63) + bytes(9),  # its directory is far behind
    ],
)
def test_a_few_bytes_that_claim_much_are_refused_before_they_are_decoded(data):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kind, _ = reason(data)
    assert kind in ('size', 'corrupt', 'truncated')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB


@pytest.mark.parametrize('size', [(0, 5), (5, 0)])
def test_sizes_of_nothing_are_refused(size):
    for make in (png_of, jpeg_of, gif_of, tiff_of):
        assert reason(make(*size))[0] == 'corrupt'


def test_the_limit_is_in_pixels():
    assert MAX_PIXELS >= 9504 * 6336, 'as many as the largest sensor of 24x36 mm has'
    data = encoded('.png')
    assert decode_image(data, 80 * 60).shape == (60, 80, 3)
    kind, words = reason(data, limit=80 * 60 - 1)
    assert kind == 'size' and '80x60' in words


@pytest.mark.parametrize('bits', [16, 14, 12, 10])
@pytest.mark.parametrize('extension', ['.png', '.tiff'])
@pytest.mark.parametrize('channels', [1, 3])
def test_images_of_16_bits_are_as_bright_as_their_sensor_saw_them(extension, bits, channels):
    image = np.ascontiguousarray(NOISE[:, :, :channels].squeeze())
    deep = (image.astype(np.uint16) * 257) >> (16 - bits)
    decoded = decode_image(encoded(extension, deep))
    expected = NOISE if channels == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    assert decoded.dtype == np.uint8 and np.abs(decoded.astype(int) - expected).max() <= 1


@pytest.mark.parametrize('order', '<>')
def test_gray_of_16_bits_may_be_0_where_it_is_white(order):
    gray = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5957
    pixels = (65535 - gray).astype(f'{order}u2').tobytes()
    entries = [(256, 4), (257, 3), (258, 16), (259, 1), (262, 0), (273, 8), (278, 3), (279, 24)]
    tags = b''.join(struct.pack(f'{order}HHII', tag, 4, 1, value) for tag, value in entries)
    data = struct.pack(f'{order}HI', 42, 32) + pixels + struct.pack(f'{order}H', len(entries))
    decoded = decode_image((b'II' if order == '<' else b'MM') + data + tags + bytes(4))
    assert np.abs(decoded[:, :, 1].astype(int) - gray // 257).max() <= 1


def test_images_behind_the_first_are_counted():
    png, tiff = encoded('.png'), tiff_of(80, 60)
    control = png_chunk(b'fcTL', bytes(26))
    for data, count in (
        (png, 1),
        (png[:33] + control + png[33:-12] + 2 * control + png[-12:], 3),
        (webp_of(80, 60), 1),
        (webp_of(80, 60) + riff_part(b'ANMF', b'odd') + riff_part(b'ANMF', b''), 2),
        (gif_of(80, 60), 1),
        (tiff, 1),
        (pages(tiff, 0, 1, 4, 0), 3),  # a smaller copy and a mask are no images of their own
        (pages(tiff, 0)[:-4] + struct.pack('<I', len(tiff)), 2),  # goes round
        (pages(tiff, 0)[:-4] + struct.pack('<I', 8), 2),
        (pages(tiff, 0)[:-4] + struct.pack('<I', 2**31), 2),
    ):
        if data[:4] == b'RIFF':
            data = b'RIFF' + struct.pack('<I', len(data) - 8) + data[8:]
        assert image_header(data).images == count


def pages(tiff, *kinds):
    """Return a TIFF with further pages, by the flags that tell what they are."""
    for kind in kinds:
        tiff = tiff[:-4] + struct.pack('<I', len(tiff))
        tiff += struct.pack('<HHHII', 1, 254, 4, 1, kind) + bytes(4)
    return tiff


@pytest.mark.parametrize('data', [b'', b'this is no image', b'\x89PNG', b'BM', b'RIFF', b'II*\0'])
def test_what_is_no_image_is_refused(data):
    assert reason(data)[0] in ('corrupt', 'truncated')
