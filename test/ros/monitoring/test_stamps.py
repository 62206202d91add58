import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time as TimeMessage
from rclpy.time import Time

from face_perception.ros.monitoring.stamps import StampCheck, StampGaps


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


@pytest.mark.parametrize('slower', [2, 3])
def test_a_camera_that_goes_on_at_a_slower_rate_has_lost_few(slower):
    random = np.random.default_rng(3)
    intervals = np.repeat([1.0, slower, 1.0], [300, 150, 300]) / 30  # such as in dim light
    stamps = np.cumsum(intervals) + random.normal(0, 0.001, 750)
    assert lost(stamps) <= 5 * (slower - 1)


def test_a_camera_that_is_triggered_has_no_gaps():
    stamps = np.cumsum(np.random.default_rng(2).exponential(0.1, 300))
    assert lost(stamps) == 0


@pytest.mark.parametrize('apart', [1e-6, 1e-3, 3e-3])
def test_two_cameras_on_one_topic_lose_nothing(apart):
    first = 1.7e9 + np.round(np.arange(200) / 30, 3)
    assert lost(np.sort([*first, *(first + apart)])) == 0


def test_a_pause_and_time_that_is_set_back_are_no_loss():
    stamps = [*np.arange(50) / 30, *(100 + np.arange(50) / 30), *np.arange(50) / 30, 0.0, 0.0]
    assert lost(stamps) == 0


@pytest.mark.parametrize('pause', [1.5, 4.0])
@pytest.mark.parametrize('rate', [10.0, 30.0])
def test_a_camera_that_stands_or_is_started_again_has_lost_nothing(rate, pause):
    images = np.arange(200) / rate
    assert lost([*images, *(images[-1] + pause + images)]) == 0


@pytest.mark.parametrize('order', [(0, 2, 1, 3), (3, 2, 1, 0), (1, 2, 3, 0)])
def test_images_that_come_in_another_order_are_not_lost(order):
    numbers = [group + number for group in range(0, 400, 4) for number in order]
    assert lost(1000 + number * 0.05 for number in numbers) == 0


def test_what_is_missing_is_counted_also_among_images_in_another_order():
    numbers = [group + number for group in range(0, 400, 8) for number in (0, 2, 1, 3, 5, 4, 6)]
    assert lost(1000 + number * 0.05 for number in numbers) == pytest.approx(50, abs=3)


def test_one_stamp_from_another_time_hides_no_loss_and_is_none():
    stamps = [index / 30 for index in range(300) if index % 10]
    stamps.insert(100, 1e9)
    stamps.insert(200, -1e9)
    assert lost(stamps) == pytest.approx(30, abs=4)


def test_in_simulation_the_remedy_is_not_to_set_what_is_set():
    passed, said = [0.0], []
    check = StampCheck(lambda kind, text: said.append(text), lambda: passed[0])
    for passed[0] in (0.0, 5.0):  # of a real camera
        check.transport_time(TimeMessage(sec=1_700_000_000), Time(seconds=50), simulated=True)
    (sentence,) = said
    assert 'set use_sim_time to false' in sentence and 'chrony' not in sentence


@pytest.mark.parametrize('sec', [-5, -1, -(2**31)])
def test_a_stamp_before_1970_is_called_wrong_as_others_are(sec):
    said = []
    check = StampCheck(lambda kind, text: said.append((kind, text)))
    age = check.transport_time(TimeMessage(sec=sec, nanosec=500_000_000), Time(seconds=1_700_000))
    assert age == pytest.approx(1_700_000 - sec - 0.5)
    assert said[0][0] == 'stamp past'
    assert all(word in said[0][1] for word in ('chrony', 'driver', '--clock'))
