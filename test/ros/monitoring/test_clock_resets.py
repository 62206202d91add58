"""Images around a jump of the clock, without a node."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time as TimeMessage
from rclpy.time import Time

from face_perception.ros.monitoring.clock_resets import STRAY_S, ClockResets
from face_perception.ros.monitoring.stamps import SETTLE_S, StampCheck


class Monotonic:
    """Real time that is set by hand."""

    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


def test_an_image_of_the_time_before_a_jump_is_told_by_its_stamp_for_a_while():
    monotonic = Monotonic()
    resets = ClockResets(monotonic)
    assert resets.current == 0 and not resets.is_stray(1000.0, 3.0)
    resets.end(1000.0)
    assert resets.current == 1
    assert resets.is_stray(999.9, 3.0) and resets.is_stray(1000.1, 3.0)
    assert not resets.is_stray(3.1, 3.0), 'an image of the new time'
    assert not resets.is_stray(5000.0, 3.0), 'a stamp that is of neither time'
    monotonic.now += STRAY_S
    assert not resets.is_stray(999.9, 3.0), 'no image is on its way for so long'


@pytest.fixture
def check():
    """Return a check of stamps, its real time, and the kinds that it reports."""
    monotonic, kinds = Monotonic(), []
    return StampCheck(lambda kind, _: kinds.append(kind), monotonic), monotonic, kinds


def stamp(seconds):
    return TimeMessage(sec=seconds)


@pytest.mark.parametrize(('stamp_s', 'kind'), [(0, 'zero'), (900, 'past'), (1100, 'future')])
def test_a_wrong_stamp_is_reported_at_once(check, stamp_s, kind):
    stamps, _, kinds = check
    age = stamps.transport_time(stamp(stamp_s), Time(seconds=1000))
    assert kinds == [f'stamp {kind}']
    assert age == (1000 - stamp_s if stamp_s else 0)


@pytest.mark.parametrize('end', ['jump', 'good image'])
def test_in_simulation_only_stamps_that_stay_wrong_are_reported(check, end):
    stamps, monotonic, kinds = check

    def show(stamp_s):
        stamps.transport_time(stamp(stamp_s), Time(seconds=1000), simulated=True)

    show(3)
    monotonic.now += 0.9 * SETTLE_S
    show(3)
    if end == 'jump':
        stamps.restart()
    else:
        show(1000)
    monotonic.now += 0.9 * SETTLE_S
    show(3)
    assert kinds == []
    monotonic.now += SETTLE_S
    show(3)
    assert kinds == ['stamp past']


def test_a_clock_that_is_set_back_again_and_again_is_told_from_one_that_was_once():
    monotonic = Monotonic()
    resets = ClockResets(monotonic)
    for _ in range(5):  # a bag of ten seconds, in a loop
        resets.end(10.0)
        monotonic.now += 10.0
        assert not resets.restless
    for _ in range(3):
        resets.end(1000.0)
        monotonic.now += 0.1
    assert resets.restless
