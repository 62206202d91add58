"""The public face of the core: from an image to labelled faces, without ROS."""

from __future__ import annotations

import warnings

import numpy as np

from .networks import FaceNetworks
from .settings import PipelineSettings
from .stream import FaceStream
from .types import FrameResult


class FacePipeline:
    """
    Finds the faces in an image and labels them.

    >>> pipeline = FacePipeline.load()
    >>> result = pipeline(image_bgr)
    >>> [(face.box, face.emotion.label) for face in result.faces]

    With the time at which each image was taken, faces are followed from image to image:

    >>> result = pipeline(image_bgr, time_s=0.033)
    >>> [(face.track_id, face.emotion.label) for face in result.faces]

    ``networks`` may be shared by several pipelines and threads.  One pipeline follows the faces of
    one camera, so that images with times have to come to it one after the other.  It can be
    pickled, to be given to another process, which loads the same files.
    """

    def __init__(self, networks: FaceNetworks, settings: PipelineSettings | None = None):
        self._stream = FaceStream(networks, settings)

    @property
    def networks(self) -> FaceNetworks:
        """Return the networks; others may be set between two images."""
        return self._stream.networks

    @networks.setter
    def networks(self, networks: FaceNetworks) -> None:
        self._stream.networks = networks

    @property
    def settings(self) -> PipelineSettings:
        """
        Return the settings; others may be set between two images.

        Of what the networks were loaded with, their files and the detector's size and threshold,
        nothing changes then.
        """
        return self._stream.settings

    @settings.setter
    def settings(self, settings: PipelineSettings) -> None:
        self._stream.settings = settings

    @classmethod
    def load(cls, settings: PipelineSettings | None = None) -> FacePipeline:
        """
        Make a pipeline from settings (default: the shipped models).

        OpenCV has ``settings.num_threads`` threads then, in the whole process.
        Raises ``ModelError`` or ``DetectorError`` with what is wrong and what to do.
        """
        return cls(FaceNetworks.load(settings), settings)

    def __call__(self, image_bgr: np.ndarray, time_s: float | None = None) -> FrameResult:
        """
        Process one uint8 ``[H, W, 3]`` BGR image.

        ``time_s`` is when it was taken, in seconds of any clock; ``None`` is for an image that
        has nothing to do with those before it.

        Raises ``ImageError`` for an array of another kind, or a time that is none.  Warns where a
        network fails: its label of the face is then ``None``.
        """
        if time_s is None:
            settings = self.settings
            result = self.networks(image_bgr, settings.max_faces, settings.min_confidence)
        else:
            result = self._stream(image_bgr, time_s)
        for fault in self.networks.take_faults().values():
            warnings.warn(fault, RuntimeWarning, stacklevel=2)
        return result

    def reset(self) -> None:
        """Forget all faces: the next image has nothing to do with those before it."""
        self._stream.reset()
