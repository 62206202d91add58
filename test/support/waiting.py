"""Waiting for what comes at once on a quiet machine, and late on a busy one."""

import time

#: How long is waited for something before it counts as absent, in seconds.
PATIENCE_S = 60.0


def wait_until(condition, timeout=PATIENCE_S, excuse=str):
    """
    Wait until ``condition()`` is true and return its value.

    Fails after ``timeout`` seconds, with what ``excuse()`` says then.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f'nothing after {timeout} s\n{excuse()}'
        time.sleep(0.02)
    return value
