"""
Runs of networks that end: each has a time, after which ONNX Runtime leaves off.

One thread looks at all that runs in a process, once a second and only while something does, so that
a run costs a few microseconds more.  ONNX Runtime looks at the wish to end between two operations.
What counts is the time in which the process computed: one that was frozen, or that a busy machine
let wait, is not late.
"""

from __future__ import annotations

import time
from threading import Event, Thread, get_ident
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnxruntime as ort

#: Seconds of CPU that a run may take: a hundred times what ours take on slow machines.
MOST_RUN_S = 30.0
#: How many times the thread looks within that time.
LOOKS = 30


class _Watch:
    """What runs at present, and for how many looks' time it has been computed."""

    def __init__(self):
        self._looks: dict[int, float] = {}  # by thread
        self._options: dict[int, ort.RunOptions] = {}
        self._busy = Event()
        self._thread: Thread | None = None

    def begin(self, options: ort.RunOptions) -> None:
        """Give the present thread's run its time."""
        own = get_ident()
        self._looks[own] = 0.0
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
            period, before = MOST_RUN_S / LOOKS, time.process_time()
            time.sleep(period)
            # Other threads may have computed as well: one look counts once at most.
            computed = min((time.process_time() - before) / period, 1.0)
            for thread, options in list(self._options.items()):
                self._looks[thread] += computed
                if self._looks[thread] > LOOKS:
                    options.terminate = True
            self._busy.clear()
            if self._options:  # perhaps it began meanwhile
                self._busy.set()


_watch = _Watch()


def bounded_run(
    session: ort.InferenceSession, outputs: list[str], feeds: dict[str, np.ndarray]
) -> list[Any]:
    """
    Run a network; raises ``TimeoutError`` for one that does not end in ``MOST_RUN_S`` of CPU time.

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
            raise TimeoutError(f'it takes longer than {MOST_RUN_S:g} s of CPU time') from None
        raise
    finally:
        _watch.end()
