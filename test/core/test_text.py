import pytest

from face_perception.core.errors import FacePerceptionError, ImageError
from face_perception.core.text import LONGEST_SENTENCE, library_words, one_line, value


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('Gesichter sehen: größer als 640×480 …', 'Gesichter sehen: größer als 640×480 …'),
        ('a\nb\r\tc', r'a\nb\r\tc'),
        ('\x1b[2J\x07\x7f\x9b', r'\x1b[2J\x07\x7f\x9b'),
        ('\u202eevil\u2028\ufeff', r'\u202eevil\u2028\ufeff'),
        ('\udc80', r'\udc80'),
        ('\U000e0001\U00011747', r'\U000e0001\U00011747'),
    ],
)
def test_what_is_not_printable_is_written_out(text, shown):
    assert one_line(text) == shown
    one_line(text).encode()


def test_what_is_long_is_cut_and_said():
    assert value('x' * 5000).endswith('… (5000 characters)') and len(value('x' * 5000)) < 110
    assert len(one_line('\n' * 10**6)) < 2 * LONGEST_SENTENCE + 30


def test_of_a_librarys_words_the_place_in_its_source_is_left_out():
    place = '/src/core/model.cc:256 ort::Model::Model(onnx::ModelProto&&, const ort::Logger&) '
    words = 'Unsupported model IR version: 99'
    assert library_words(f'[FAIL] : {place}{words}\n\n') == f'[FAIL] : {words}'
    assert library_words('first\nlast') == 'last' and library_words('') == ''


def test_every_error_of_the_package_is_one_line():
    assert '\n' not in str(ImageError('x', 'a\nb'))
    assert '\x1b' not in str(FacePerceptionError('\x1b'))
