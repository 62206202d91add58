"""
Entry points of the commands.

Each loads its program only when it runs, so that Ctrl-C ends it cleanly from the first moment,
also while OpenCV and ROS are still being imported.
"""

import errno
import os
import signal
import sys
from importlib import import_module

from .console.streams import mend_streams, use_utf8


def annotate() -> int:
    """Run ``face_perception_annotate``."""
    return _run_with_extra('face_perception.offline.annotate', 'offline', interrupted=130)


def camera() -> int:
    """Run ``face_perception_camera``."""
    return _run_with_ros('face_perception.tools.camera.camera')


def demo() -> int:
    """Run ``face_perception_demo``."""
    return _run_with_ros('face_perception.tools.demo.demo')


def evaluate() -> int:
    """Run ``face_perception_evaluate``."""
    return _run_with_extra('face_perception.training.evaluate', 'train', interrupted=130)


def export() -> int:
    """Run ``face_perception_export``."""
    return _run_with_extra('face_perception.training.export', 'train', interrupted=130)


def node() -> int:
    """Run ``face_perception_node``."""
    # A shell that starts it in the background lets it ignore Ctrl-C; it takes that up again, and
    # not only once all is imported.
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return _run_with_ros('face_perception.ros.node')
    except KeyboardInterrupt:
        return 0


def play() -> int:
    """Run ``face_perception_play``."""
    return _run_with_ros('face_perception.tools.player.play')


def train() -> int:
    """Run ``face_perception_train``."""
    return _run_with_extra('face_perception.training.train', 'train', interrupted=130)


def tune() -> int:
    """Run ``face_perception_tune``."""
    return _run_with_ros('face_perception.tools.tune.tune')


def view() -> int:
    """Run ``face_perception_view``."""
    return _run('face_perception.tools.view')


def _run(module: str, interrupted: int = 0) -> int:
    if '.training.' not in module:
        # NumPy and OpenCV each start threads for matrices and have them wait busily for a while,
        # which takes longer than their own import; nothing here multiplies any.
        os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    use_utf8()
    mend_streams()
    try:
        return import_module(module).main()
    except KeyboardInterrupt:
        return interrupted
    except OSError as error:  # what a program prints has no place: those it writes, it knows itself
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EIO):
            raise
        print(f'error: nothing more can be printed ({error.strerror})', file=sys.stderr)
        return 1


def _run_with_ros(module: str) -> int:
    use_utf8()
    mend_streams()
    try:
        from .console.ros_presence import ros_fault

        if fault := ros_fault():
            print(f'error: {fault}', file=sys.stderr)
            return 1
        return _run(module)
    except KeyboardInterrupt:
        return 0


def _run_with_extra(module: str, extra: str, interrupted: int = 0) -> int:
    try:
        return _run(module, interrupted)
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('face_perception'):
            raise
        from .core.extras import install_command

        print(f'error: {error.name} is missing: run {install_command(extra)}', file=sys.stderr)
        return 1
