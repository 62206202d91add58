"""Any text and any stamps: what is shown is printable and bounded, times are numbers."""

import math

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time as TimeMessage

pytest.importorskip('hypothesis', reason='the fuzzer needs hypothesis')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from rclpy.time import Time  # noqa: E402

from face_perception.core.text import one_line  # noqa: E402
from face_perception.media.messages.taken import TakenTimes  # noqa: E402
from face_perception.ros.monitoring.stamps import StampCheck, StampGaps, nanoseconds_of, seconds_of  # noqa: E402
from support.mutations import examples  # noqa: E402

STAMPS = st.builds(
    TimeMessage,
    sec=st.integers(-(2**31), 2**31 - 1) | st.integers(1_700_000_000, 1_700_000_100),
    nanosec=st.integers(0, 2**32 - 1),
)


@examples(50)
@given(st.text(), st.integers(1, 200))
def test_text(text, longest):
    shown = one_line(text, longest)
    assert not any(
        ord(character) < 32 or character in '\x7f\x9b\u2028\u202e' for character in shown
    )
    assert len(shown) <= 10 * longest + 30
    shown.encode()


@examples(50)
@given(st.lists(st.tuples(STAMPS, st.floats(0, 10)), max_size=60))
def test_stamps(images):
    check, gaps, taken = StampCheck(lambda *_: None), StampGaps(), TakenTimes()
    passed = lost = 0
    for stamp, pause in images:
        passed += pause
        receipt = Time(nanoseconds=1_700_000_000 * 10**9 + int(passed * 1e9))
        assert math.isfinite(check.transport_time(stamp, receipt))
        count = gaps.add(seconds_of(stamp))
        assert count >= 0
        lost += count
        assert math.isfinite(taken.of(nanoseconds_of(stamp) / 1e9, 1_700_000_000 + passed, passed))
    assert lost < 100_000


@examples(50)
@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=30),
    st.sampled_from([3600.0, -3600.0, 5.0, -5.0, 1e9]),
)
def test_single_slips_among_good_stamps_move_no_other_image(numbers, slip):
    slips = {number for number in numbers if number and number - 1 not in numbers}
    taken = TakenTimes()
    for index in range(100):
        stamp = 1000 + index / 30
        time = taken.of(stamp + slip if index in slips else stamp, 0.0, index / 30)
        assert abs(time - stamp) < 0.05
