"""
What running nodes see, for a Rerun viewer that is being looked at.

Nothing here grows with time: tracks take turns in a few lanes, and what is sent is dropped by the
viewer when its memory is full.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.timing import STAGES
from ..core.types import EMOTIONS
from .boxes import COLORS, UNLABELLED
from .rerun_writer import import_rerun
from .stage_bars import COLORS as STAGE_COLORS

#: Faces that have a lane of their own at a time.
LANES = 4
#: Seconds of the past that plots show.
SHOWN_S = 30.0
#: Seconds after which a state is said again: what was said before may have been dropped.
REPEAT_S = 10.0
#: Seconds after the first node within which others change the layout; after that somebody may have
#: arranged it.
ARRANGED_S = 15.0
HOW_TO_SEE = "to see it search the viewer's commands for 'Reset to default blueprint'"
#: Blue, green and red of about one lightness, for light and dark pages.
RATES = {'received': (60, 130, 230), 'processed': (70, 170, 60), 'dropped': (230, 60, 60)}
NOBODY, UNNAMED = 'nobody', 'not named'
LEVELS = {'OK': (80, 170, 90), 'WARN': (235, 170, 40), 'ERROR': (220, 70, 60), 'STALE': (140,) * 3}


@dataclass(frozen=True)
class ShownFace:
    """A face: its box (x, y, width, height) in pixels, what is written at it, its emotion."""

    box: tuple[float, float, float, float]
    text: str
    emotion: str
    track_id: str


class LiveWriter:
    """
    Sends to one viewer; a ``stream`` is the name of a node.

    All is put at the time of its arrival, on a clock that nobody sets: a camera's stamps may go
    back, stand still, or be of another clock than those of the camera beside it.
    """

    def __init__(self, connect: Callable, tell: Callable[[str], None] = lambda _: None):
        """
        Write to where ``connect`` lets a new recording go.

        ``tell`` gets a sentence about a node that comes too late to be in the layout.
        """
        self._tell = tell
        self._rerun = import_rerun()
        batches = self._rerun.ChunkBatcherConfig.DEFAULT()
        batches.flush_tick = 0.05
        self._recording = self._rerun.RecordingStream('face_perception', batcher_config=batches)
        self._recording.set_log_time_enabled(False)
        connect(self._recording)
        self._recording.send_recording_name('live')
        self._start = time.time() - time.monotonic()
        self._first = float('nan')
        self._streams: list[str] = []
        self._late: list[str] = []
        self._lanes: dict[str, list[str]] = {}
        self._said: dict[str, tuple[str, float]] = {}

    @classmethod
    def to_viewer(cls, address: str, tell: Callable[[str], None]) -> LiveWriter:
        """Write to the viewer at ``address``, which may begin to listen later."""
        return cls(lambda recording: recording.connect_grpc(address), tell)

    def image(self, stream: str, image: bytes | np.ndarray, faces: Sequence[ShownFace]) -> None:
        """Show an image, a JPEG or uint8 ``[H, W, 3]`` BGR, and the boxes over it."""
        self._now(stream)
        if isinstance(image, bytes):
            shown = self._rerun.EncodedImage(contents=image, media_type='image/jpeg')
        else:
            shown = self._rerun.Image(image, self._rerun.ColorModel.BGR)
        self._recording.log(self._entity(stream, 'image'), shown)
        boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
        colors = [_rgb(face.emotion) for face in faces]
        self._recording.log(
            self._entity(stream, 'image', 'faces'),
            self._rerun.Boxes2D(
                array=boxes, array_format=self._rerun.Box2DFormat.XYWH, colors=colors
            ),
        )
        # At points: the text of a box would be broken into lines that are as wide as the box.
        self._recording.log(
            self._entity(stream, 'image', 'labels'),
            self._rerun.Points2D(
                boxes[:, :2] + boxes[:, 2:] * (0.5, 1),
                radii=0,
                labels=[face.text for face in faces],
                show_labels=True,
                colors=colors,
            ),
        )

    def emotions(self, stream: str, faces: Sequence[ShownFace]) -> None:
        """Show the emotions over time, a lane per face that is followed."""
        self._now(stream)
        present = {face.track_id: face for face in faces if face.track_id}
        lanes = self._lanes[stream]
        for lane, track_id in enumerate(lanes):
            if track_id not in present:
                lanes[lane] = ''
        for track_id in present:
            if track_id not in lanes and '' in lanes:
                lanes[lanes.index('')] = track_id
        for lane, track_id in enumerate(lanes, 1):
            state = (present[track_id].emotion or UNNAMED) if track_id else NOBODY
            self._say(self._entity(stream, 'emotions', f'face_{lane}'), state)

    def latency(self, stream: str, seconds: Mapping[str, float]) -> None:
        """Show the stages one upon the other: each line is the sum of all up to its own."""
        self._now(stream)
        sums = np.cumsum([1e3 * max(seconds[name], 0.0) for name in STAGES])
        self._recording.log(self._entity(stream, 'latency'), self._rerun.Scalars(sums))

    def rates(self, stream: str, values: Sequence[float]) -> None:
        """Show images per second: received, processed, dropped."""
        self._now(stream)
        self._recording.log(self._entity(stream, 'rates'), self._rerun.Scalars(values))

    def diagnostics(self, stream: str, level: str, message: str, values: Mapping[str, str]) -> None:
        """Show the node's state over time, and in words."""
        self._now(stream)
        self._say(self._entity(stream, 'state'), level)
        rows = ''.join(f'| {_cell(key)} | {_cell(value)} |\n' for key, value in values.items())
        heading = f'**{level}: {_cell(message)}**\n\n{self._newcomers()}'
        text = f'{heading}| what | value |\n|---|---|\n{rows}'
        self._recording.log(
            self._entity(stream, 'diagnostics'),
            self._rerun.TextDocument(text, media_type='text/markdown'),
        )

    def close(self) -> None:
        """Send what is left."""
        self._recording.disconnect()

    def _say(self, entity: str, state: str) -> None:
        now = time.monotonic()
        former, when = self._said.get(entity, ('', 0.0))
        if state != former or now - when > REPEAT_S:
            self._said[entity] = (state, now)
            self._recording.log(entity, self._rerun.StateChange(state=[state]))

    def _now(self, stream: str) -> None:
        if stream not in self._streams:
            self._begin(stream)
        self._recording.set_time('time', timestamp=self._start + time.monotonic())

    def _begin(self, stream: str) -> None:
        self._streams.append(stream)
        self._lanes[stream] = [''] * LANES
        rerun = self._rerun
        for lane in range(1, LANES + 1):
            self._recording.log(
                self._entity(stream, 'emotions', f'face_{lane}'),
                rerun.StateConfiguration(
                    values=[*EMOTIONS, UNNAMED, NOBODY],
                    colors=[*map(_rgb, EMOTIONS), _rgb(''), (40, 40, 40)],
                    visible=[True] * (len(EMOTIONS) + 1) + [False],
                ),
                static=True,
            )
        self._recording.log(
            self._entity(stream, 'state'),
            rerun.StateConfiguration(values=list(LEVELS), colors=list(LEVELS.values())),
            static=True,
        )
        names = [STAGES[0], *(f'+ {name}' for name in STAGES[1:])]
        colors = [tuple(bytes.fromhex(STAGE_COLORS[name][1:])) for name in STAGES]
        self._recording.log(
            self._entity(stream, 'latency'),
            rerun.SeriesLines(names=names, colors=colors),
            static=True,
        )
        self._recording.log(
            self._entity(stream, 'rates'),
            rerun.SeriesLines(names=list(RATES), colors=list(RATES.values())),
            static=True,
        )
        now = time.monotonic()
        if len(self._streams) == 1:
            self._first = now
        in_time = now - self._first < ARRANGED_S
        self._recording.send_blueprint(self._layout(), make_active=in_time)
        if not in_time:
            self._late.append(stream)
            self._tell(f'{stream} is new: {HOW_TO_SEE}')

    def _newcomers(self) -> str:
        """Return which nodes came too late to be in the layout, as Markdown."""
        return f'New: {_cell(", ".join(self._late))}; {HOW_TO_SEE}.\n\n' if self._late else ''

    def _entity(self, stream: str, *parts: str) -> str:
        return self._rerun.new_entity_path([*stream.strip('/').split('/'), *parts])

    def _layout(self):
        """Return a tab per stream: image and emotions at the left, the rest at the right."""
        views = self._rerun.blueprint
        edge = self._rerun.TimeRangeBoundary
        shown = [
            views.VisibleTimeRange(
                'time',
                start=edge.cursor_relative(seconds=-SHOWN_S),
                end=edge.cursor_relative(),
            )
        ]

        def tab(stream: str):
            def at(*parts: str) -> str:
                return self._entity(stream, *parts)

            left = views.Vertical(
                views.Spatial2DView(origin=at('image'), name=stream),
                views.StateTimelineView(origin=at('emotions'), name='emotions', time_ranges=shown),
                row_shares=[3, 2],
            )
            right = views.Vertical(
                views.TimeSeriesView(
                    origin=at('latency'), name='latency, stage upon stage [ms]', time_ranges=shown
                ),
                views.TimeSeriesView(
                    origin=at('rates'), name='images per second', time_ranges=shown
                ),
                views.StateTimelineView(origin=at('state'), name='state', time_ranges=shown),
                views.TextDocumentView(origin=at('diagnostics'), name='diagnostics'),
                row_shares=[3, 2, 2, 4],
            )
            return views.Horizontal(left, right, column_shares=[3, 2], name=stream)

        tabs = [tab(stream) for stream in self._streams]
        return views.Blueprint(
            tabs[0] if len(tabs) == 1 else views.Tabs(*tabs, active_tab=0),
            views.TimePanel(timeline='time', play_state='following', state='collapsed'),
            views.SelectionPanel(state='hidden'),
            views.BlueprintPanel(state='hidden'),
            auto_layout=False,
            auto_views=False,
        )


def _rgb(emotion: str) -> tuple[int, int, int]:
    blue, green, red = COLORS.get(emotion, UNLABELLED)
    return red, green, blue


def _cell(text: str) -> str:
    """Return a text that Markdown leaves as it is."""
    return ''.join(f'\\{letter}' if letter in r'\`*_[]<>|#!' else letter for letter in text)
