"""
The whole system on one machine: a camera, the node, and what it sees.

Camera and node run as processes of their own and talk over DDS, as on a robot.  As a command:
``face_perception_demo --duration 20 --output demo_output``.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

from ...console.arguments import Parser, duration, image_rate, image_size
from ...console.signals import catch_signals
from ...core.errors import FacePerceptionError
from ...core.extras import install_command
from ...media.video_writer import Recording
from ...msg import FaceArray
from ...ros.spinning import SteadyExecutor, once_a_minute
from ...ros.start import begin, finish, prepare
from ...visuals.rerun_writer import import_rerun
from ..children import Child, end_all
from .alone import check_alone, keep_to_this_machine
from .latency_plot import plot_latency
from .live_view import LiveView
from .monitor import Monitor, Statistics, image_of
from .rerun_recording import RerunRecording
from .summary import summary

PROGRAM = 'face_perception_demo'
NODE_NAME = '/face_perception'
#: Where there is one publisher each, while the demo is alone.
TOPICS = ('/image', f'{NODE_NAME}/faces')
#: Seconds within which the first result has to come: processes start, DDS finds them.
FIRST_RESULT_S = 20.0
DURATION_S = 20.0
#: Seconds with --web: there has to be time to open a browser.
WEB_S = 600.0
#: Seconds that the last result gets to arrive whole.
LAST_RESULT_S = 0.5


class DemoError(FacePerceptionError):
    """The demo cannot run, or did not see what it should."""

    with_list = True


def main(args: list[str] | None = None) -> int:
    """Run the demo; return the process's exit code."""
    options = parse_arguments(args)
    interrupted = catch_signals()
    try:
        check_extras(options.source)
        if options.rerun or options.web:
            import_rerun()
        keep_to_this_machine()
        prepare(_warn)
        work = make_folder(options.output)
    except FacePerceptionError as error:
        return _refuse(str(error), 2)
    try:
        return run(options, work, interrupted)
    except FacePerceptionError as error:
        return _refuse(str(error), 1)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run(options: argparse.Namespace, work: Path, interrupted: Callable[[], bool]) -> int:
    """Start everything, watch it, end it, and write what was seen."""
    print(f"starting a camera ('{options.source}') and the node; Ctrl-C ends early", flush=True)
    if options.web:
        domain = os.environ['ROS_DOMAIN_ID']
        print(f'(to change parameters meanwhile: ROS_DOMAIN_ID={domain} face_perception_tune)')
    else:
        print('(to see it live in a browser: --web)', flush=True)
    recording = Recording(work, options.rate)
    rerun = RerunRecording(work) if options.rerun else None
    children: list[Child] = []
    try:
        # Before rclpy: a process with the threads of DDS should not fork.
        for name, module, arguments in commands(options):
            children.append(Child(name, module, arguments, work / f'{name}.log'))
        if options.web:
            print(notice(children[-1], interrupted), flush=True)
        statistics, fault = observe(recording, rerun, children, options.duration, interrupted)
    finally:
        end_all(children)
    written = write(recording, rerun, statistics, work, options.output)
    if statistics.results:
        print(summary(statistics, written))
    if fault:
        raise fault
    if not statistics.results:
        raise DemoError('it was interrupted before the first result came')
    if not statistics.faces:
        raise DemoError(
            f"no face was seen in {statistics.results} images of '{options.source}': use faces "
            'that look into the camera and fill a tenth of its height or more (annotated.png '
            'shows an image as the node sees it), or try --source sample'
        )
    return 0


def commands(options: argparse.Namespace) -> list[tuple[str, str, list[str]]]:
    """Return name, module and arguments of each process."""
    width, height = options.size
    return [
        (
            'camera',
            'face_perception.tools.camera.camera',
            [
                '--source',
                options.source,
                '--size',
                f'{width}x{height}',
                '--rate',
                str(options.rate),
            ],
        ),
        ('node', 'face_perception.ros.node', []),
        *([('view', 'face_perception.tools.view', ['--live', '--web'])] if options.web else []),
    ]


def notice(child: Child, interrupted: Callable[[], bool]) -> str:
    """Return what a viewer prints: where to look."""
    deadline = time.monotonic() + FIRST_RESULT_S
    while not child.log().endswith('\n') and not interrupted():
        child.check()
        if time.monotonic() > deadline:
            raise DemoError(f'the viewer did not begin within {FIRST_RESULT_S:.0f} s')
        time.sleep(0.05)
    return child.log().strip()


