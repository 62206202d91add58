"""The face_perception node: a camera's images in, faces and latency out."""

from __future__ import annotations

import sys
import threading

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image

from ..core.drawing import annotate
from ..core.errors import FacePerceptionError, ImageError
from ..core.pipeline import FacePipeline
from ..core.timing import Stopwatch
from ..core.types import FrameResult
from ..msg import FaceArray, PipelineLatency
from .conversions import NANOSECONDS, Latency, face_array, image_message, latency_message
from .decoding import ImageDecoder, choose_converter
from .health import Health
from .newest import NewestSlot
from .parameters import (
    PARAMETERS_BY_NAME,
    NodeSettings,
    QosSettings,
    declare_parameters,
    read_settings,
)
from .silence import explain_silence
from .transport import use_large_images

#: An image older than this, or more than a second from the future, has a wrong stamp.
OLDEST_STAMP_S = 10.0
FUTURE_STAMP_S = 1.0


class FacePerceptionNode(LifecycleNode):
    """
    Lifecycle node that keeps the newest image only and publishes what it shows.

    The executor's thread receives; one worker thread decodes, detects, classifies and
    publishes.  Under overload latency stays flat and images are dropped.
    """

    def __init__(self, **kwargs):
        super().__init__('face_perception', **kwargs)
        self._health = Health()
        self._state = 'unconfigured'
        self._fault = ''
        self._silence = ''
        self._settings: NodeSettings | None = None
        self._pipeline: FacePipeline | None = None
        self._outputs: list = []
        self._subscription = None
        self._worker: threading.Thread | None = None
        self._parameter_faults = declare_parameters(self)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Diagnostics come once a second of real time, also while a simulation is paused.
        self.create_timer(1.0, self._on_diagnostics_timer,
                          clock=Clock(clock_type=ClockType.STEADY_TIME))

    # Lifecycle: each callback undoes its opposite.

    def autostart(self) -> None:
        """Configure and activate, unless the parameter ``autostart`` is false."""
        if not self.get_parameter('autostart').value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the models and create the publishers; a fault leaves the node unconfigured."""
        try:
            if self._parameter_faults:
                raise FacePerceptionError('; '.join(self._parameter_faults.values()))
            self._settings = settings = read_settings(self)
            self._pipeline = FacePipeline.load(settings.pipeline)
            self._decoder = ImageDecoder(
                settings.max_image_size, choose_converter(self.get_logger().warning))
        except FacePerceptionError as error:
            return self._fail_to_configure(str(error))
        except Exception as error:  # the node stays alive whatever libraries do
            return self._fail_to_configure(f'{error!r}: please report this to the maintainers')
        qos = _profile(settings.output_qos)
        self._faces = self.create_lifecycle_publisher(FaceArray, '~/faces', qos)
        self._latency = self.create_lifecycle_publisher(PipelineLatency, '~/latency', qos)
        self._annotated = self.create_lifecycle_publisher(Image, '~/image_annotated', qos)
        self._outputs = [self._faces, self._latency, self._annotated]
        self._fault = ''
        self._state = 'inactive'
        return super().on_configure(state)

    def _fail_to_configure(self, reason: str) -> TransitionCallbackReturn:
        self._pipeline = None
        self._fault = reason
        self._health.error('configuration', reason)
        self.get_logger().error(f'not configured: {reason}')
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker."""
        result = super().on_activate(state)
        self._health.restart()
        self._silence = ''
        self._slot: NewestSlot = NewestSlot()
        self._worker = threading.Thread(
            target=self._work, args=(self._slot,), name='face_perception_worker', daemon=True)
        self._worker.start()
        message_type, topic = self._input()
        self._subscription = self.create_subscription(
            message_type, topic, self._on_image, _profile(self._settings.image_qos))
        self._state = 'active'
        self.get_logger().info(
            f"active: looking for faces on '{self._subscription.topic_name}' "
            f'({self._settings.image_transport})')
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the worker and unsubscribe."""
        self._stop_stream()
        self._state = 'inactive'
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free models and publishers."""
        self._release()
        self._state = 'unconfigured'
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo everything, from whichever state."""
        self._stop_stream()
        self._release()
        self._state = 'finalized'
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo everything and go back to unconfigured, so that it can be tried again."""
        self._stop_stream()
        self._release()
        self._state = 'unconfigured'
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Stop the worker before its publishers go."""
        self._stop_stream()
        super().destroy_node()

    def _stop_stream(self) -> None:
        if self._subscription is not None:
            self.destroy_subscription(self._subscription)
            self._subscription = None
        if self._worker is not None:
            self._slot.close()
            self._worker.join()
            self._worker = None

    def _release(self) -> None:
        while self._outputs:
            self.destroy_lifecycle_publisher(self._outputs.pop())
        self._pipeline = None

    # Images: received on the executor's thread, processed on the worker's.

    def _input(self) -> tuple[type, str]:
        topic = self.resolve_topic_name('image')
        if self._settings.image_transport == 'compressed':
            # Beside the raw topic, wherever that is remapped to, as image_transport has it.
            return CompressedImage, f'{topic}/compressed'
        return Image, topic

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._health.image_received()
        if self._slot.put(message):
            self._health.image_dropped()

    def _work(self, slot: NewestSlot) -> None:
        while (message := slot.take()) is not None:
            try:
                self._process(message)
            except ImageError as error:
                self._report(f'image {error.kind}', str(error))
            except Exception as error:  # whatever an image does, the next one gets its chance
                if self.context.ok():
                    self._report('internal', f'an image was skipped after {error!r}: '
                                 'please report this to the maintainers')

    def _process(self, message: Image | CompressedImage) -> None:
        receipt = self.get_clock().now()
        watch = Stopwatch()
        latency = Latency(transport=self._transport_time(message.header.stamp, receipt))
        picture = self._decoder.decode(message)
        latency.decode = watch.lap()
        result = self._pipeline(picture)
        latency.detect = result.timings.detect
        latency.track = result.timings.track
        latency.classify = result.timings.classify
        watch.lap()
        self._faces.publish(face_array(message.header, result))
        latency.publish = watch.lap()
        latency.processing = watch.total()
        if _has_stamp(message.header.stamp):
            latency.end_to_end = latency.transport + latency.processing
        self._health.image_processed()
        self._health.stage_times(vars(latency))
        self._latency.publish(latency_message(
            message.header, latency, len(result.faces),
            self._health.received, self._health.processed, self._health.dropped))
        if self._annotated.get_subscription_count():
            self._publish_annotated(message, picture, result, latency)

    def _publish_annotated(self, message, picture, result: FrameResult, latency: Latency) -> None:
        count = len(result.faces)
        caption = (f'{count} face{"" if count == 1 else "s"}  {1e3 * latency.processing:.0f} ms '
                   f'(detect {1e3 * latency.detect:.0f}, classify {1e3 * latency.classify:.0f})')
        drawn = annotate(picture, result.faces, caption)
        self._annotated.publish(image_message(message.header, drawn))

    def _transport_time(self, stamp, receipt: Time) -> float:
        """Return the seconds from the image's stamp to now; say so when that makes no sense."""
        if not _has_stamp(stamp):
            self._report('stamp zero', 'an image has a stamp of 0, so its latency is unknown: '
                         'let the camera driver set header.stamp')
            return 0.0
        age = (receipt.nanoseconds - Time.from_msg(stamp).nanoseconds) / NANOSECONDS
        remedy = ("synchronise the machines' clocks (chrony), or set use_sim_time when a bag "
                  'is replayed')
        if age > OLDEST_STAMP_S:
            self._report('stamp past', f'an image has a stamp {age:.1f} s in the past: {remedy}')
        elif age < -FUTURE_STAMP_S:
            self._report('stamp future',
                         f'an image has a stamp {-age:.1f} s in the future: {remedy}')
        return age

    # Errors and diagnostics.

    def _report(self, kind: str, message: str) -> None:
        if self._health.error(kind, message):
            self.get_logger().error(message)

    def _on_set_parameters(self, parameters) -> SetParametersResult:
        ours = [parameter for parameter in parameters if parameter.name in PARAMETERS_BY_NAME]
        for parameter in ours:
            if fault := PARAMETERS_BY_NAME[parameter.name].fault(parameter.value):
                self._report('parameter', fault)
                return SetParametersResult(successful=False, reason=fault)
            if self._pipeline is not None:
                return SetParametersResult(
                    successful=False, reason=f"parameter '{parameter.name}' takes effect when the "
                    "node is configured: run 'ros2 lifecycle set' with deactivate and cleanup, "
                    'set it, then configure and activate')
        for parameter in ours:
            self._parameter_faults.pop(parameter.name, None)
        return SetParametersResult(successful=True)

    def _on_diagnostics_timer(self) -> None:
        level, message = DiagnosticStatus.OK, self._state
        if self._fault:
            level, message = DiagnosticStatus.ERROR, f'unconfigured: {self._fault}'
        elif self._state == 'active':
            silence = self._check_silence()
            if silence:
                level, message = DiagnosticStatus.ERROR, silence
        status = self._health.status(
            'face_perception: ' + self.get_fully_qualified_name(), self.resolve_topic_name('image'),
            level, message, {'state': self._state, **self._model_values()})
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _check_silence(self) -> str:
        """Return why no image came for long, or ``''``; log each cause once until one comes."""
        seconds = self._health.silence()
        if seconds < self._settings.no_image_timeout:
            if self._silence:
                self.get_logger().info('images arrive again')
            self._silence = ''
            return ''
        message_type, _ = self._input()
        cause = explain_silence(
            self, self._subscription.topic_name, f'sensor_msgs/msg/{message_type.__name__}',
            self._settings.image_qos)
        sentence = f'no image for {seconds:.0f} s: {cause.sentence}'
        if cause.kind != self._silence:
            self._silence = cause.kind
            self._health.error('no image', cause.sentence)
            self.get_logger().warning(sentence)
        return sentence

    def _model_values(self) -> dict[str, str]:
        if self._pipeline is None:
            return {}
        models = {'emotion': self._pipeline.emotion, 'gender': self._pipeline.gender}
        return {'detector': self._settings.pipeline.detector_type} | {
            f'model {task}': (f'{used.model.path.name} {used.model.version}, '
                              f'SHA-256 {used.model.sha256[:12]}' if used else 'off')
            for task, used in models.items()}


def _has_stamp(stamp) -> bool:
    return bool(stamp.sec or stamp.nanosec)


def _profile(settings: QosSettings) -> QoSProfile:
    return QoSProfile(
        depth=settings.depth,
        reliability=QoSReliabilityPolicy[settings.reliability.upper()])


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the process's exit code."""
    use_large_images()
    try:
        rclpy.init(args=args)
    except Exception as error:  # a malformed parameter file or remapping
        print(f'face_perception_node: {error}: correct the command line or the file it names',
              file=sys.stderr)
        return 1
    node = None
    try:
        node = FacePerceptionNode()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        node.autostart()
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception:
        # A callback that was at work when the signal came finds its publishers gone.
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
