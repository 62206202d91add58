"""Who was seen when: the middle of a summary."""

from __future__ import annotations

import numpy as np

from ....visuals.boxes import COLORS
from ....visuals.page import GRAY, LEFT, RIGHT, WIDTH, Page, counted, shorter, time_label
from .totals import LABELS, InputSummary, TrackSummary

#: Rows of tracks that a summary has at most; height of each in inches.
MOST_ROWS, ROW = 12, 0.62
#: Thumbnails per row, where faces are not followed.
THUMBNAILS_PER_ROW = 16
#: Side of a thumbnail and width of what stands left of the bars, in inches.
SIDE, TEXT_WIDTH = 0.54, 3.0
#: Breaks up to so many times the time between two images are no breaks.
LONGEST_BREAK = 3.0
#: Steps of the time axis of long inputs, in seconds.
TICKS = (15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


def emotion_colors() -> dict[str, tuple[float, float, float]]:
    """Return the colours of the labels, RGB 0..1: as in annotated images, darker on white."""
    colors = {
        emotion: (red / 255, green / 255, blue / 255)
        for emotion, (blue, green, red) in COLORS.items()
    }
    return {**colors, 'neutral': (0.70, 0.70, 0.70), '': (0.87, 0.87, 0.87)}


def rows_height(summary: InputSummary) -> float:
    """Return the height in inches that this part of the summary takes."""
    if summary.tracks:
        return 0.35 + ROW * min(len(summary.tracks), MOST_ROWS) + 0.65
    rows = -(-len(summary.thumbnails) // THUMBNAILS_PER_ROW)
    return 0.3 + (1.75 if summary.faces else 0.3) + rows * (SIDE + 0.12)


def draw_tracks(page: Page, top: float, summary: InputSummary, colors) -> None:
    """Draw a row per track: the face, what is known of it, and its emotions over time."""
    tracks = sorted(summary.tracks.values(), key=lambda track: -track.images)[:MOST_ROWS]
    tracks.sort(key=lambda track: (track.first, track.stream, track.id))
    title = 'Who was seen when'
    if summary.tracks_seen > len(tracks):
        title += (
            f': the {len(tracks)} longest of {summary.tracks_seen} tracks '
            f'({summary.tracks_seen - len(tracks)} shorter ones are left out)'
        )
    page.write(top, LEFT, title, 11, weight='bold')
    axes = page.axes(
        top + 0.35, LEFT + TEXT_WIDTH, ROW * len(tracks), WIDTH - LEFT - RIGHT - TEXT_WIDTH
    )
    end = end_of(summary)
    for row, track in enumerate(tracks):
        y = top + 0.35 + ROW * row
        if track.thumbnail is not None:
            _draw_thumbnail(page, y + (ROW - SIDE) / 2, LEFT, track.thumbnail)
        _describe(page, y, summary, track)
        axes.axhspan(row - 0.36, row + 0.36, color='#F4F4F4', linewidth=0)
        for start, length, label in runs(summary, track, end):
            axes.broken_barh(
                [(start, length)], (row - 0.36, 0.72), color=colors[label], linewidth=0
            )
    axes.set_ylim(len(tracks) - 0.5, -0.5)
    axes.set_yticks([])
    style_time(axes, summary, end)
    axes.spines['left'].set_visible(False)


def runs(summary: InputSummary, track: TrackSummary, end: float) -> list[tuple]:
    """Return (start, length, label) of each stretch with the same most frequent label."""
    width = summary.bins.width
    period = max(end / max(summary.streams[track.stream], 1), width)
    stretches: list[list] = []
    for index in sorted(track.labels):
        label = LABELS[int(track.labels[index].argmax())]
        start, stop = index * width, index * width + period
        if stretches and start - stretches[-1][1] <= (LONGEST_BREAK - 1) * period:
            stretches[-1][1] = start  # up to here nothing else was seen
            if label == stretches[-1][2]:
                stretches[-1][1] = stop
                continue
        stretches.append([start, stop, label])
    return [(start, min(stop, end) - start, label) for start, stop, label in stretches]


def _describe(page: Page, y: float, summary: InputSummary, track: TrackSummary) -> None:
    left = LEFT + SIDE + 0.12
    if summary.stills or track.last == track.first:
        length = counted(track.images, 'image' if summary.stills else 'frame')
    else:
        length = time_label(track.last - track.first)
    stream = f'  {shorter(track.stream, 22)}' if len(summary.streams) > 1 else ''
    labels = []
    for counts in (track.emotions, track.genders):
        for label, count in counts.most_common(1):
            labels.append(f'{label} {count / track.images:.0%}')
    page.write(y + 0.08, left, f'#{shorter(track.id, 12)}{stream}', 10, weight='bold')
    page.write(y + 0.32, left, ', '.join([*labels, length]), 9, color=GRAY)


def draw_faces_per_image(page: Page, top: float, summary: InputSummary, colors) -> None:
    """Draw how many faces were seen over time, by emotion, and some of them."""
    if not summary.faces:
        page.write(top, LEFT, 'No face was seen in this input.', 12, color=GRAY)
        return
    what = 'image' if summary.stills else 'frame'
    page.write(top, LEFT, f'Faces per {what}', 11, weight='bold')
    axes = page.axes(top + 0.3, LEFT + 0.55, 0.95, WIDTH - LEFT - RIGHT - 0.55)
    bins = np.flatnonzero(summary.images)
    width = summary.bins.width
    if not summary.stills:
        width = max(width, end_of(summary) / max(summary.streams.values()))
    base = np.zeros(len(bins))
    for column, label in enumerate(LABELS):
        values = summary.labels[bins, column] / summary.images[bins]
        axes.bar(
            bins * summary.bins.width,
            values,
            width,
            base,
            align='edge',
            color=colors[label],
            linewidth=0,
        )
        base += values
    axes.set_ylim(0, max(1.05 * base.max(), 1))
    axes.set_ylabel('faces')
    style_time(axes, summary, end_of(summary))
    for index, image in enumerate(summary.thumbnails):
        row, column = divmod(index, THUMBNAILS_PER_ROW)
        _draw_thumbnail(
            page, top + 1.85 + row * (SIDE + 0.12), LEFT + 0.55 + column * (SIDE + 0.12), image
        )


def _draw_thumbnail(page: Page, top: float, left: float, image: np.ndarray) -> None:
    axes = page.axes(top, left, SIDE, SIDE)
    axes.imshow(image, interpolation='lanczos')
    axes.set_axis_off()


def end_of(summary: InputSummary) -> float:
    """Return where the time axis ends: one frame after the last one began."""
    if summary.stills:
        return summary.frames
    longest = max(summary.streams.values())
    return summary.end + (summary.end / (longest - 1) if longest > 1 and summary.end else 0.1)


def style_time(axes, summary: InputSummary, end: float) -> None:
    """Give axes the input's time as their x."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

    axes.set_xlim(0, end)
    if summary.stills:
        axes.set_xlabel('image')
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif end >= 100:
        axes.set_xlabel('time [min:s]')
        step = next((step for step in TICKS if end / step <= 8), end / 8)
        axes.xaxis.set_major_locator(MultipleLocator(step))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda seconds, _: f'{int(seconds) // 60}:{int(seconds) % 60:02d}')
        )
    else:
        axes.set_xlabel('time [s]')
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