def observe(
    recording: Recording,
    rerun: RerunRecording | None,
    children: list[Child],
    seconds: float,
    interrupted: Callable[[], bool],
) -> tuple[Statistics, FacePerceptionError | None]:
    """Watch the node for ``seconds`` from its first result; return also why that ended early."""

    def on_faces(message: FaceArray) -> None:
        recording.add_score(
            stamp_of(message), (len(message.faces), sum(face.score for face in message.faces))
        )
        if rerun:
            rerun.add_faces(message)

    def on_image(message: Image) -> None:
        recording.add_image(stamp_of(message), image_of(message))
        if rerun:
            rerun.add_image(message)

    monitor = begin(
        [PROGRAM],
        lambda: Monitor(NODE_NAME, on_faces, on_image, rerun.add_latency if rerun else None),
        SignalHandlerOptions.NO,
    )
    executor = SteadyExecutor(once_a_minute(_warn))
    executor.add_node(monitor)
    start = time.monotonic()
    end = None
    fault = None
    try:
        with LiveView(monitor, seconds) as view:
            while not interrupted() and not is_over(end, monitor.statistics):
                executor.spin_once(timeout_sec=0.05)
                for child in children:
                    child.check()
                check_alone(monitor, TOPICS)
                if monitor.statistics.latency_times:
                    end = end or time.monotonic() + seconds
                    view.update()
                elif time.monotonic() - start > FIRST_RESULT_S:
                    said = ''.join(f'\nthe {child.name}{child.said()}' for child in children)
                    raise DemoError(f'no result came within {FIRST_RESULT_S:.0f} s{said}')
    except FacePerceptionError as error:
        fault = error
    finally:
        finish(executor, monitor)
        rclpy.try_shutdown()
    return monitor.statistics, fault


def is_over(end: float | None, statistics: Statistics) -> bool:
    """Return whether ``end`` (monotonic seconds) has passed and the last result is complete."""
    now = time.monotonic()
    return (
        end is not None and now >= end and (not statistics.half_known or now >= end + LAST_RESULT_S)
    )


def write(
    recording: Recording,
    rerun: RerunRecording | None,
    statistics: Statistics,
    work: Path,
    output: Path,
) -> list[Path]:
    """Complete the files in ``work``, then move them to ``output`` and return them."""
    files = recording.finish() + (rerun.finish() if rerun else [])
    if statistics.latency_times:
        files.append(work / 'latency.png')
        plot_latency(statistics, files[-1])
    for path in files:
        os.replace(path, output / path.name)
    return [output / path.name for path in files]


def stamp_of(message) -> float:
    """Return the stamp of a message's header in seconds."""
    stamp = message.header.stamp
    return stamp.sec + 1e-9 * stamp.nanosec


def check_extras(source: str) -> None:
    """Raise ``DemoError`` when a package of the extra ``demo`` is missing."""
    needed = ['rich', 'matplotlib'] + ['skimage'] * (source == 'sample')
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise DemoError(
            f'the demo needs {" and ".join(missing)}: run {install_command("demo")}, or on a '
            'robot sudo apt-get install python3-rich python3-matplotlib python3-skimage'
        )


def make_folder(output: Path) -> Path:
    """Make the output folder and return a hidden one in it for files that are being written."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix='.unfinished-', dir=output))
    except OSError as error:
        raise DemoError(
            f"the folder '{output}' cannot be written to ({error.strerror}): "
            'give another one with --output'
        ) from None


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; exits with code 2 on a mistake."""
    parser = Parser(prog=PROGRAM, description='Show what face_perception does, on one machine.')
    parser.add_argument(
        '--source',
        default='sample',
        metavar='SOURCE',
        help='what face_perception_camera takes: a webcam (0), a video, a GIF, an '
        "image, a folder of images, or 'sample'",
    )
    parser.add_argument(
        '--size', type=image_size, default='640x480', metavar='WxH', help='size of the images'
    )
    parser.add_argument(
        '--rate', type=image_rate, default=15.0, metavar='HZ', help='images per second'
    )
    parser.add_argument(
        '--duration',
        type=duration,
        metavar='S',
        help='seconds from the first result to the end '
        f'(default: {DURATION_S:.0f}, with --web {WEB_S:.0f})',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('demo_output'),
        metavar='FOLDER',
        help='where annotated.png, annotated.mp4 and latency.png are written',
    )
    parser.add_argument(
        '--rerun',
        action='store_true',
        help='also write results.rrd, which face_perception_view opens',
    )
    parser.add_argument(
        '--web',
        action='store_true',
        help='also show it live in a browser, at the address that is printed',
    )
    options = parser.parse_args(arguments)
    if options.duration is None:
        options.duration = WEB_S if options.web else DURATION_S
    return options


def _warn(message: str) -> None:
    print(f'{PROGRAM}: {message}', file=sys.stderr, flush=True)


def _refuse(message: str, code: int) -> int:
    _warn(message)
    return code


if __name__ == '__main__':
    sys.exit(main())
