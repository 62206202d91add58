"""Which library converts images: cv_bridge where it works, else rosbags-image."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

from ..core.errors import FacePerceptionError
from ..media.messages.decoding import Converter, rosbags_converter


def choose_converter(warn: Callable[[str], None]) -> Converter:
    """
    Return cv_bridge's conversion where it is installed and works, else rosbags-image's.

    ``warn`` gets one sentence when an installed cv_bridge is broken.  Raises
    ``FacePerceptionError`` when there is no working converter at all.
    """
    fault = cv_bridge_fault()
    if fault == '':
        return cv_bridge_converter()
    if fault is not None:
        warn(
            f'cv_bridge is installed but does not work ({fault}); decoding with rosbags-image '
            "instead. The usual cause is NumPy 2: pip install 'numpy<2' mends cv_bridge"
        )
    try:
        return rosbags_converter()
    except ImportError:
        raise FacePerceptionError(
            "nothing can decode images here: run 'sudo apt-get install "
            "ros-$ROS_DISTRO-cv-bridge' or 'pip install rosbags-image'"
        ) from None


_CV_BRIDGE_PROBE = """
import numpy
from face_perception.media.messages.decoding import PackedImage
from face_perception.ros.converters import cv_bridge_converter
pixels = numpy.arange(12, dtype=numpy.uint8)
bgr = cv_bridge_converter()(PackedImage('rgb8', 2, 2, 6, 0, pixels))
assert (bgr == pixels.reshape(2, 2, 3)[:, :, ::-1]).all(), 'wrong colours'
"""


def cv_bridge_fault() -> str | None:
    """
    Try cv_bridge on a tiny image, in a process of its own.

    A cv_bridge built for another NumPy does not raise: it ends the process.  Returns ``''``
    when it works, ``None`` when it is not installed, else what went wrong.
    """
    if find_spec('cv_bridge') is None:
        return None
    probe = subprocess.run(
        [sys.executable, '-c', _CV_BRIDGE_PROBE], capture_output=True, text=True, timeout=60
    )
    if probe.returncode == 0:
        return ''
    lines = probe.stderr.strip().splitlines()
    return lines[-1] if lines else f'the process ended with code {probe.returncode}'


def cv_bridge_converter() -> Converter:
    """Return the conversion of ROS 2's cv_bridge. Raises ``ImportError`` without it."""
    from cv_bridge import CvBridge

    bridge = CvBridge()
    return lambda image: bridge.imgmsg_to_cv2(image, 'bgr8')
