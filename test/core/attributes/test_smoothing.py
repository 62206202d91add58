import numpy as np
import pytest

from face_perception.core.attributes.smoothing import TimeAverage

A, B = np.array([1, 0], np.float32), np.array([0, 1], np.float32)


def averages(values, rate, time_constant):
    average = TimeAverage()
    return [average.add(value, i / rate, time_constant) for i, value in enumerate(values)]


def test_equal_values_stay_what_they_are():
    for value in averages([np.array([0.2, 0.8])] * 5, 30, 0.5):
        assert value == pytest.approx([0.2, 0.8]) and value.dtype == np.float32


def test_the_sum_of_probabilities_stays_one():
    random = np.random.default_rng(0)
    for value in averages(random.dirichlet(np.ones(7), 50), 10, 0.7):
        assert value.sum() == pytest.approx(1, abs=1e-5)


def test_the_frame_rate_makes_no_difference():
    """Two seconds of A, then B: after each further time the average is the same at any rate."""
    after = {}
    for rate in (10, 30, 100):
        values = [A] * (2 * rate) + [B] * (2 * rate)
        result = averages(values, rate, 0.5)
        after[rate] = [
            result[2 * rate - 1 + round(seconds * rate)][1] for seconds in (0.1, 0.5, 1.0)
        ]
    assert after[10] == pytest.approx(after[30], abs=0.02)
    assert after[10] == pytest.approx(after[100], abs=0.02)
    assert after[30][1] == pytest.approx(1 - np.exp(-1), abs=0.03)


def test_the_first_value_does_not_outweigh_the_others():
    assert averages([B] + [A] * 14, 30, 0.5)[-1][0] > 0.85


def test_without_a_time_constant_the_newest_value_counts():
    assert [tuple(value) for value in averages([A, B, A], 30, 0.0)] == [(1, 0), (0, 1), (1, 0)]


def test_time_that_stands_still_or_goes_back_is_no_harm():
    average = TimeAverage()
    average.add(A, 5.0, 0.5)
    for time in (5.0, 4.0):
        assert average.add(A, time, 0.5) == pytest.approx(A)
