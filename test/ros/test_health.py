from diagnostic_msgs.msg import DiagnosticStatus

from face_perception.ros.health import ERROR_MEMORY_S, LOG_PERIOD_S, Health


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
            health.image_processed()
            health.stage_times({'detect': 0.010})
        else:
            health.image_dropped()
    message, values = status(health)
    assert message.level == DiagnosticStatus.OK and message.message == 'active'
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
