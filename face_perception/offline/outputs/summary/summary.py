"""One image that says what was in an input."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from ....core.errors import FacePerceptionError
from ....core.extras import install_command
from ....core.scaling import frame, resize
from ....core.timing import OFFLINE_STAGES, Timings
from ....core.types import Box, Face, FrameResult
from ...types import Frame
from .accumulators import Bins, PlayTime, folded
from .totals import LABELS, InputSummary, TrackSummary

#: Sides of the thumbnails in pixels, and the context around a face in sides of its box.
THUMBNAIL, CONTEXT = 96, 0.5
#: What lies beyond the image, in thumbnails.
BEYOND = (235, 235, 235)
#: Tracks that are remembered; of more, the shortest are forgotten, but counted.
MOST_TRACKS = 200
#: A track has ended when it was not seen for so long, in seconds or images.
ENDED = 10.0
#: Faces of images without tracks that are kept to be shown.
MOST_FACES = 32


class SummaryError(FacePerceptionError):
    """A summary cannot be drawn."""


class SummaryPicture:
    """
    Writes ``summary.png``: who was seen when, with which expression, and how long it took.

    Its memory does not grow with the length of the input.
    """

    def __init__(self, folder: Path, source_name: str, anonymized: str = ''):
        """
        Prepare ``folder/summary.png``; raises ``SummaryError`` when Matplotlib is missing.

        ``anonymized`` is how the faces of the frames have been made unrecognisable, if they were.
        """
        if importlib.util.find_spec('matplotlib') is None:
            raise SummaryError(
                f'matplotlib is missing: run {install_command("demo")}, or on a robot '
                'sudo apt-get install python3-matplotlib'
            )
        self._folder = folder
        self._summary = InputSummary(source_name, anonymized)
        self._time = PlayTime()
        self._stride = 1
        self._untracked = 0

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Take the next result; the frames of a stream come in order."""
        summary = self._summary
        if not summary.frames and frame.name:
            summary.stills, summary.bins = True, Bins(1)
        time = (
            float(summary.frames)
            if summary.stills
            else self._time.advance(frame.topic, frame.time_ns)
        )
        index = self._bin(time)
        self._count(frame, result)
        self._time_stages(index, result.timings)
        for face in result.faces:
            summary.labels[index, _label_of(face)] += 1
            if face.track_id:
                self._add_to_track(frame.topic, face, frame.image, time, index)
            else:
                self._add_thumbnail(face, frame.image)

    def close(self) -> list[Path]:
        """Draw the image and return its path; none where no frame came."""
        if not self._summary.frames:
            return []
        from .summary_plot import draw_summary

        path = self._folder / 'summary.png'
        try:
            draw_summary(self._summary, path)
        except OSError as error:
            raise SummaryError(f"'{path}' cannot be written ({error.strerror})") from None
        return [path]

    def _bin(self, time: float) -> int:
        """Return the bin of a time, after making room for it."""
        summary = self._summary
        summary.end = max(summary.end, time)
        index, folds = summary.bins.index(time)
        for _ in range(folds):
            summary.images, summary.labels = folded(summary.images), folded(summary.labels)
            summary.seconds = folded(summary.seconds)
            summary.slowest = folded(summary.slowest, np.maximum)
            for track in summary.tracks.values():
                track.fold()
        summary.images[index] += 1
        return index

    def _count(self, frame: Frame, result: FrameResult) -> None:
        summary, count = self._summary, len(result.faces)
        summary.frames += 1
        summary.streams[frame.topic] += 1
        summary.frames_with_faces += count > 0
        summary.faces += count
        summary.most_faces = max(summary.most_faces, count)
        if len(summary.sizes) < 2:  # one, or several
            summary.sizes.add((result.image_width, result.image_height))
        for face in result.faces:
            summary.emotions.update(
                [face.emotion.label] if face.emotion and face.emotion.label else []
            )
            summary.genders.update([face.gender.label] if face.gender and face.gender.label else [])

    def _time_stages(self, index: int, timings: Timings) -> None:
        summary = self._summary
        for column, name in enumerate(OFFLINE_STAGES):
            seconds = getattr(timings, name)
            summary.seconds[index, column] += seconds
            summary.percentiles[name].add(seconds)
        summary.percentiles['total'].add(timings.processing)
        summary.slowest[index] = max(summary.slowest[index], timings.processing)

    def _add_to_track(
        self, stream: str, face: Face, image: np.ndarray, time: float, index: int
    ) -> None:
        tracks = self._summary.tracks
        track = tracks.get((stream, face.track_id))
        if track is None:
            self._summary.tracks_seen += 1
            self._forget_short_ones(time)
            track = tracks[stream, face.track_id] = TrackSummary(stream, face.track_id, time)
        track.last = time
        track.images += 1
        counts = track.labels.setdefault(index, np.zeros(len(LABELS), np.int32))
        counts[_label_of(face)] += 1
        track.emotions.update([face.emotion.label] if face.emotion and face.emotion.label else [])
        track.genders.update([face.gender.label] if face.gender and face.gender.label else [])
        quality = face.score * min(max(face.box.width, face.box.height), THUMBNAIL)
        if quality > track.quality:
            track.thumbnail, track.quality = thumbnail(image, face.box), quality

    def _forget_short_ones(self, time: float) -> None:
        """Forget the shorter half of too many tracks that ended, to make room for others."""
        tracks = self._summary.tracks
        if len(tracks) < MOST_TRACKS:
            return
        ended = sorted(
            (key for key, track in tracks.items() if track.last < time - ENDED),
            key=lambda key: tracks[key].images,
        )
        for key in ended[: -(-len(ended) // 2)]:
            del tracks[key]

    def _add_thumbnail(self, face: Face, image: np.ndarray) -> None:
        """Keep faces that are spread evenly over the input."""
        kept = self._summary.thumbnails
        if self._untracked % self._stride == 0:
            if len(kept) == MOST_FACES:
                del kept[1::2]
                self._stride *= 2
            if self._untracked % self._stride == 0:
                kept.append(thumbnail(image, face.box))
        self._untracked += 1


def thumbnail(image: np.ndarray, box: Box) -> np.ndarray:
    """Return a face with some context, uint8 ``[THUMBNAIL, THUMBNAIL, 3]`` RGB."""
    x, y = box.center
    side = max(round(max(box.width, box.height) * (1 + 2 * CONTEXT)), 1)
    left, top = round(x - side / 2), round(y - side / 2)
    height, width = image.shape[:2]
    right, bottom = left + side, top + side
    cut = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    whole = frame(
        cut,
        max(-top, 0),
        max(bottom - height, 0),
        max(-left, 0),
        max(right - width, 0),
        BEYOND,
    )
    size = (THUMBNAIL, THUMBNAIL)
    made = resize(whole, size, cv2.INTER_AREA if side > THUMBNAIL else cv2.INTER_LINEAR)
    return np.ascontiguousarray(made[:, :, ::-1])


def _label_of(face: Face) -> int:
    return LABELS.index(face.emotion.label if face.emotion else '')
