"""The time of a stream whose images have times of all kinds."""

from decimal import Decimal
from math import inf, nan

import numpy as np
import pytest

from face_perception.core.errors import ImageError
from face_perception.core.stream_clock import (
    ASSUMED_PERIOD_S,
    MOST_AT_ONCE,
    StreamClock,
    clock_time,
)


def of(times):
    clock = StreamClock()
    return [clock.of(time_s) for time_s in times]


@pytest.mark.parametrize(
    'times',
    [
        [0.0, 0.1, 0.2, 0.15, 0.3],
        [7.0] * MOST_AT_ONCE,
        [number // 3 / 10 for number in range(30)],
        [100.0, 100.1, 3.0, 3.1, 500.0],
        [-5.0, -4.9],
    ],
    ids=['out of order', 'burst', 'three at a time', 'jumps', 'before 1970'],
)
def test_a_clock_that_goes_is_followed(times):
    assert of(times) == times


def test_where_the_clock_stands_time_goes_on():
    times = of([0.0] * 100)
    assert times[:MOST_AT_ONCE] == [0.0] * MOST_AT_ONCE
    assert np.diff(times[MOST_AT_ONCE:]) == pytest.approx(ASSUMED_PERIOD_S)


def test_when_the_clock_goes_again_the_time_goes_on_with_it_and_comes_back_to_it():
    times = of([*[0.0] * 100, *np.arange(1, 200) / 20])
    assert (np.diff(times[MOST_AT_ONCE:]) >= ASSUMED_PERIOD_S - 1e-9).all()
    assert times[-1] == pytest.approx(199 / 20)


def test_a_clock_of_whole_seconds_is_not_left():
    times = of([float(number // 30) for number in range(3000)])
    assert max(abs(time - number / 30) for number, time in enumerate(times)) < 0.5


def test_time_that_is_set_back_ends_what_was_assumed():
    assert of([*[50.0] * 100, 3.0, 3.1])[-2:] == [3.0, 3.1]


@pytest.mark.parametrize('time_s', [2, Decimal(2), np.float32(2), np.array(2.0)])
def test_a_number_of_any_kind_is_a_time(time_s):
    assert type(clock_time(time_s)) is float and clock_time(time_s) == 2.0


@pytest.mark.parametrize('time_s', [nan, inf, '2', None, 10**400, 1e12, np.arange(2.0)])
def test_what_no_clock_shows_is_refused(time_s):
    with pytest.raises(ImageError, match='give the time of a clock, in seconds'):
        clock_time(time_s)
