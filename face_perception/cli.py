"""
Entry points of the commands.

Each loads its program only when it runs, so that Ctrl-C ends it cleanly from the first moment,
also while OpenCV and ROS are still being imported.
"""

from importlib import import_module


def camera() -> int:
    """Run ``face_perception_camera``."""
    return _run('face_perception.tools.camera')


def demo() -> int:
    """Run ``face_perception_demo``."""
    return _run('face_perception.tools.demo')


def node() -> int:
    """Run ``face_perception_node``."""
    return _run('face_perception.ros.node')


def _run(module: str) -> int:
    try:
        return import_module(module).main()
    except KeyboardInterrupt:
        return 0
