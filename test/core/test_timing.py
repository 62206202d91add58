import pytest

from face_perception.core.timing import RateLimit, SlidingWindow, Stopwatch


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_laps_sum_to_the_total():
    watch = Stopwatch()
    laps = [watch.lap() for _ in range(5)]
    assert min(laps) >= 0
    assert watch.total() == pytest.approx(sum(laps), abs=5e-3)


def test_the_window_forgets_what_is_old():
    clock = Clock()
    window = SlidingWindow(10.0, clock)
    for value in (1.0, 2.0, 3.0):
        clock.now += 4
        window.add(value)
    # At 112 s, the value of 104 s is 8 s old; at 115 s it is gone.
    assert window.percentiles(0, 50, 100) == [1.0, 2.0, 3.0]
    clock.now = 115.0
    assert window.percentiles(0, 100) == [2.0, 3.0]
    clock.now = 200.0
    assert window.percentiles(50, 99) == [0.0, 0.0]
    assert window.rate() == 0.0


def test_the_rate_counts_events_per_second_also_just_after_the_start():
    clock = Clock()
    window = SlidingWindow(10.0, clock)
    for _ in range(30):
        clock.now += 0.1
        window.add()
    assert window.rate() == pytest.approx(10)


@pytest.mark.parametrize(
    ('camera', 'limit', 'expected'),
    [(30, 10, 10), (30, 20, 20), (30, 30, 30), (60, 30, 30), (10, 30, 10), (30, 0, 30)],
)
def test_a_rate_limit_lets_so_many_through_evenly(camera, limit, expected):
    clock = Clock()
    allowed = RateLimit(limit, clock)
    through = []
    for index in range(10 * camera):
        clock.now = 100 + index / camera + 0.002 * (index % 2)
        if allowed.allows():
            through.append(clock.now)
    assert len(through) == pytest.approx(10 * expected, rel=0.03)
    gaps = [after - before for before, after in zip(through, through[1:])]
    assert max(gaps) < 2.1 / expected


def test_after_a_pause_there_is_no_burst():
    clock = Clock()
    allowed = RateLimit(10, clock)
    assert allowed.allows()
    clock.now += 60
    through = 0
    for _ in range(100):
        clock.now += 0.01
        through += allowed.allows()
    assert through <= 11
