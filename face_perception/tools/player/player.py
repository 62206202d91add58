"""Publishes a bag's images when they are due, or when the one before was answered."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import chain

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ...media.bags.images import ImageBag, RecordedImage
from ...media.errors import SourceError
from ...media.messages.cdr import ENCAPSULATION
from ...ros.interruption import check
from ...ros.parameter_requests import ParameterRequests
from ...ros.quality import reliability_of
from ...ros.spinning import SteadyExecutor, once_a_minute
from ...ros.start import finish
from .acknowledgements import Acknowledgements
from .position import Position
from .timeline import NANOSECONDS, Timeline

MESSAGE_TYPES = {'sensor_msgs/msg/Image': Image, 'sensor_msgs/msg/CompressedImage': CompressedImage}
DEFAULT_FACES = 'face_perception/faces'
#: Seconds between two messages on /clock while recorded time passes, and while it stands still.
CLOCK_PERIOD_S = 0.01
STILL_PERIOD_S = 0.1
#: Seconds within which somebody should subscribe or, at least, who answers has to be there, and
#: that both sides then get to match.
LISTENERS_S = 5.0
SETTLE_S = 0.5
#: Images in a row without an answer after which there is no use in going on.
MOST_UNANSWERED = 5
#: Where ROS's messages end to tell the time: its seconds have 32 bits.
LATEST_NS = 2**31 * NANOSECONDS
#: Seconds for which the last image of a pass stays where nothing says how long its camera waits.
ALONE_S = 1 / 15
#: Seconds that the last images get to arrive.
FAREWELL_S = 1.0


class PlayerNode(Node):
    """Publishes recorded images and the time at which they were recorded."""

    def __init__(self, name: str, bag: ImageBag, reliability: str):
        super().__init__(name, start_parameter_services=False)
        self._parameter_requests = ParameterRequests(self)
        qos = QoSProfile(depth=5, reliability=reliability_of(reliability))
        self._types = {topic: MESSAGE_TYPES[name] for topic, name in bag.types.items()}
        #: By the topic's name in the bag.
        self.images = {
            topic: self.create_publisher(kind, topic, qos) for topic, kind in self._types.items()
        }
        self._clock_publisher = self.create_publisher(Clock, '/clock', QoSProfile(depth=10))

    def header_of(self, image: RecordedImage) -> Header:
        """
        Return an image's header.

        Raises ``RuntimeError`` or ``ValueError`` for bytes that are no such message: a damaged
        one would end nodes that take it.
        """
        if len(image.data) < ENCAPSULATION:  # it would end Cyclone's reader for good
            raise ValueError('it is empty')
        return deserialize_message(image.data, self._types[image.topic]).header

    def publish_time(self, time_ns: int) -> None:
        """Set the time of all nodes with ``use_sim_time``."""
        self._clock_publisher.publish(Clock(clock=Time(nanoseconds=time_ns).to_msg()))

    def publish(self, image: RecordedImage) -> None:
        """Publish the bytes as they are."""
        self.images[image.topic].publish(image.data)

    def subscribed(self) -> bool:
        """Return whether anybody subscribes to an image topic."""
        return any(one.get_subscription_count() for one in self.images.values())

    def wait_for_arrival(self) -> None:
        """Give reliable subscribers time to take the last images."""
        for publisher in self.images.values():
            publisher.wait_for_all_acked(Duration(seconds=FAREWELL_S))


class Player:
    """
    Plays a bag once or in a loop.

    The time on /clock is the one at which the images were recorded.  It comes before each image
    and never runs ahead of the next one, so that no image is from the future or older than it was.
    """

    def __init__(
        self,
        node: PlayerNode,
        bag: ImageBag,
        options: argparse.Namespace,
        warn: Callable[[str], None],
    ):
        """``options`` are those of the command line; ``warn`` gets sentences for the user."""
        self._node, self._bag, self._options, self._warn = node, bag, options, warn
        self._executor = SteadyExecutor(once_a_minute(warn))
        self._executor.add_node(node)
        self._acknowledgements = (
            Acknowledgements(node, options.wait_for or [DEFAULT_FACES], node.images)
            if (options.lossless)
            else None
        )
        if not 0 <= bag.start_ns <= bag.end_ns < LATEST_NS:
            raise SourceError(
                'the images were recorded before 1970 or after 2038, as the bag says, which no '
                'time in ROS can be: face_perception_annotate takes them'
            )
        self._rate = options.rate or (None if options.lossless else 1.0)
        self._start_ns = bag.start_ns + round(options.start_offset * NANOSECONDS)
        stop_ns = (
            bag.end_ns
            if options.duration is None
            else (self._start_ns + round(options.duration * NANOSECONDS))
        )
        self._stop_ns = min(stop_ns, bag.end_ns)
        self._time_ns = 0
        self._told: set[str] = set()
        self._unanswered_in_a_row = 0
        self.published = 0
        #: Images that were damaged or, in a lossless replay, not answered.
        self.skipped = 0
        self._position = Position(bag.start_ns, bag.end_ns)

    def play(self) -> None:
        """Play to the end; raises ``FacePerceptionError`` with what is wrong and what to do."""
        first, images = self._begin()
        self._time_ns = first.time_ns
        if self._acknowledgements:
            self._wait_for_answerers(self._acknowledgements)
        else:
            self._wait_for_listeners()
        interval_s = self._play_once(first, images)
        while self._options.loop:
            if self._rate:  # the last image is there as long as the others
                self._stand_still(interval_s / self._rate)
            self._position.passes += 1
            first, images = self._begin()
            self._time_ns = first.time_ns
            if (
                self._acknowledgements
            ):  # nothing of the new pass may meet what is left of the old one
                self._stand_still(SETTLE_S)
            interval_s = self._play_once(first, images)

    def finish(self) -> None:
        """Let the last images arrive and say what was played."""
        if self.published:
            self._node.wait_for_arrival()
            self._position.end(self._time_ns, self.published, self.skipped)
        finish(self._executor, self._node)

    def _begin(self) -> tuple[RecordedImage, Iterator[RecordedImage]]:
        images = self._bag.images(self._start_ns, self._stop_ns)
        first = next(images, None)
        if first is None:
            begin, end = (
                (time_ns - self._bag.start_ns) / NANOSECONDS
                for time_ns in (self._start_ns, self._bag.end_ns)
            )
            raise SourceError(
                f"the bag '{self._bag.path}' lasts {end:.1f} s and has no image in the chosen part "
                f'from {begin:.1f} s on: correct --start-offset or --duration'
            )
        return first, images

    def _play_once(self, first: RecordedImage, images: Iterator[RecordedImage]) -> float:
        """Play one pass; return the recorded seconds from image to image."""
        count = 0
        timeline = Timeline(first.time_ns, self._rate) if self._rate else None
        for image in chain([first], images):
            count += 1
            if timeline:
                self._let_time_pass(timeline, image.time_ns)
            self._set_time(image.time_ns)
            self._show(image)
            self._position.show(self._time_ns, self.published, self.skipped)
        return (self._time_ns - first.time_ns) / NANOSECONDS / max(count - 1, 1) or ALONE_S

    def _show(self, image: RecordedImage) -> None:
        try:
            header = self._node.header_of(image)
        except Exception as error:  # of the middleware
            check()
            reason = str(error).partition(':')[0]
            self._skip(
                'damaged',
                f"an image of '{image.topic}' is damaged ({reason}) and is left "
                'out: this part of the bag was cut off or overwritten',
            )
            return
        if self._acknowledgements:
            self._acknowledgements.expect(image.topic, header)
        self._node.publish(image)
        self.published += 1
        if self._acknowledgements:
            self._wait_for_acknowledgements(self._acknowledgements, image)

    def _skip(self, kind: str, sentence: str) -> None:
        """Count an image and say why, each kind once."""
        self.skipped += 1
        if kind not in self._told:
            self._told.add(kind)
            self._warn(sentence)

    # Time

    def _set_time(self, time_ns: int) -> None:
        """Publish a time, which does not go back within a pass."""
        self._time_ns = max(time_ns, self._time_ns)
        self._node.publish_time(self._time_ns)

    def _let_time_pass(self, timeline: Timeline, until_ns: int) -> None:
        """Wait until a recorded time is due; /clock says how far it is."""
        while (delay := timeline.delay(until_ns)) > 0:
            self._set_time(min(timeline.now_ns(), until_ns))
            self._spin(min(delay, CLOCK_PERIOD_S))

    def _stand_still(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Keep recorded time as it is for so long or until something holds; return whether."""
        end = time.monotonic() + seconds
        next_tick = 0.0
        while not (holds := until()) and (left := end - time.monotonic()) > 0:
            if time.monotonic() >= next_tick:
                self._node.publish_time(self._time_ns)
                next_tick = time.monotonic() + STILL_PERIOD_S
            self._spin(min(left, STILL_PERIOD_S))
        return bool(holds)

    def _spin(self, seconds: float) -> None:
        """Serve the node for up to so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)
            if self._acknowledgements:
                return  # it may be an answer

    # Those who look

    def _wait_for_listeners(self) -> None:
        if not self._stand_still(LISTENERS_S, self._node.subscribed):
            topics = ', '.join(one.topic_name for one in self._node.images.values())
            self._warn(f'nobody subscribes to {topics} so far: playing all the same')
            return
        self._stand_still(SETTLE_S)

    def _wait_for_answerers(self, listeners: Acknowledgements) -> None:
        patience = max(self._options.timeout, LISTENERS_S)
        connected = self._stand_still(patience, lambda: not listeners.connect())
        if not connected and (fault := listeners.connect()):
            raise SourceError(fault)
        self._stand_still(SETTLE_S)

    def _wait_for_acknowledgements(self, listeners: Acknowledgements, image: RecordedImage) -> None:
        self._stand_still(
            self._options.timeout,
            lambda: listeners.complete or listeners.gone(),
        )
        if listeners.complete:
            self._unanswered_in_a_row = 0
            return
        self._unanswered_in_a_row += 1
        missing = listeners.missing
        within = f'within {self._options.timeout:g} s'
        if fault := listeners.gone():
            raise SourceError(f'{fault}: start it again, and then this')
        if self._unanswered_in_a_row >= MOST_UNANSWERED:
            raise SourceError(
                f'{MOST_UNANSWERED} images in a row were not answered on {missing} {within} each: '
                "see the node's log; it may refuse them, be disabled, or have max_rate set"
            )
        self._skip(
            'unanswered',
            f"an image of '{image.topic}' was not answered on {missing} "
            f"{within} and is passed over: the node's log says whether it refused it, "
            'and a slow one needs a longer --timeout',
        )
