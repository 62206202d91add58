"""Taking the messages of one subscription in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSProfile

from ..media.messages.fields import NANOSECONDS
from .spinning import REST_S, not_taken

#: After so many seconds without a message the thread looks whether the process ends.
PATIENCE_S = 1.0


def number_of(info: Mapping[str, Any]) -> int:
    """Return which of its publisher's messages one is, from 1 on; 0 where that is not known."""
    return info.get('publication_sequence_number') or 0  # Humble and Cyclone DDS do not tell


class _NotTheExecutors(ReentrantCallbackGroup):
    """
    Has an executor leave a subscription alone, with its events.

    With those it would wake for each message too, as Fast DDS keeps one condition for all.
    """

    def can_execute(self, entity) -> Any:
        return False


class Subscribed:
    """A subscription whose messages come through the executor."""

    def __init__(
        self, node: Node, message_type: type, topic: str, on_message: Callable, qos: QoSProfile
    ):
        self._node = node
        self._subscription = node.create_subscription(message_type, topic, on_message, qos)

    def destroy(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)


class Receiver:
    """
    A subscription whose messages an executor does not see.

    For each message an executor would gather and wait for all that the node has, services, timers
    and events, twice: that takes longer than taking an image.  ``on_message`` is called in this
    thread, with the message and its number (see ``number_of``).
    """

    def __init__(
        self,
        node: Node,
        message_type: type,
        topic: str,
        on_message: Callable,
        qos: QoSProfile,
        report: Callable[[str, str], None],
    ):
        """Subscribe; ``report`` gets a kind and a sentence for a message that cannot be taken."""
        self._node, self._context = node, node.context
        self._on_message, self._report = on_message, report
        self._group = _NotTheExecutors()  # the node keeps none
        self._subscription = node.create_subscription(
            message_type, topic, on_message, qos, callback_group=self._group
        )
        self._wake = GuardCondition(None, None, context=node.context)
        self._stopped = False
        self._thread = threading.Thread(target=self._receive, name='receiver', daemon=True)
        self._thread.start()

    def destroy(self) -> None:
        """Unsubscribe; no message comes after this."""
        self._stopped = True
        self._wake.trigger()
        self._thread.join()
        self._wake.destroy()
        self._node.destroy_subscription(self._subscription)

    def _receive(self) -> None:
        subscription, kind = self._subscription, self._subscription.msg_type
        events = subscription.event_handlers  # such as of a publisher that does not fit
        context: Any = self._context.handle  # there is one, as there is a node
        wait_set = rclpy_implementation.WaitSet(1, 1, 0, 0, 0, len(events), context)
        with ExitStack() as in_use:
            for each in (subscription.handle, self._wake.handle, context, *events):
                in_use.enter_context(each)
            while not self._stopped and self._context.ok():
                try:
                    wait_set.clear_entities()
                    wait_set.add_subscription(subscription.handle)
                    wait_set.add_guard_condition(self._wake.handle)
                    for event in events:
                        event.add_to_wait_set(wait_set)
                    wait_set.wait(int(PATIENCE_S * NANOSECONDS))
                    for event in events:
                        if event.is_ready(wait_set) and (data := event.take_data()):
                            event.callback(data)
                    taken = subscription.handle.take_message(kind, False)
                    if taken is not None and not self._stopped:
                        self._on_message(taken[0], number_of(taken[1]))
                except Exception as error:  # whatever comes, the next message gets its chance
                    if self._context.ok():
                        self._report('internal', not_taken(error))
                        time.sleep(REST_S)
