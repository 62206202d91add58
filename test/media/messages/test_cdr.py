import pytest

from face_perception.media.messages.cdr import header_stamp_ns

SECONDS, NANOSECONDS = 1_700_000_000, 123_456_789


@pytest.mark.parametrize(('second_byte', 'order'), [(1, 'little'), (0, 'big')])
def test_the_stamp_is_read_in_either_order_of_bytes(second_byte, order):
    numbers = SECONDS.to_bytes(4, order) + NANOSECONDS.to_bytes(4, order)
    message = bytes([0, second_byte, 0, 0]) + numbers + b'more'
    assert header_stamp_ns(message) == SECONDS * 10**9 + NANOSECONDS


@pytest.mark.parametrize('length', [0, 1, 4, 11])
def test_what_is_too_short_has_no_stamp(length):
    assert header_stamp_ns(bytes([0, 1, 0, 0, *range(1, 9)])[:length]) == 0
