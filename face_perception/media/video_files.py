"""Videos and animated GIFs, image by image, as OpenCV decodes them and as they are shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from ..core.errors import ImageError
from ..core.scaling import resize
from .containers import gif_images, is_mirrored, is_whole, stated_length, stated_size
from .errors import SourceError
from .images.decode import MAX_PIXELS, check_pixels

#: Images per second of what has no rate of its own.
DEFAULT_RATE = 15.0
#: Rates that are believed as they are stated; others are measured, as some containers state 1000,
#: and OpenCV 4.8 states 1 of a slower Matroska video.
USUAL_RATES = (1.0, 240.0)
#: Slower than an image in eleven days, or beyond thirty years, are no times.
SLOWEST_RATE = 1e-6
LONGEST_S = 1e9
#: Images whose times tell the rate.
MEASURED = 10
#: Images in a row that cannot be decoded after which a video has ended: before as many images as
#: its container states, and after them, where each is most likely the end found again.
MOST_DAMAGED, MOST_DAMAGED_BEYOND = 5000, 100
#: Proportions of a pixel that are believed.
MOST_STRETCHED = 4.0
#: A video that ends this much before what its container states is worth a word.
MISSING_SHARE = 0.1


@dataclass(frozen=True)
class VideoImage:
    """
    An image of a video: uint8 ``[H, W, 3]`` BGR, ``None`` where it is damaged.

    ``position_s`` is its place in the video in seconds, 0 where the container has no times.
    """

    image: np.ndarray | None
    position_s: float = 0.0


class VideoFile:
    """A video; ``rate`` is in images per second, ``count`` 0 where the number is not known."""

    def __init__(self, path: Path, max_pixels: int = MAX_PIXELS):
        """Look into it; raises ``SourceError`` for what is none."""
        self.path = path
        try:
            if (size := stated_size(path)) is not None:
                check_pixels(*size, max_pixels)
            with capture(path) as video:
                width, height = (
                    int(video.get(key))
                    for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
                )
                check_pixels(width, height, max_pixels)
                count = video.get(cv2.CAP_PROP_FRAME_COUNT)
                stated = video.get(cv2.CAP_PROP_FPS)
                self.rate = _rate(video, stated)
        except ImageError as error:
            raise SourceError(f"'{path}': {error}") from None
        self.count = int(count) if 0 < count < 2**31 else 0
        self._given = 0
        self._mirrored = is_mirrored(path)
        self.length_s = self.count / stated if stated >= SLOWEST_RATE else 0.0
        if next(self.images(), None) is None:
            raise SourceError(
                f"'{path}' is no video or image that OpenCV can read: it may be damaged, or of a "
                'format that this OpenCV does not know; try another format (mp4, mkv, png, jpg)'
            )

    def images(self) -> Iterator[VideoImage]:
        """
        Give the images with the proportions in which they are shown.

        An image that cannot be decoded in the midst of others is given as ``None``.
        """
        with capture(self.path) as video:
            stretch, mirror = _stretch(video), _mirror(video) if self._mirrored else None
            damaged = self._given = passed = 0
            while damaged <= (MOST_DAMAGED_BEYOND if 0 < self.count <= passed else MOST_DAMAGED):
                passed += 1
                readable, image = video.read()
                if not readable:
                    damaged += 1
                    continue
                for _ in range(damaged):
                    yield VideoImage(None)
                damaged = 0
                self._given += 1
                position_s = video.get(cv2.CAP_PROP_POS_MSEC) / 1e3
                if not abs(position_s) < LONGEST_S:
                    position_s = 0.0
                image = image if mirror is None else cv2.flip(image, mirror)
                yield VideoImage(stretched(image, stretch), position_s)

    def missing(self, reached_s: float, period_s: float) -> str:
        """Return why a video that was read up to ``reached_s`` is not whole, '' if it is."""
        whole = is_whole(self.path)
        if whole is False:
            return (
                f'it breaks off after {reached_s:.1f} s, as a part of its file is missing: '
                'it was not copied or recorded whole'
            )
        if (images := gif_images(self.path)) > self._given > 0:
            return (
                f'only {self._given} of its {images} images can be read, as it does not say how '
                'long they stay: save it with a delay'
            )
        length_s = stated_length(self.path, self.length_s) if whole else self.length_s
        if length_s is not None and reached_s + 2 * period_s < (1 - MISSING_SHARE) * length_s:
            return (
                f'it breaks off after {reached_s:.1f} of {length_s:.1f} s: '
                'it was not copied or recorded whole'
            )
        return ''


@contextmanager
def capture(path: Path) -> Iterator[cv2.VideoCapture]:
    """Open a video under any name: FFmpeg reads protocols and patterns out of some."""
    with plain_name(path) as name:
        video = cv2.VideoCapture(name)
        try:
            yield video
        finally:
            video.release()


@contextmanager
def plain_name(path: Path) -> Iterator[str]:
    """Give a name that OpenCV and FFmpeg take for what it is: no pattern, no bytes beyond UTF-8."""
    name = os.path.abspath(path)
    try:
        plain = '%' not in name.encode().decode()
    except UnicodeEncodeError:
        plain = False
    if plain:
        yield name
        return
    with TemporaryDirectory() as folder:
        # Its ending stays, as OpenCV may look at that.
        suffix = path.suffix if path.suffix.isascii() and path.suffix[1:].isalnum() else ''
        link = Path(folder, f'video{suffix}')
        link.symlink_to(name)
        yield str(link)


def stretched(image: np.ndarray, stretch: tuple[float, float]) -> np.ndarray:
    """Return an image enlarged by (across, down), as pixels that are not square are shown."""
    if stretch == (1.0, 1.0):
        return image
    height, width = image.shape[:2]
    size = round(width * stretch[0]), round(height * stretch[1])
    return resize(image, size, cv2.INTER_LINEAR)


def _stretch(video: cv2.VideoCapture) -> tuple[float, float]:
    """Return by what images are enlarged so that their pixels are square; none is lost."""
    numerator, denominator = video.get(cv2.CAP_PROP_SAR_NUM), video.get(cv2.CAP_PROP_SAR_DEN)
    if numerator <= 0 or denominator <= 0:
        return 1.0, 1.0
    ratio = numerator / denominator
    if video.get(cv2.CAP_PROP_ORIENTATION_META) % 180:
        ratio = 1 / ratio  # OpenCV has turned the image, but not this
    if ratio == 1 or not 1 / MOST_STRETCHED <= ratio <= MOST_STRETCHED:
        return 1.0, 1.0
    return max(ratio, 1.0), max(1 / ratio, 1.0)


def _mirror(video: cv2.VideoCapture) -> int | None:
    """Return the code of ``cv2.flip`` that is left to do where OpenCV has only turned an image."""
    if not video.get(cv2.CAP_PROP_ORIENTATION_AUTO):
        return None
    return 1 if video.get(cv2.CAP_PROP_ORIENTATION_META) % 180 else 0


def _rate(video: cv2.VideoCapture, stated: float) -> float:
    """Return a rate that is stated, or measured where few videos have such a one."""
    if USUAL_RATES[0] < stated <= USUAL_RATES[1]:
        return stated
    times = []
    for _ in range(MEASURED):
        if not video.grab():
            break
        times.append(video.get(cv2.CAP_PROP_POS_MSEC) / 1e3)
    intervals = [later - former for former, later in zip(times, times[1:]) if later > former]
    if not intervals:
        return DEFAULT_RATE
    measured = 1 / median(intervals)
    if measured < SLOWEST_RATE:
        return DEFAULT_RATE
    return stated if abs(stated / measured - 1) < MISSING_SHARE else measured
