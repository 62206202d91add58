"""
Entry points of the commands.

Each loads its program only when it runs, so that Ctrl-C ends it cleanly from the first moment,
also while OpenCV and ROS are still being imported.
"""

import sys
from importlib import import_module


def camera() -> int:
    """Run ``face_perception_camera``."""
    return _run('face_perception.tools.camera')


def demo() -> int:
    """Run ``face_perception_demo``."""
    return _run('face_perception.tools.demo')


def evaluate() -> int:
    """Run ``face_perception_evaluate``."""
    return _run_training('face_perception.training.evaluate')


def export() -> int:
    """Run ``face_perception_export``."""
    return _run_training('face_perception.training.export')


def node() -> int:
    """Run ``face_perception_node``."""
    return _run('face_perception.ros.node')


def play() -> int:
    """Run ``face_perception_play``."""
    return _run('face_perception.tools.play')


def train() -> int:
    """Run ``face_perception_train``."""
    return _run_training('face_perception.training.train')


def _run(module: str) -> int:
    try:
        return import_module(module).main()
    except KeyboardInterrupt:
        return 0


def _run_training(module: str) -> int:
    try:
        return _run(module)
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('face_perception'):
            raise
        print(f"error: {error.name} is missing: run pip install 'face_perception[train]'",
              file=sys.stderr)
        return 1
