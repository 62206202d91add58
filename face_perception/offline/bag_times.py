"""When the images of a recording were taken, where their stamps do not say it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ..media.bags.reader import Message
from ..media.messages.cdr import header_stamp_ns
from ..media.messages.taken import TakenTimes

#: Images of a topic among which the first with a stamp is looked for.
FIRST_IMAGES = 10


class BagTimes:
    """
    The times of one topic's images: their stamps.

    One without a stamp was taken as long before its receipt as the first that has one; one whose
    stamp is a slip, when it came (see ``TakenTimes``).
    """

    def __init__(self, messages: Iterable[Message]):
        """``messages`` are those of the topic from its first on; few are looked at."""
        stamps = (
            (message.received_ns, header_stamp_ns(message.data))
            for message in islice(messages, FIRST_IMAGES)
        )
        self._delay_ns = next((received - stamp for received, stamp in stamps if stamp), 0)
        self._taken = TakenTimes()

    def taken_ns(self, stamp_ns: int, received_ns: int) -> int:
        """Return when the next image was taken, of which the bag says these times."""
        stamp_ns = stamp_ns or received_ns - self._delay_ns
        received_s = received_ns / 1e9
        taken_s = self._taken.of(stamp_ns / 1e9, received_s, received_s)
        # Seconds of today have no room for nanoseconds.
        return stamp_ns if taken_s == stamp_ns / 1e9 else round(1e9 * taken_s)
