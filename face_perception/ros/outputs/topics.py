"""What the node publishes about an image, and whether anybody listens."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable

import numpy as np
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ...core.types import FrameResult
from ...media.messages.encoding import image_message
from ...msg import FaceArray, PipelineLatency
from ...visuals.boxes import annotate
from ..conversions import FaceArrays
from ..image_input import profile
from ..settings import NodeSettings
from .annotations import image_annotations
from .detections import detection_array
from .foreign import ForeignOutput

try:
    from rclpy.event_handler import PublisherEventCallbacks, UnsupportedEventTypeError
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, UnsupportedEventTypeError

#: Whether rclpy can tell when a subscriber comes or goes; Humble's cannot.
MATCHED_EVENTS = 'matched' in inspect.signature(PublisherEventCallbacks.__init__).parameters


class Outputs:
    """All publishers whose messages come from images."""

    def __init__(self, node: LifecycleNode, settings: NodeSettings, on_demand: Callable[[], None]):
        """
        Create the publishers that the settings ask for.

        ``on_demand`` is called when a subscriber comes or goes, unless ``polled``: then rclpy or
        the middleware does not tell, and one has to look.  Raises ``FacePerceptionError`` when a
        package of messages is missing.
        """
        self._node = node
        self._on_demand = on_demand
        self.polled = not MATCHED_EVENTS
        self._qos = profile(settings.output_qos)
        self._publishers: list = []
        # The worker makes and removes topics of faces while the executor asks for listeners.
        self._lock = threading.Lock()
        self._extras: list = []
        self._arrays = FaceArrays()
        try:
            self._faces = self.create(FaceArray, '~/faces')
            self.latency = self.create(PipelineLatency, '~/latency')
            self._annotated = self.create(Image, '~/image_annotated')
            if settings.detections_enabled:
                self._extras.append(
                    ForeignOutput(
                        self, 'detections', 'vision_msgs', 'Detection2DArray', detection_array
                    )
                )
            if settings.annotations_enabled:
                self._extras.append(
                    ForeignOutput(
                        self, 'annotations', 'foxglove_msgs', 'ImageAnnotations', image_annotations
                    )
                )
            if settings.humans_enabled:
                from .humans import HumansOutput

                self._extras.append(HumansOutput(self, node.get_fully_qualified_name()))
        except Exception:
            self.destroy()
            raise

    def create(self, message_type: type, topic: str, active: bool = False):
        """
        Return a new publisher with the QoS of all outputs.

        ``active`` is for one that is made while the node is active: the others get so with it.
        """
        with self._lock:
            publisher = self._create(message_type, topic)
            if active:
                publisher.on_activate(None)
            self._publishers.append(publisher)
        return publisher

    def _create(self, message_type: type, topic: str):
        if not self.polled:
            try:
                return self._node.create_lifecycle_publisher(
                    message_type,
                    topic,
                    self._qos,
                    event_callbacks=PublisherEventCallbacks(matched=lambda _: self._on_demand()),
                )
            except UnsupportedEventTypeError:  # this middleware does not tell
                self.polled = True
        return self._node.create_lifecycle_publisher(message_type, topic, self._qos)

    def remove(self, publisher) -> None:
        """Destroy one publisher."""
        with self._lock:
            self._publishers.remove(publisher)
            self._node.destroy_lifecycle_publisher(publisher)

    def destroy(self) -> None:
        """Destroy all publishers."""
        with self._lock:
            while self._publishers:
                self._node.destroy_lifecycle_publisher(self._publishers.pop())

    def wanted(self) -> bool:
        """Return whether anybody subscribes to any output."""
        with self._lock:
            return any(publisher.get_subscription_count() for publisher in self._publishers)

    def publish(self, header: Header, image: np.ndarray, result: FrameResult) -> None:
        """Publish the faces of one image."""
        self._faces.publish(self._arrays(header, result))
        for extra in self._extras:
            extra.publish(header, image, result)

    def nobody(self, header: Header) -> None:
        """Let those know who keep the faces of the last image that no more images come."""
        if self._node.context.ok():  # else the process ends, and nothing can be said
            for extra in self._extras:
                extra.nobody(header)

    def publish_annotated(self, header: Header, image: np.ndarray, result: FrameResult) -> None:
        """Publish the image with boxes and labels, if anybody looks."""
        if not self._annotated.get_subscription_count():
            return
        count, timings = len(result.faces), result.timings
        caption = (
            f'{count} face{"" if count == 1 else "s"}  {1e3 * timings.processing:.0f} ms '
            f'(detect {1e3 * timings.detect:.0f}, classify {1e3 * timings.classify:.0f})'
        )
        drawn = annotate(image, result.faces, caption)
        self._annotated.publish(image_message(header, drawn))
