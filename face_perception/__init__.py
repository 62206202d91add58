"""
Faces, gender and emotion labels for ROS 2 robots.

``from face_perception import FacePipeline`` is the whole Python API without ROS;
``from face_perception.msg import FaceArray`` brings the messages and nothing else.
"""

from pkgutil import extend_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core.pipeline import FacePipeline

# The generated msg/ may lie in another folder than this code (colcon --symlink-install, or a
# source tree on the path): both are this package.
__path__ = extend_path(__path__, __name__)

__all__ = ['FacePipeline']


def __getattr__(name: str):
    """Load the pipeline on first use, so that a subscriber need not have OpenCV or models."""
    if name == 'FacePipeline':
        from .core.pipeline import FacePipeline

        return FacePipeline
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    """Return what there is, also what was not loaded yet: shells complete names by it."""
    return sorted({*globals(), *__all__})
