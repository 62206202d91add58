"""Images from files: images, folders of images, videos, animated GIFs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import ImageError
from .errors import SourceError
from .fitting import Size, fit
from .images.files import images_in, load_image, read_image
from .video_files import DEFAULT_RATE, VideoFile

__all__ = ['ImagesSource', 'VideoSource', 'images_in', 'read_image', 'silence_opencv']

Warn = Callable[[str], None]


def silence_opencv() -> None:
    """Keep OpenCV and FFmpeg from printing lines of their own: the errors say what is wrong."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    if hasattr(cv2, 'setLogLevel'):
        cv2.setLogLevel(2)
    elif logging := getattr(getattr(cv2, 'utils', None), 'logging', None):
        logging.setLogLevel(logging.LOG_LEVEL_ERROR)


class ImagesSource:
    """Images in files, one after the other; those that OpenCV cannot read are skipped."""

    live = False
    rate = DEFAULT_RATE

    def __init__(self, paths: list[Path], size: Size | None, warn: Warn):
        self._paths, self._size, self._warn = list(paths), size, warn
        self._kept: np.ndarray | None = None
        while self._paths and self._kept is None:
            self._kept = self._read(self._paths[0])
        if self._kept is None:
            raise SourceError(
                f"'{paths[0]}' is no image that OpenCV can read: it may be damaged or empty"
                if len(paths) == 1
                else f"none of the {len(paths)} images in '{paths[0].parent}' can be read: they "
                'may be damaged'
            )

    @classmethod
    def of_folder(cls, folder: Path, size: Size | None, warn: Warn) -> ImagesSource:
        """Take the images directly inside a folder, sorted by name."""
        return cls(images_in(folder), size, warn)

    def frames(self, loop: bool = True) -> Iterator[np.ndarray]:
        """Give the images; a single one is read from its file only once."""
        while True:
            for path in list(self._paths):
                image = self._kept if len(self._paths) == 1 else self._read(path)
                if image is not None:
                    yield image
            if not self._paths:
                raise SourceError('none of the images can be read any more')
            if not loop:
                return

    def _read(self, path: Path) -> np.ndarray | None:
        """Return the image; forget and name a file that has none."""
        try:
            image = load_image(path)
        except ImageError as error:
            self._paths.remove(path)
            self._warn(f"'{path}' is skipped: {error}")
            return None
        return fit(image, self._size)


class VideoSource:
    """A video file or an animated GIF; images that are damaged are left out."""

    live = False

    def __init__(self, path: Path, size: Size | None, warn: Warn = print):
        self._video, self._size, self._warn = VideoFile(path), size, warn
        self.rate = self._video.rate
        self._told = False

    def frames(self, loop: bool = True) -> Iterator[np.ndarray]:
        """Give the video's images."""
        while True:
            count = 0
            for shown in self._video.images():
                if shown.image is not None:
                    count += 1
                    yield fit(shown.image, self._size)
                elif not self._told:
                    self._told = True
                    self._warn(f"'{self._video.path}': damaged images in it are left out")
            if not count:
                raise SourceError(f"'{self._video.path}' can no longer be read: was it moved?")
            if not loop:
                return
