import pytest

from face_perception.tools.player.timeline import Timeline

S = 10**9


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize('rate', [0.5, 1.0, 4.0])
def test_recorded_time_passes_at_the_rate(clock, rate):
    timeline = Timeline(1000 * S, rate, clock)
    assert timeline.delay(1000 * S) == 0
    assert timeline.delay(1002 * S) == pytest.approx(2 / rate)
    clock.now += 1
    assert timeline.now_ns() == 1000 * S + rate * S
    assert timeline.delay(1000 * S + round(rate * S)) == 0


def test_it_begins_with_the_first_question(clock):
    timeline = Timeline(7 * S, 1.0, clock)
    clock.now += 30
    assert timeline.delay(8 * S) == pytest.approx(1)


def test_a_little_lateness_is_caught_up(clock):
    timeline = Timeline(0, 1.0, clock)
    timeline.delay(0)
    clock.now += 1.05
    assert timeline.delay(1 * S) == 0
    assert timeline.delay(2 * S) == pytest.approx(0.95)


def test_time_waits_for_a_player_that_cannot_keep_up(clock):
    timeline = Timeline(0, 2.0, clock)
    timeline.delay(0)
    clock.now += 10  # as after a stall: 20 s of the recording are over
    assert timeline.delay(1 * S) == 0
    assert timeline.now_ns() == 1 * S
    assert timeline.delay(2 * S) == pytest.approx(0.5)
