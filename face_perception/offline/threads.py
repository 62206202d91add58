"""Reading ahead and writing behind, each with a bounded queue: memory stays flat."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from .types import Sink

#: Images that wait between two threads at most.
WAITING = 4
#: Seconds after which a thread that waits looks whether it should end.
PATIENCE_S = 0.1

T = TypeVar('T')
_END = object()


class ReadAhead(Generic[T]):
    """Iterates in a thread of its own, some items ahead; errors come up where they are due."""

    def __init__(self, items: Iterable[T]):
        """Begin at once."""
        self._items = items
        self._queue: queue.Queue = queue.Queue(WAITING)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name='reader', daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        """Give the items."""
        while (item := self._queue.get()) is not _END:
            yield item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread, also amid the items."""
        self._stopped.set()
        self._thread.join()

    def _read(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:
            self._error = error
        self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=PATIENCE_S)
                return True
            except queue.Full:
                continue
        return False


class WriteBehind:
    """A sink in a thread of its own; what it raises comes up with the next call."""

    def __init__(self, sink: Sink):
        self._sink = sink
        self._queue: queue.Queue = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._stopped = False
        self._files: list[Path] = []
        self._thread = threading.Thread(target=self._write, name='writer', daemon=True)
        self._thread.start()

    def add(self, *result) -> None:
        """Leave a result; waits while too many are in line."""
        self._put(lambda: self._sink.add(*result))

    def begin_close(self) -> None:
        """Let the sink complete its files when all results are written."""

        def close() -> None:
            self._files = self._sink.close()

        self._put(close)
        self._put(None)

    def files(self) -> list[Path]:
        """Wait for the end of ``begin_close`` and return the files."""
        self._thread.join()
        self._check()
        return self._files

    @property
    def fault(self) -> str:
        """Return what of its own reading the sink could not read, after ``files``."""
        return getattr(self._sink, 'fault', '')

    def abandon(self) -> None:
        """End the thread without completing anything."""
        self._stopped = True
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=PATIENCE_S)
            except queue.Full:
                continue
            self._thread.join()

    def _put(self, work: Callable[[], None] | None) -> None:
        while True:
            self._check()
            try:
                self._queue.put(work, timeout=PATIENCE_S)
                return
            except queue.Full:
                continue

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        while (work := self._queue.get()) is not None:
            if self._stopped:
                continue
            try:
                work()
            except BaseException as error:
                self._error = error
                return
