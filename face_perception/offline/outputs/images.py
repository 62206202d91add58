"""Annotated images: a video per stream, or a file per still."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np

from ...core.types import FrameResult
from ...media.video_files import capture, plain_name
from ...media.video_writer import Mp4Video, codec_number
from ...visuals.boxes import annotate
from ..errors import OutputError
from ..names import FreeNames
from ..types import Frame

#: Containers and codecs in the order in which they are tried; OpenCV has the last one built in.
FORMATS = (('.mp4', 'mp4v'), ('.avi', 'MJPG'))
#: Endings that are written as they were read; images of other kinds, and those that are too wide
#: for these, become the first of the others that holds them.
KEPT_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp')
OTHER_SUFFIXES = ('.png', '.tiff')
#: Images per second with which a video can be written; others play faster or slower.
SLOWEST, FASTEST = 0.003, 10_000.0
#: A disk with less space than this, in bytes, is full; it is looked at so often, in images.
SMALLEST_SPACE, LOOK_EVERY = 1 << 20, 100


class AnnotatedVideos:
    """
    Writes ``annotated.mp4``, or ``annotated_<topic>.mp4`` for each of several topics.

    In the place of an image that was skipped stands the one before it (the first: the one behind),
    so that the frames have their numbers and times in the video too.
    """

    def __init__(self, folder: Path, rates: dict[str, float]):
        """``rates`` are the images per second of each topic."""
        self._folder, self._rates = folder, rates
        names = FreeNames()
        self._names = {
            topic: names.take(f'annotated_{file_name(topic)}' if len(rates) > 1 else 'annotated')
            for topic in rates
        }
        self._videos: dict[str, Mp4Video] = {}
        self._counts: dict[str, int] = {}
        self._last: dict[str, np.ndarray] = {}

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Append an image."""
        image = annotate(frame.image, result.faces)
        if self._counts.get(frame.topic, 0) % LOOK_EVERY == 0:
            check_space(self._folder)
        if frame.topic not in self._videos:
            self._videos[frame.topic] = open_video(
                self._folder / self._names[frame.topic],
                image.shape[1::-1],
                self._rates[frame.topic],
            )
        while (count := self._counts.get(frame.topic, 0)) <= frame.index:
            skipped = count < frame.index
            self._videos[frame.topic].write(
                self._last.get(frame.topic, image) if skipped else image
            )
            self._counts[frame.topic] = count + 1
        self._last[frame.topic] = image

    def close(self) -> list[Path]:
        """Complete the files; raises ``OutputError`` for one that was not written whole."""
        files = []
        for topic, video in self._videos.items():
            files.append(video.close())
            check_video(files[-1], self._counts[topic])
        return files


class AnnotatedImages:
    """Writes each image into ``annotated/``, under its own name."""

    def __init__(self, folder: Path):
        self._folder = folder / 'annotated'
        self._names = FreeNames()
        self._files: list[Path] = []

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Write an image."""
        suffix, data = _encoded(annotate(frame.image, result.faces), Path(frame.name).suffix)
        name = self._names.take(frame.name.removesuffix(suffix), suffix)
        self._folder.mkdir(exist_ok=True)
        self._files.append(self._folder / name)
        self._files[-1].write_bytes(data)

    def close(self) -> list[Path]:
        """Return the files."""
        return self._files


def _encoded(image: np.ndarray, suffix: str) -> tuple[str, bytes]:
    """Return an image file's ending and bytes; each format has room for so many pixels only."""
    kept = (suffix,) if suffix.lower() in KEPT_SUFFIXES else ()
    for ending in (*kept, *OTHER_SUFFIXES):
        try:
            done, data = cv2.imencode(ending.lower(), image)
        except cv2.error:
            continue
        if done:
            return ending, data.tobytes()
    height, width = image.shape[:2]
    raise OutputError(
        f'an image of {width}x{height} px cannot be written: leave out video from --outputs'
    )


def open_video(stem: Path, size: tuple[int, int], rate: float) -> Mp4Video:
    """Return a video of the first format that this OpenCV can write; ``size`` is (w, h) in px."""
    # Four figures, as codecs count time in up to 65535 parts of a second.
    rate = float(f'{min(max(rate, SLOWEST), FASTEST):.4g}')
    for suffix, codec in FORMATS:
        path = stem.with_name(stem.name + suffix)
        with plain_name(path) as name:
            writer = cv2.VideoWriter(name, codec_number(codec), rate, size)
        if writer.isOpened():
            return Mp4Video(path, writer, size)
        path.unlink(missing_ok=True)
    raise OutputError(
        f"no video of {size[0]}x{size[1]} px can be written into '{stem.parent}': "
        'is the disk full? Or leave out video from --outputs'
    )


def check_space(folder: Path) -> None:
    """Raise what a full disk raises elsewhere: OpenCV would go on in silence to the end."""
    if shutil.disk_usage(folder).free < SMALLEST_SPACE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def check_video(path: Path, count: int) -> None:
    """Look whether a video has its images: OpenCV does not say when a disk is full."""
    with capture(path) as video:
        found = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    if found != count:
        raise OutputError(
            f"'{path.name}' was not written whole ({found} of {count} images): is "
            'the disk full? Or leave out video from --outputs'
        )


def file_name(topic: str) -> str:
    """Return a topic's name as a part of a file's name."""
    return re.sub(r'\W+', '_', topic).strip('_')
