"""What a running node says: faces, latency and the annotated images, over ROS."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image

from ...core.timing import STAGES, SUMS, SlidingWindow
from ...msg import FaceArray, PipelineLatency
from ...ros.conversions import seconds
from ...ros.parameter_requests import ParameterRequests


@dataclass
class Statistics:
    """What has come so far. Times are seconds since the first result."""

    results: int = 0
    results_with_faces: int = 0
    faces: int = 0
    most_faces: int = 0
    image_size: tuple[int, int] = (0, 0)
    track_ids: set[str] = field(default_factory=set)
    emotions: Counter = field(default_factory=Counter)
    last_result: float = 0.0
    frames_received: int = 0
    frames_processed: int = 0
    frames_dropped: int = 0
    latency_times: list[float] = field(default_factory=list)
    #: Per name of ``STAGES`` and ``SUMS``: seconds of each result, as long as latency_times.
    latencies: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in (*STAGES, *SUMS)}
    )

    @property
    def half_known(self) -> bool:
        """Whether the faces or the latency of the last result have yet to come."""
        return self.results != len(self.latency_times)

    @property
    def rate(self) -> float:
        """Results per second."""
        return (self.results - 1) / self.last_result if self.last_result > 0 else 0.0

    def percentiles(self, name: str, *percents: float) -> list[float]:
        """Return percentiles of a stage in milliseconds; zeros before the first result."""
        values = self.latencies[name]
        if not values:
            return [0.0] * len(percents)
        return [float(value) for value in 1e3 * np.percentile(values, percents)]


class Monitor(Node):
    """Subscribes to a node's outputs and keeps the statistics."""

    def __init__(
        self,
        watched: str,
        on_faces: Callable[[FaceArray], None],
        on_image: Callable[[Image], None],
        on_latency: Callable[[PipelineLatency], None] | None = None,
    ):
        """Watch the node with the full name ``watched``; pass on what it says."""
        super().__init__('face_perception_demo', start_parameter_services=False)
        self._parameter_requests = ParameterRequests(self)
        self.statistics = Statistics()
        self.newest: FaceArray | None = None
        self.recent_rate = SlidingWindow(seconds=3.0)
        self._on_faces = on_faces
        self._on_latency = on_latency
        self._start = 0.0
        self._before: tuple[int, int] | None = None
        deep = QoSProfile(depth=100)  # reliable: every result is to be counted
        self.create_subscription(FaceArray, f'{watched}/faces', self.receive_faces, deep)
        self.create_subscription(PipelineLatency, f'{watched}/latency', self.receive_latency, deep)
        self.create_subscription(
            Image, f'{watched}/image_annotated', on_image, qos_profile_sensor_data
        )

    def _seconds(self) -> float:
        now = time.monotonic()
        self._start = self._start or now
        return now - self._start

    def receive_faces(self, message: FaceArray) -> None:
        """Take what the node says of an image."""
        statistics, count = self.statistics, len(message.faces)
        if self.newest is None:
            self.recent_rate = SlidingWindow(seconds=3.0)
        self.newest = message
        self.recent_rate.add()
        statistics.last_result = self._seconds()
        statistics.results += 1
        statistics.results_with_faces += count > 0
        statistics.faces += count
        statistics.most_faces = max(statistics.most_faces, count)
        statistics.image_size = (message.image_width, message.image_height)
        statistics.track_ids.update(face.track_id for face in message.faces if face.track_id)
        statistics.emotions.update(face.emotion for face in message.faces if face.emotion)
        self._on_faces(message)

    def receive_latency(self, message: PipelineLatency) -> None:
        """Take what an image took."""
        statistics = self.statistics
        statistics.latency_times.append(self._seconds())
        for name, values in statistics.latencies.items():
            values.append(seconds(getattr(message, name)))
        # The node counts from its activation, which may be before this monitor could listen.
        if self._before is None:
            self._before = (message.frames_processed - 1, message.frames_dropped)
        processed, dropped = self._before
        statistics.frames_received = message.frames_received - processed - dropped
        statistics.frames_processed = message.frames_processed - processed
        statistics.frames_dropped = message.frames_dropped - dropped
        if self._on_latency:
            self._on_latency(message)


def image_of(message: Image) -> np.ndarray:
    """Return a bgr8 message's image, uint8 ``[H, W, 3]``, sharing its memory."""
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    return rows[:, : 3 * message.width].reshape(message.height, message.width, 3)
