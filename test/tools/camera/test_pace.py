import threading

import pytest

from face_perception.tools.camera.pace import Pace, Shortfall


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def ticks(pace, clock, count, work=0.0):
    """Return when ``count`` ticks come if each is followed by ``work`` seconds of work."""
    times = []
    for _ in range(count):
        clock.now += pace.delay()
        times.append(clock.now - 100)
        clock.now += work
    return times


@pytest.mark.parametrize('work', [0.0, 0.03, 0.0999])
def test_the_beat_does_not_drift_with_the_work(work):
    clock = Clock()
    assert ticks(Pace(10, clock), clock, 50, work) == pytest.approx([i / 10 for i in range(50)])


def test_a_stall_is_followed_by_no_burst_and_keeps_the_beat():
    clock = Clock()
    pace = Pace(10, clock)
    ticks(pace, clock, 5)
    clock.now = 101.27  # the ticks 0.5 to 1.2 were missed
    late, *after = ticks(pace, clock, 4)
    assert late == pytest.approx(1.27)
    assert after == pytest.approx([1.3, 1.4, 1.5])


def test_work_longer_than_a_period_skips_ticks():
    clock = Clock()
    times = ticks(Pace(10, clock), clock, 10, work=0.15)
    intervals = [after - before for before, after in zip(times, times[1:])]
    assert min(intervals) > 0.05


def test_waiting_ends_when_asked_to():
    stop = threading.Event()
    pace = Pace(0.1)
    assert pace.wait(stop)
    stop.set()
    assert not pace.wait(stop)


@pytest.mark.parametrize(
    'given, wanted, kept', [(30, 10, 10), (30, 30, 30), (30, 20, 20), (30, 100, 30)]
)
def test_images_of_a_webcam_that_come_too_early_are_left_out(given, wanted, kept):
    clock = Clock()
    pace = Pace(wanted, clock)
    count = 0
    for index in range(10 * given):
        clock.now = 100 + index / given + 0.002 * (index % 3)
        count += not pace.skips()
    assert count / 10 == pytest.approx(kept, rel=0.1)


def told(shortfall, clock, count, rate):
    """Return what is told of ``count`` images that come ``rate`` times a second."""
    found = []
    for _ in range(count):
        clock.now += 1 / rate
        found.append(shortfall.found())
    return [rate for rate in found if rate]


def test_fewer_images_than_wanted_are_told_once_with_how_many_there_are():
    clock = Clock()
    shortfall = Shortfall(30, clock)
    assert told(shortfall, clock, 300, 15) == pytest.approx([15], rel=0.02)
    assert not told(shortfall, clock, 300, 10)


def test_a_beat_that_is_kept_but_for_a_stall_is_not_told():
    clock = Clock()
    shortfall = Shortfall(30, clock)
    assert not told(shortfall, clock, 600, 27)
    clock.now += 4.0
    assert not told(shortfall, clock, 600, 30)
    seldom = Shortfall(0.1, clock)
    assert not told(seldom, clock, 50, 0.1)
    assert told(seldom, clock, 50, 0.05) == pytest.approx([0.05], rel=0.02)
