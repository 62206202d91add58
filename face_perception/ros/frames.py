"""One image's way: from the message through the networks to what is published."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.clock import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ..core.detectors.budget import SizeBudget
from ..core.errors import DetectorError, ImageError
from ..core.networks import FaceNetworks
from ..core.stream import FaceStream
from ..core.timing import RateLimit, Stopwatch, Timings
from ..media.messages.decoding import ImageDecoder
from ..media.messages.fields import NANOSECONDS
from ..media.messages.taken import TakenTimes
from ..msg import PipelineLatency
from .clocks import is_simulated
from .conversions import fill_latency
from .library_words import LibraryWords
from .monitoring.clock_resets import ClockResets
from .monitoring.health import Health
from .monitoring.lost import LostImages
from .monitoring.stamps import StampCheck, has_stamp, seconds_of
from .newest import NewestSlot
from .outputs.topics import Outputs
from .settings import NodeSettings


@dataclass(frozen=True)
class Received:
    """An image, and how often the clock had been set back when it came."""

    message: Image | CompressedImage
    resets: int


class FrameProcessor:
    """
    Takes the newest image through the networks, in a thread of its own.

    ``receive`` is called on the receiver's thread and only leaves the image.  Under overload
    latency stays flat and images are dropped.
    """

    def __init__(
        self,
        clock: Clock,
        health: Health,
        outputs: Outputs,
        report: Callable[[str, str], None],
        settings: NodeSettings,
        networks: FaceNetworks,
    ):
        """``report`` gets a kind and a sentence for each image that cannot be used."""
        self._clock = clock
        self._health = health
        self._outputs = outputs
        self._report = report
        self._between_images = threading.Lock()
        self._worker: threading.Thread | None = None
        self._settings = settings
        self._stream = FaceStream(networks, settings.pipeline)
        self._decoder = ImageDecoder(settings.max_image_size)
        self._rate = RateLimit(settings.max_rate)
        self._set_budget(settings)
        self._lost = LostImages()
        self._stamps = StampCheck(report)
        self._frame_id = ''
        self._taken = TakenTimes()
        self._words = LibraryWords()
        self._latency = PipelineLatency()
        self._clock_resets = ClockResets()

    def configure(self, settings: NodeSettings, networks: FaceNetworks) -> None:
        """Take on new settings between two images; this waits for the one in work."""
        with self._between_images:
            former, self._settings = self._settings, settings
            # The faces that are followed stay who they are.
            self._stream.networks, self._stream.settings = networks, settings.pipeline
            self._decoder = ImageDecoder(settings.max_image_size)
            if _sizes(former) != _sizes(settings):
                self._set_budget(settings)
            else:
                networks.detector.input_size = self._input_size
            if former.max_rate != settings.max_rate:
                self._rate = RateLimit(settings.max_rate)

    def before_reset(self) -> None:
        """Call this before the clock is set back: what has come by now is of the time before."""
        self._clock_resets.end(self._now_s())

    @property
    def clock_is_restless(self) -> bool:
        """Return whether time is set back again and again."""
        return self._clock_resets.restless

    def reset(self) -> None:
        """Forget the faces, and an image that waits: it is of the time before."""
        with self._between_images:
            self._stream.reset()
            self._stamps.restart()
            self._taken.reset()
        if self._worker is not None and self._slot.discard():
            self._health.image_dropped()
        self.forget_gaps()

    def start(self) -> None:
        """Begin to work."""
        self._slot: NewestSlot[Received] = NewestSlot()
        self._worker = threading.Thread(
            target=self._work, args=(self._slot,), name='face_perception_worker', daemon=True
        )
        self._worker.start()

    def stop(self) -> None:
        """Finish the image in work and end."""
        if self._worker is not None:
            self._slot.close()
            self._worker.join()
            self._worker = None
            self.say_nobody()

    def say_nobody(self) -> None:
        """No images come any more: let go of the one that waits, and of the last faces."""
        if self._worker is not None and self._slot.discard():
            self._health.image_dropped()
        with self._between_images:
            header = Header(stamp=self._clock.now().to_msg(), frame_id=self._frame_id)
            self._outputs.nobody(header)
            self._health.nobody()

    def forget_gaps(self) -> None:
        """Images begin to come again: those that nobody asked for are not lost."""
        self._lost = LostImages()

    def receive(self, message: Image | CompressedImage, number: int = 0) -> None:
        """
        Leave an image for the worker; what it replaces is dropped.

        ``number`` is its publisher's for the message, 0 where that is not known.
        """
        resets = self._clock_resets.current  # first: what was here before a reset is of before
        stamp_s = seconds_of(message.header.stamp)
        stray = resets > 0 and self._clock_resets.is_stray(stamp_s, self._now_s())
        self._health.image_received(0 if stray else self._lost.add(stamp_s, number))
        if stray:
            self._health.image_dropped()
        elif not self._rate.allows():
            self._health.image_left_out()
        elif self._slot.put(Received(message, resets)):
            self._health.image_dropped()

    def _now_s(self) -> float:
        return self._clock.now().nanoseconds / NANOSECONDS

    def _work(self, slot: NewestSlot[Received]) -> None:
        while (received := slot.take()) is not None:
            try:
                with self._between_images:
                    self._process(received)
            except ImageError as error:
                self._report(f'image {error.kind}', str(error))
            except DetectorError as error:
                self._report('detector', str(error))
            except Exception as error:  # whatever an image does, the next one gets its chance
                self._report(
                    'internal',
                    f'an image was skipped after {error!r}: please report this to the maintainers',
                )

    def _process(self, received: Received) -> None:
        message, header = received.message, received.message.header
        receipt, simulated = self._clock.now(), is_simulated(self._clock)
        if (
            received.resets != self._clock_resets.current
        ):  # after the clock was read: see ClockResets
            self._health.image_dropped()
            return
        watch = Stopwatch()
        transport = self._stamps.transport_time(header.stamp, receipt, simulated)
        image = self._decode(message)
        decode = watch.lap()
        receipt_s = receipt.nanoseconds / NANOSECONDS
        taken = self._taken.of(
            seconds_of(header.stamp) if has_stamp(header.stamp) else None,
            receipt_s,
            receipt_s if simulated else time.monotonic(),
        )
        result = (
            self._stream(image, taken)
            if self._settings.tracker_enabled
            else self._stream.networks(
                image,
                self._settings.pipeline.max_faces,
                self._settings.pipeline.min_confidence,
            )
        )
        timings = result.timings
        timings.transport, timings.decode = transport, decode
        for name, fault in self._stream.networks.take_faults().items():
            self._report(f'model {name}', fault)
        watch.lap()
        self._frame_id = header.frame_id
        self._outputs.publish(header, image, result)
        timings.publish = watch.lap()
        timings.processing = watch.total()
        if has_stamp(header.stamp):
            timings.end_to_end = timings.transport + timings.processing
        self._health.image_processed(len(result.faces), result.tracks, vars(timings))
        self._outputs.latency.publish(
            fill_latency(
                self._latency,
                header,
                timings,
                len(result.faces),
                self._health.received,
                self._health.processed,
                self._health.dropped,
            )
        )
        self._outputs.publish_annotated(header, image, result)
        if result.detected:
            self._hold_budget(timings)

    def _decode(self, message: Image | CompressedImage) -> np.ndarray:
        if isinstance(message, Image):  # the libraries have no part in it
            return self._decoder.decode(message)
        with self._words.kept() as words:
            image = self._decoder.decode(message)
        if words:
            self._report(
                'image library',
                f'an image was decoded with a complaint ({words[0]}): it may be damaged',
            )
        return image

    def _set_budget(self, settings: NodeSettings) -> None:
        largest = settings.pipeline.detector_input_size
        self._budget: SizeBudget | None = (
            SizeBudget(settings.target_latency, largest, settings.detector_min_input_size)
            if settings.target_latency > 0
            else None
        )
        self._resize(largest)
        self._health.over_budget = False
        self._health.budget_state = self._budget.state if self._budget else ''

    def _hold_budget(self, timings: Timings) -> None:
        if self._budget is None:
            return
        self._resize(self._budget.add(timings.processing, timings.detect))
        self._health.over_budget = self._budget.exhausted
        self._health.budget_state = self._budget.state

    def _resize(self, input_size: int) -> None:
        self._input_size = self._stream.networks.detector.input_size = input_size


def _sizes(settings: NodeSettings) -> tuple:
    """Return what the choice of the detector's input size depends on."""
    return (
        settings.target_latency,
        settings.detector_min_input_size,
        settings.pipeline.detector_input_size,
        settings.pipeline.detector_type,
        settings.pipeline.detector_model,
    )
