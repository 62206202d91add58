"""What the help of a command says of defaults."""

import pytest

from face_perception.console.arguments import Parser, image_size


@pytest.fixture
def shown():
    parser = Parser(prog='tool')
    parser.add_argument('--size', type=image_size, default='640x480', help='how large')
    parser.add_argument('--rate', type=float, help='how fast')
    parser.add_argument('--topic', action='append', default=[], help='which')
    parser.add_argument('--loop', action='store_true', help='again')
    parser.add_argument('--offset', type=float, default=0.0, help='where')
    parser.add_argument('--seconds', default=20, help='how long (default: 20, at night 600)')
    return {line.strip() for line in parser.format_help().splitlines()}


def test_defaults_are_said_as_they_are_typed(shown):
    assert '--size SIZE        how large (default: 640x480)'.split() in [x.split() for x in shown]


def test_what_is_no_value_is_no_default(shown):
    text = ' '.join(shown)
    assert 'None' not in text and 'False' not in text and '[]' not in text
    assert '(default: 0.0)' in text and text.count('(default') == 3
