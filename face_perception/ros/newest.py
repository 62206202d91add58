"""Hand-over of the newest item between threads: nothing queues, latency stays flat."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class NewestSlot(Generic[T]):
    """Holds at most one item; a newer one replaces it."""

    def __init__(self):
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> bool:
        """Leave an item; return whether it replaced one that nobody had taken."""
        with self._condition:
            replaced = self._item is not None
            self._item = item
            self._condition.notify()
            return replaced

    def take(self) -> T | None:
        """Wait for an item and take it; ``None`` once the slot is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._item is not None)
            item, self._item = (None if self._closed else self._item), None
            return item

    def discard(self) -> bool:
        """Throw away the item that waits; return whether there was one."""
        with self._condition:
            waited, self._item = self._item is not None, None
            return waited

    def close(self) -> None:
        """Wake the taker for the last time."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
