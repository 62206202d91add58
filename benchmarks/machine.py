"""What the numbers were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path


def describe() -> dict[str, object]:
    """Return the processor, the load before the measurement, and the versions."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
        model = next(line.split(':')[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        model = platform.machine()
    versions = {'python': platform.python_version()}
    for name in ('numpy', 'opencv-python-headless', 'onnxruntime', 'ros-rclpy'):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = 'of the distribution'
    return {
        'processor': model,
        'cores': len(os.sched_getaffinity(0)),
        'load': os.getloadavg()[0],
        'versions': versions,
    }
