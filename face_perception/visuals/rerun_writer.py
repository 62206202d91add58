"""
What the node or an offline run says, as a recording for the Rerun viewer.

Needs the optional ``rerun-sdk``.  Everything is written to the file as it comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import FacePerceptionError
from ..core.extras import VIEW, install_command
from ..core.types import EMOTIONS, Face
from . import stage_bars
from .boxes import COLORS, UNLABELLED, label

FILE_NAME = 'results.rrd'
JPEG_QUALITY = 80
#: Tracks that have a plot of their own from the start, the longest of each stream.
PLOTTED_TRACKS = 6
#: Stamps from 1973 on are dates, smaller ones times since a beginning.
EARLIEST_DATE_NS = 10**17
#: The viewer is dark: where a stage's colour is too.
LIGHT = {'processing': '#BBBBBB', 'end_to_end': '#FFFFFF'}


class RerunError(FacePerceptionError):
    """A recording cannot be written or shown."""


def import_rerun():
    """Return the module ``rerun``; raises ``RerunError`` when it is missing."""
    try:
        import rerun
        import rerun.blueprint
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == 'rerun':
            raise RerunError(
                f'rerun-sdk is missing: run {install_command(VIEW)}; as it needs NumPy 2, where '
                "the distribution has NumPy 1 run pip install '.[view]' in this package's folder, "
                'in a virtual environment'
            ) from None
        raise RerunError(
            f'rerun-sdk does not load ({error}): run {install_command(VIEW)} --force-reinstall'
        ) from None
    return rerun


class RerunWriter:
    """
    Writes one recording.

    Call ``at`` first and then what is known about that image; a ``stream`` is a name for the
    camera, such as its topic.  The timelines are ``stamp``, when the image was taken, and
    ``frame``, its number.
    """

    def __init__(self, path: Path, name: str):
        """Begin the file ``path``; ``name`` is what the viewer calls the recording."""
        self._rerun = import_rerun()
        self._path = path
        try:
            path.touch()
        except OSError as error:
            raise RerunError(f"'{path}' cannot be written to ({error.strerror})") from None
        # In chunks of a second: by default there would be one per image and entity.
        batches = self._rerun.ChunkBatcherConfig.DEFAULT()
        batches.flush_tick = 1.0
        self._recording = self._rerun.RecordingStream('face_perception', batcher_config=batches)
        self._recording.save(path)
        self._recording.set_log_time_enabled(False)
        self._recording.send_recording_name(name)
        self._dated: bool | None = None
        self._streams: dict[str, Counter] = {}
        self._shown: dict[str, set[str]] = {}
        self._named: set[str] = set()

    def at(self, stamp_ns: int, index: int) -> None:
        """Say of which image the following is: its stamp, and how many came before it."""
        if self._dated is None:
            self._dated = stamp_ns >= EARLIEST_DATE_NS
        kind = (
            {'timestamp': np.datetime64(stamp_ns, 'ns')}
            if self._dated
            else {'duration': np.timedelta64(stamp_ns, 'ns')}
        )
        self._recording.set_time('stamp', **kind)
        self._recording.set_time('frame', sequence=index)

    def image(self, stream: str, image: np.ndarray) -> None:
        """Write a uint8 ``[H, W, 3]`` BGR image, compressed as JPEG."""
        encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
        self._log(
            stream, ['image'], self._rerun.EncodedImage(contents=encoded, media_type='image/jpeg')
        )

    def boxes(self, stream: str, faces: Sequence[Face]) -> None:
        """Write the boxes over the image, with what ``drawing.label`` says."""
        boxes = [(face.box.x, face.box.y, face.box.width, face.box.height) for face in faces]
        self._log(
            stream,
            ['image', 'faces'],
            self._rerun.Boxes2D(
                array=np.array(boxes, np.float32).reshape(-1, 4),
                array_format=self._rerun.Box2DFormat.XYWH,
                labels=[label(face) for face in faces],
                colors=[_rgb(face.emotion.label if face.emotion else '') for face in faces],
            ),
        )

    def emotions(self, stream: str, probabilities: Mapping[str, np.ndarray]) -> None:
        """Write the probabilities in the order of ``EMOTIONS``, per track seen in the image."""
        shown = self._shown.setdefault(stream, set())
        for track_id in sorted(shown - set(probabilities)):
            # The line ends here, instead of going straight to where the face is seen again.
            self._log(stream, ['tracks', track_id], self._rerun.Clear(recursive=False))
        self._shown[stream] = set(probabilities)
        self._streams.setdefault(stream, Counter()).update(probabilities.keys())
        for track_id, values in probabilities.items():
            self._name_series(
                stream, ['tracks', track_id], EMOTIONS, [_rgb(emotion) for emotion in EMOTIONS]
            )
            self._log(stream, ['tracks', track_id], self._rerun.Scalars(values))

    def latency(self, stream: str, seconds: Mapping[str, float]) -> None:
        """Write the seconds per stage; always the same stages."""
        self._name_series(
            stream,
            ['latency'],
            [f'{name} [ms]' for name in seconds],
            [_stage_color(name) for name in seconds],
        )
        self._log(
            stream, ['latency'], self._rerun.Scalars([1e3 * value for value in seconds.values()])
        )

    def file(self, stream: str, name: str) -> None:
        """Write which file an image is from."""
        self._log(stream, ['file'], self._rerun.TextLog(name))

    def close(self) -> Path:
        """Complete the file and return it."""
        self._send_blueprint()
        self._recording.flush()
        self._recording.disconnect()
        return self._path

    def _log(self, stream: str, parts: list[str], what) -> None:
        if stream not in self._streams:
            # Early, so that a file that is not whole opens well too.
            self._streams[stream] = Counter()
            self._send_blueprint()
        self._recording.log(self._entity(stream, *parts), what)

    def _name_series(
        self,
        stream: str,
        parts: list[str],
        names: Sequence[str],
        colors: Sequence[tuple[int, int, int]],
    ) -> None:
        entity = self._entity(stream, *parts)
        if entity not in self._named:
            self._named.add(entity)
            self._recording.log(
                entity, self._rerun.SeriesLines(names=list(names), colors=list(colors)), static=True
            )

    def _entity(self, stream: str, *parts: str) -> str:
        return self._rerun.new_entity_path([*stream.strip('/').split('/'), *parts])

    def _send_blueprint(self) -> None:
        """Say how to lay out what there is: images at the left, plots at the right."""
        views = self._rerun.blueprint
        rows = []
        for stream, tracks in self._streams.items():

            def at(*parts, stream=stream):
                return self._entity(stream, *parts)

            shares = views.ScalarAxis(range=(0.0, 1.0))
            plots = [
                views.TimeSeriesView(
                    origin=at('tracks', track_id), axis_y=shares, name=f'emotions of #{track_id}'
                )
                for track_id, _ in tracks.most_common(PLOTTED_TRACKS)
            ]
            if not plots:
                plots = [views.TimeSeriesView(origin=at('tracks'), axis_y=shares, name='emotions')]
            rows.append(
                views.Horizontal(
                    views.Spatial2DView(origin=at('image'), name=stream),
                    views.Vertical(
                        views.Tabs(*plots, active_tab=0),
                        views.TimeSeriesView(origin=at('latency'), name='latency [ms]'),
                        row_shares=[3, 2],
                    ),
                    column_shares=[3, 2],
                    name=stream,
                )
            )
        layout = (
            rows[0] if len(rows) == 1 else views.Tabs(*rows, active_tab=0) if rows else views.Grid()
        )
        self._recording.send_blueprint(
            views.Blueprint(layout, views.TimePanel(timeline='stamp'), collapse_panels=True)
        )


def _rgb(emotion: str) -> tuple[int, int, int]:
    blue, green, red = COLORS.get(emotion, UNLABELLED)
    return red, green, blue


def _stage_color(name: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(LIGHT.get(name, stage_bars.COLORS[name])[1:])
    return red, green, blue
