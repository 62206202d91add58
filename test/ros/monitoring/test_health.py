import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticStatus

from face_perception.ros.monitoring.health import (
    ERROR_MEMORY_S,
    LOG_PERIOD_S,
    MOST_DROPPED,
    MOST_LOST,
    WINDOW_S,
    Health,
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def status(health, level=DiagnosticStatus.OK):
    message = health.status('name', 'camera', level, 'active', {'state': 'active'})
    return message, {value.key: value.value for value in message.values}


def test_counts_rates_and_percentiles():
    clock = Clock()
    health = Health(clock)
    for index in range(20):
        clock.now += 0.1
        health.image_received()
        if index % 2:
            health.image_processed(2, 3, {'detect': 0.010})
        else:
            health.image_dropped()
    message, values = status(health)
    assert message.level == DiagnosticStatus.WARN and '10 of the last 20' in message.message
    assert values['faces'] == '2' and values['tracks'] == '3'
    assert values['frames received'] == '20'
    assert values['frames processed'] == values['frames dropped'] == '10'
    assert values['input rate (Hz)'] == '10.0' and values['processed rate (Hz)'] == '5.0'
    assert values['detect p50/p95/p99 (ms)'] == '10.0 / 10.0 / 10.0'


def test_an_error_is_counted_always_and_logged_once_a_minute_per_kind():
    clock = Clock()
    health = Health(clock)
    assert health.error('size', 'first')
    assert not health.error('size', 'second')
    assert health.error('encoding', 'other')
    clock.now += LOG_PERIOD_S
    assert health.error('size', 'third')
    _, values = status(health)
    assert values['errors'] == '4'
    assert values['errors: size'] == '3, last: third'


def test_a_recent_error_warns_and_then_clears_itself():
    clock = Clock()
    health = Health(clock)
    health.error('size', 'too large')
    message, _ = status(health)
    assert (message.level, message.message) == (DiagnosticStatus.WARN, 'too large')
    message, _ = status(health, DiagnosticStatus.ERROR)
    assert (message.level, message.message) == (DiagnosticStatus.ERROR, 'active')
    clock.now += ERROR_MEMORY_S + 1
    message, values = status(health)
    assert message.level == DiagnosticStatus.OK and values['errors'] == '1'


def test_silence_counts_from_the_last_image_or_the_activation():
    clock = Clock()
    health = Health(clock)
    clock.now += 3
    assert health.silence() == 3
    health.image_received()
    assert health.silence() == 0
    clock.now += 2
    health.restart()
    assert health.silence() == 0 and health.received == 0


@pytest.mark.parametrize(
    ('event', 'share', 'words'),
    [
        ('dropped', MOST_DROPPED, 'slower than the camera'),
        ('lost', MOST_LOST, 'lost before they reached the node'),
    ],
)
def test_too_many_images_that_are_dropped_or_lost_warn_by_a_threshold(event, share, words):
    for above in (-1, 1):
        clock = Clock()
        health = Health(clock)
        count = round(share * 100) + above
        for index in range(100 - count if event == 'lost' else 100):
            clock.now += 0.05
            lost = event == 'lost' and index < count
            health.image_received(int(lost))
            if event == 'dropped' and index < count:
                health.image_dropped()
        message, values = status(health)
        assert message.level == (DiagnosticStatus.WARN if above > 0 else DiagnosticStatus.OK), (
            message.message
        )
        assert values[
            'frames dropped' if event == 'dropped' else 'frames lost before the node'
        ] == str(count)
        if above > 0:
            assert words in message.message
            clock.now += WINDOW_S + 1
            assert status(health)[0].level == DiagnosticStatus.OK, 'it clears itself'


def test_a_few_images_say_nothing_yet():
    health = Health(Clock())
    for _ in range(5):
        health.image_received(3)
        health.image_dropped()
    assert status(health)[0].level == DiagnosticStatus.OK


@pytest.mark.parametrize('rate', [10.0, 1.0])
def test_a_missed_target_latency_warns(rate):
    clock = Clock()
    health = Health(clock)
    for _ in range(30):
        clock.now += 1 / rate
        health.image_received()
    health.over_budget = True
    message, _ = status(health)
    assert message.level == DiagnosticStatus.WARN and 'target_latency' in message.message
    clock.now += WINDOW_S + 1
    assert status(health)[0].level == DiagnosticStatus.OK, 'no images come'


def test_diagnostics_say_whether_a_target_latency_is_held_where_one_is_set():
    health = Health(Clock())
    assert 'target_latency' not in status(health)[1]
    health.budget_state = 'looking for the size'
    assert status(health)[1]['target_latency'] == 'looking for the size'


def test_silence_does_not_count_before_simulated_time_begins():
    clock = Clock()
    clock.now = 0.0
    health = Health(clock)
    clock.now = 1000.0
    assert health.silence() == 0
    clock.now = 1003.0
    assert health.silence() == 3


def test_time_that_is_set_back_begins_rates_and_silence_anew_and_keeps_counts():
    clock = Clock()
    health = Health(clock)
    health.error('size', 'too large')
    for _ in range(30):
        clock.now += 0.1
        health.image_received()
        health.image_processed(1, 1, {'detect': 0.01})
    clock.now = 5.0
    health.forget_times()
    assert health.silence() == 0
    _, values = status(health)
    assert values['input rate (Hz)'] == '0.0' and values['frames received'] == '30'
    assert 'detect p50/p95/p99 (ms)' not in values
    assert not health.error('size', 'too large'), 'not logged again at once'
    clock.now += ERROR_MEMORY_S + 1
    assert status(health)[0].level == DiagnosticStatus.OK


@pytest.mark.parametrize('back', [0.5, 3600, 1e9])
def test_a_clock_that_is_set_back_without_a_word_keeps_rates_right(back):
    clock = Clock()
    clock.now = 1.7e9
    health = Health(clock)
    health.error('size', 'too large')
    for _ in range(100):
        clock.now += 0.1
        health.image_received()
    clock.now -= back
    assert health.silence() >= 0
    for _ in range(200):
        clock.now += 0.1
        health.image_received()
    message, values = status(health)
    assert 9 <= float(values['input rate (Hz)']) <= 11
    assert message.level == DiagnosticStatus.OK, 'the error is old'
    clock.now += LOG_PERIOD_S
    assert health.error('size', 'too large'), 'said again after a minute'


def test_what_came_from_outside_is_printable_and_bounded():
    health = Health(Clock())
    health.error('encoding', 'x\n[FATAL] \x1b[2J\u202e' + 'A' * 2_000_000)
    message, values = status(health)
    assert len(message.message) < 1100 and message.message.isprintable()
    assert all(len(text) < 1100 and text.isprintable() for text in values.values())
