import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from std_msgs.msg import Header

from face_perception.media.errors import SourceError
from face_perception.media.messages.decoding import BYTES_PER_PIXEL, ImageDecoder
from face_perception.media.messages.encoding import ENCODERS, compress, encode

EXACT = (
    *('bgr8', 'rgb8', 'bgra8', 'rgba8', '8UC3', '8UC4'),
    *('bgr16', 'rgb16', 'bgra16', 'rgba16', '16UC3', '16UC4'),
)
GRAY = ('mono8', 'mono16', '8UC1')
#: Mean error in gray levels of what loses colour resolution, on a smooth image.
TOLERANCE = 1.5


@pytest.fixture(scope='module')
def image():
    """Return a smooth, colourful image without symmetry, uint8 ``[120, 160, 3]``."""
    random = np.random.RandomState(3)
    coarse = random.randint(30, 226, (4, 5, 3)).astype(np.uint8)
    return cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope='module')
def decoder():
    return ImageDecoder(4096)


def test_every_encoding_that_the_node_reads_can_be_made():
    assert set(ENCODERS) == set(BYTES_PER_PIXEL)


@pytest.mark.parametrize('encoding', ENCODERS)
def test_the_node_decodes_the_image_again(encoding, image, decoder):
    header = Header(frame_id='somewhere')
    message = encode(image, encoding, header)
    assert (message.width, message.height, message.encoding) == (160, 120, encoding)
    assert message.step == 160 * BYTES_PER_PIXEL[encoding]
    assert message.header.frame_id == 'somewhere'
    rows = {'nv12': 180, 'nv21': 180, 'nv24': 360}.get(encoding, 120)
    assert len(message.data) == rows * message.step
    decoded = decoder.decode(message)
    expected = image
    if encoding in GRAY:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        expected = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    error = np.abs(decoded.astype(int) - expected)
    if encoding in EXACT + GRAY:
        assert error.max() == 0
    else:
        assert error.mean() < TOLERANCE
        assert np.percentile(error, 99) < 12


@pytest.mark.parametrize('kind, tolerance', [('png', 0), ('jpeg', 2)])
def test_compressed_images_are_decoded_again(kind, tolerance, image, decoder):
    message = compress(image, kind, Header(frame_id='somewhere'))
    assert message.format == f'bgr8; {kind} compressed bgr8'
    assert message.header.frame_id == 'somewhere'
    error = np.abs(decoder.decode(message).astype(int) - image)
    assert error.mean() <= tolerance


@pytest.mark.parametrize('encoding', ['bgr8', 'mono16', 'bayer_rggb8'])
def test_odd_sizes_are_fine_for_most(encoding, decoder):
    image = np.full((31, 33, 3), 77, np.uint8)
    assert np.abs(decoder.decode(encode(image, encoding, Header())).astype(int) - 77).max() <= 1


@pytest.mark.parametrize(
    'encoding, size',
    [('nv12', (31, 32)), ('nv21', (32, 31)), ('yuyv', (32, 31)), ('uyvy', (32, 31))],
)
def test_odd_sizes_that_cannot_be_are_refused(encoding, size):
    with pytest.raises(SourceError, match=f"'{encoding}', which needs even sizes: give --size"):
        encode(np.zeros((*size, 3), np.uint8), encoding, Header())


def test_a_view_of_a_larger_image_is_encoded_right(image, decoder):
    part = image[10:50, 20:100]
    for encoding in ('bgr8', 'rgb8', 'nv12'):
        message = encode(part, encoding, Header())
        error = np.abs(decoder.decode(message).astype(int) - part)
        assert error.mean() < TOLERANCE
