"""
Runs of networks that end: each has a time, after which ONNX Runtime leaves off.

One thread looks at all that runs in a process, once a second and only while something does, so that
a run costs a few microseconds more.  ONNX Runtime looks at the wish to end between two operations.
"""

from __future__ import annotations

import time
from threading import Event, Thread, get_ident
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnxruntime as ort

#: Seconds that a run may take: a hundred times what the package's networks take on slow machines.
MOST_RUN_S = 30.0
#: How many times the thread looks within that time.
LOOKS = 30


class _Watch:
    """What runs at present, and how often it was seen: a process that was frozen was not late."""

    def __init__(self):
        self._seen: dict[int, int] = {}  # by thread
        self._options: dict[int, ort.RunOptions] = {}
        self._busy = Event()
        self._thread: Thread | None = None

    def begin(self, options: ort.RunOptions) -> None:
        """Give the present thread's run its time."""
        own = get_ident()
        self._seen[own] = 0
        self._options[own] = options
        if self._thread is None or not self._thread.is_alive():  # as after a fork
            self._thread = Thread(target=self._look, name='runs', daemon=True)
            self._thread.start()
        if not self._busy.is_set():
            self._busy.set()

    def end(self) -> None:
        """Forget the present thread's run."""
        self._options.pop(get_ident(), None)

    def _look(self) -> None:
        while True:
            self._busy.wait()
            time.sleep(MOST_RUN_S / LOOKS)
            for thread, options in list(self._options.items()):
                self._seen[thread] += 1
                if self._seen[thread] > LOOKS:
                    options.terminate = True
            self._busy.clear()
            if self._options:  # perhaps it began meanwhile
                self._busy.set()


_watch = _Watch()


def bounded_run(
    session: ort.InferenceSession, outputs: list[str], feeds: dict[str, np.ndarray]
) -> list[Any]:
    """
    Run a network; raises ``TimeoutError`` for one that does not end in ``MOST_RUN_S``.

    What else goes wrong is raised as ONNX Runtime does it.
    """
    import onnxruntime as ort

    options = ort.RunOptions()
    options.log_severity_level = 4
    _watch.begin(options)
    try:
        return session.run(outputs, feeds, options)
    except Exception:  # ONNX Runtime's exceptions share no public base class
        if options.terminate:
            raise TimeoutError(f'it takes longer than {MOST_RUN_S:g} s') from None
        raise
    finally:
        _watch.end()
