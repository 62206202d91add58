"""Where images come from: a webcam, a video, an image, a folder of images, the sample."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from ..core.files import at_home
from .errors import SourceError
from .file_sources import ImagesSource, VideoSource, silence_opencv
from .fitting import Size
from .images.files import is_image
from .sample.sample import SampleScene
from .video_files import DEFAULT_RATE
from .webcam import WebcamSource

SAMPLE_SIZE = (640, 480)
_VIDEO = re.compile(r'/dev/video(\d+)')


class Source(Protocol):
    """
    A source of images.

    ``rate`` is its own rate in images per second.  A ``live`` source gives images when it
    has them; any other gives one whenever it is asked.
    """

    rate: float
    live: bool

    def frames(self, loop: bool = True) -> Iterator[np.ndarray]:
        """
        Give uint8 ``[H, W, 3]`` BGR images; ``loop`` begins again at the end.

        Raises ``SourceError`` when the source breaks.
        """


def open_source(
    text: str,
    size: Size | None = None,
    rate: float | None = None,
    warn: Callable[[str], None] = print,
) -> Source:
    """
    Open what ``text`` names: ``sample``, a webcam (``0``, ``/dev/video0``, a link to it), a file or
    a folder.

    ``size`` is (width, height) in pixels, ``None`` leaves the source's own; images of
    another shape get black borders, so that faces keep their proportions.  ``rate`` is asked of
    webcams and makes the sample last as long at every rate.  ``warn`` gets one sentence per
    image that is skipped.  Raises ``SourceError`` with what is wrong and what to do.
    """
    silence_opencv()
    if text == 'sample':
        return SampleSource(size or SAMPLE_SIZE, rate or DEFAULT_RATE)
    path = at_home(text)
    # Numbers change with the order of plugging in; the links in /dev/v4l/by-id do not.
    if webcam := re.fullmatch(r'(\d+)', text) or _VIDEO.fullmatch(os.path.realpath(path)):
        return WebcamSource(int(webcam[1]), size, rate)
    if not path.exists():
        raise SourceError(
            f"the source '{text}' does not exist: give a video, an image, a folder of images, the "
            "number of a webcam (0 is the first), or 'sample'"
        )
    if not os.access(path, os.R_OK):
        raise SourceError(f"the source '{text}' cannot be read: check its permissions")
    if not path.is_dir() and not path.is_file():
        raise SourceError(
            f"the source '{text}' is a device or a pipe: give a file or a folder, or the number of "
            'a webcam'
        )
    if path.is_dir():
        return ImagesSource.of_folder(path, size, warn)
    if is_image(path):
        return ImagesSource([path], size, warn)
    return VideoSource(path, size, warn)


class SampleSource:
    """The built-in scene."""

    live = False

    def __init__(self, size: Size, rate: float):
        self.rate = rate
        self._scene = SampleScene(*size, rate)
        self._scene.frame(0)  # what is missing shows now

    def frames(self, loop: bool = True) -> Iterator[np.ndarray]:
        """Give the scene's images."""
        index = 0
        while loop or index < len(self._scene):
            yield self._scene.frame(index)
            index += 1
