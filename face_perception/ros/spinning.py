"""An executor that no callback ends."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from ..core.errors import FacePerceptionError
from ..core.text import one_line
from .headroom import bounded_headroom, has_lists
from .interruption import check

#: Seconds of rest after a fault: one that comes again at once must not take a whole core.
REST_S = 0.01


class SteadyExecutor(SingleThreadedExecutor):
    """
    Goes on after an exception of a callback.

    rclpy lets any exception leave its loop, also those of its own services and of reading what
    came: a single request or message that it cannot take would end the process.  Here it is
    reported, and the next callback gets its turn.  The package's own errors are raised: who
    raises one in a callback means to end the program.  What claims to be huge gets no room.
    """

    def __init__(self, report: Callable[[str], None]):
        """``report`` gets a sentence for each exception."""
        super().__init__()
        self._report = report

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and execute it; see rclpy."""
        check()
        try:
            super().spin_once(timeout_sec)
        except (ExternalShutdownException, FacePerceptionError):
            raise
        except Exception as error:
            if not self.context.ok():  # it was at work when the signal came
                raise ExternalShutdownException() from error
            check()
            self._report(not_taken(error))
            time.sleep(REST_S)

    def _take_service(self, srv):
        with bounded_headroom():
            return super()._take_service(srv)

    def _take_subscription(self, sub):
        if not has_lists(sub.msg_type):  # such as an image: its bytes cost nothing until they come
            return super()._take_subscription(sub)
        with bounded_headroom():
            return super()._take_subscription(sub)


def not_taken(error: Exception) -> str:
    """Return what is said of a message or request that cannot be read."""
    return (
        f'a message or request could not be taken ({one_line(repr(error), 200)}): if it '
        'came from a working program, please report this to the maintainers'
    )


def once_a_minute(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that passes a sentence on to ``tell`` at most once a minute."""
    last = float('-inf')

    def limited(sentence: str) -> None:
        nonlocal last
        if time.monotonic() - last >= 60.0:
            last = time.monotonic()
            tell(sentence)

    return limited
