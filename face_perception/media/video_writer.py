"""Annotated images as a video, and the best of them as an image."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import FacePerceptionError
from ..core.scaling import recolored, resize

#: A video this long shows what there is to see.
LONGEST_S = 30.0
#: A pause in the images is shown at most this long.
LONGEST_PAUSE_S = 2.0
#: Results whose image has not come yet, or never does.
REMEMBERED = 100
#: GIFs are kept in memory until they are written: small and slow.
GIF_WIDTH, GIF_RATE, GIF_LONGEST_S = 320, 5.0, 15.0


class RecordingError(FacePerceptionError):
    """An image or video cannot be written."""


class Recording:
    """
    Writes images into ``folder`` as they come; only the best one is kept in memory.

    Images and what is known about them arrive on different topics and in any order: both
    carry the image's stamp, in seconds.
    """

    def __init__(self, folder: Path, rate: float):
        """Record a video of ``rate`` images per second."""
        self._folder, self._rate = folder, rate
        self._video: Mp4Video | GifVideo | None = None
        self._start = 0.0
        self._written = 0
        self._scores: OrderedDict[float, tuple] = OrderedDict()
        self._frames: OrderedDict[float, np.ndarray] = OrderedDict()
        self._best: np.ndarray | None = None
        self._best_score: tuple = ()

    def add_score(self, stamp: float, score: tuple) -> None:
        """Say how good the image with this stamp is: the largest tuple wins."""
        self._scores[stamp] = score
        if len(self._scores) > REMEMBERED:
            self._scores.popitem(last=False)
        self._judge(stamp)

    def add_image(self, stamp: float, image: np.ndarray) -> None:
        """Append a uint8 ``[H, W, 3]`` BGR image."""
        self._frames[stamp] = image
        if len(self._frames) > 2:
            self._frames.popitem(last=False)
        self._judge(stamp)
        self._append(stamp, image)

    def _judge(self, stamp: float) -> None:
        if stamp in self._scores and stamp in self._frames:
            image, score = self._frames.pop(stamp), self._scores.pop(stamp)
            if self._best is None or score > self._best_score:
                self._best, self._best_score = image, score

    def _append(self, stamp: float, image: np.ndarray) -> None:
        if self._video is None:
            self._start = stamp
            self._video = open_video(self._folder, image, self._rate)
        if stamp - self._start > LONGEST_S:
            return
        # A video has a fixed rate and results do not: repeat or leave out to keep time.
        wanted = int((stamp - self._start) * self._rate + 0.5) + 1
        missing = wanted - self._written
        for _ in range(min(missing, int(LONGEST_PAUSE_S * self._rate) + 1)):
            self._video.write(image)
        self._written = max(wanted, self._written)

    def finish(self) -> list[Path]:
        """Complete the files and return them; an empty list when no image came."""
        if self._video is None:
            return []
        best = self._best
        if best is None:  # no image met its result
            best = next(reversed(self._frames.values()))
        image = self._folder / 'annotated.png'
        if not cv2.imwrite(str(image), best):
            raise RecordingError(f"'{image}' cannot be written: is the disk full?")
        return [image, self._video.close()]


def codec_number(code: str) -> int:
    """Return the number by which OpenCV knows a codec of four letters, such as ``mp4v``."""
    return int.from_bytes(code.encode('ascii'), 'little')


def open_video(folder: Path, image: np.ndarray, rate: float) -> Mp4Video | GifVideo:
    """Return a video for images of this size: MP4, or GIF where OpenCV cannot write MP4."""
    height, width = image.shape[:2]
    path = folder / 'annotated.mp4'
    writer = cv2.VideoWriter(str(path), codec_number('mp4v'), rate, (width, height))
    return (
        Mp4Video(path, writer, (width, height))
        if writer.isOpened()
        else GifVideo(folder / 'annotated.gif', rate)
    )


class Mp4Video:
    """A video that is written image by image."""

    def __init__(self, path: Path, writer: cv2.VideoWriter, size: tuple[int, int]):
        self._path, self._writer, self._size = path, writer, size

    def write(self, image: np.ndarray) -> None:
        """Append an image."""
        if image.shape[1::-1] != self._size:
            image = resize(image, self._size, cv2.INTER_LINEAR)
        self._writer.write(image)

    def close(self) -> Path:
        """Complete the file."""
        self._writer.release()
        return self._path


class GifVideo:
    """A small animated GIF, for where MP4 cannot be written."""

    def __init__(self, path: Path, rate: float):
        self._path = path
        self._every = max(round(rate / GIF_RATE), 1)
        self._period_ms = 1e3 * self._every / rate
        self._count = 0
        self._frames: list = []

    def write(self, image: np.ndarray) -> None:
        """Append an image, or leave it out to keep the file small."""
        from PIL import Image as PillowImage

        self._count += 1
        if (self._count - 1) % self._every or (
            len(self._frames) * self._period_ms > 1e3 * GIF_LONGEST_S
        ):
            return
        height, width = image.shape[:2]
        scale = min(GIF_WIDTH / width, 1.0)
        size = round(width * scale), max(round(height * scale), 1)
        small = resize(image, size, cv2.INTER_AREA)
        pillow = PillowImage.fromarray(recolored(small, cv2.COLOR_BGR2RGB))
        self._frames.append(pillow.quantize(64))

    def close(self) -> Path:
        """Write the file."""
        first, *others = self._frames
        first.save(
            self._path, save_all=True, append_images=others, loop=0, duration=round(self._period_ms)
        )
        return self._path
