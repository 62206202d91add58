import numpy as np
import pytest

from face_perception.ros.monitoring.stamps import StampGaps


def lost(stamps):
    gaps = StampGaps()
    return sum(gaps.add(float(stamp)) for stamp in stamps)


@pytest.mark.parametrize('rate', [5.0, 30.0, 60.0])
def test_a_regular_camera_loses_nothing(rate):
    random = np.random.default_rng(0)
    stamps = 1e9 + np.arange(200) / rate + random.normal(0, 0.05 / rate, 200)
    assert lost(stamps) == 0


@pytest.mark.parametrize('share', [0.05, 0.3, 0.6])
def test_the_images_that_never_came_are_counted(share):
    random = np.random.default_rng(1)
    kept = random.random(600) > share
    stamps = (np.arange(600) / 30)[kept]
    missing = 600 - kept.sum()
    assert lost(stamps) == pytest.approx(missing, rel=0.2, abs=5)


def test_a_camera_that_is_triggered_has_no_gaps():
    stamps = np.cumsum(np.random.default_rng(2).exponential(0.1, 300))
    assert lost(stamps) == 0


def test_a_pause_and_time_that_is_set_back_are_no_loss():
    stamps = [*np.arange(50) / 30, *(100 + np.arange(50) / 30), *np.arange(50) / 30, 0.0, 0.0]
    assert lost(stamps) == 0
