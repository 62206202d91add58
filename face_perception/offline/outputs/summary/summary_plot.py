"""
The drawing of a summary.

Matplotlib is loaded on the first call.  No pyplot: nothing global is touched, and no display is
looked for.
"""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from ....core.timing import OFFLINE_STAGES
from ....core.types import EMOTIONS, GENDERS
from ....visuals import stage_bars
from ....visuals.page import GRAY, LEFT, RIGHT, WIDTH, Page, counted, shorter, time_label
from .totals import InputSummary
from .track_rows import (
    draw_faces_per_image,
    draw_tracks,
    emotion_colors,
    end_of,
    rows_height,
    style_time,
)

DPI = 110
#: Of the percentiles at the right of the latency.
STAGES_WIDTH = 4.3
#: Longer names of inputs are cut in the middle.
LONGEST_NAME = 80
GENDER_COLORS = {'female': '#CC79A7', 'male': '#0072B2'}


def draw_summary(summary: InputSummary, path: Path) -> None:
    """Draw a summary of at least one frame into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = rows_height(summary)
    top = 3.65 if summary.faces else 1.5
    height = top + rows + 3.3
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    FigureCanvasAgg(figure)
    page = Page(figure, height)
    _write_head(page, summary)
    if summary.faces:
        _draw_shares(
            page.axes(1.55, 1.2, 1.45, 3.0),
            'Expressions',
            summary.emotions,
            EMOTIONS,
            emotion_colors(),
            summary.faces,
        )
        _write_note(page, summary)
    if summary.genders:
        _draw_shares(
            page.axes(1.55, 6.1, 0.42, 2.0),
            'Gender',
            summary.genders,
            GENDERS,
            GENDER_COLORS,
            summary.faces,
        )
    if summary.tracks:
        draw_tracks(page, top, summary, emotion_colors())
    else:
        draw_faces_per_image(page, top, summary, emotion_colors())
    _draw_latency(page, top + rows + 0.35, summary)
    with warnings.catch_warnings():
        # A name may have characters that the font has not: it shows boxes for them.
        warnings.filterwarnings('ignore', message='Glyph .* missing')
        figure.savefig(path)


def _write_head(page: Page, summary: InputSummary) -> None:
    page.write(0.28, LEFT, shorter(summary.name, LONGEST_NAME), 17, weight='bold')
    sizes = [f'{width}x{height}' for width, height in sorted(summary.sizes)]
    what = 'image' if summary.stills else 'frame'
    parts = [counted(summary.frames, what)]
    if not summary.stills and summary.end:
        parts.append(time_label(end_of(summary)))
    parts.append(sizes[0] + ' pixels' if len(sizes) == 1 else 'of several sizes')
    if len(summary.streams) > 1:
        parts.append(f'{len(summary.streams)} topics')
    seen = (
        f'{counted(summary.faces, "face")} in {counted(summary.frames_with_faces, what)}, '
        f'at most {summary.most_faces} at once'
        if summary.faces
        else 'no face was seen'
    )
    if summary.tracks_seen:
        seen += f', {counted(summary.tracks_seen, "track")}'
    page.write(0.66, LEFT, ', '.join(parts), 11)
    page.write(
        0.90,
        LEFT,
        seen
        + (f'; shown faces are anonymised ({summary.anonymized})' if summary.anonymized else ''),
        11,
    )


def _draw_shares(axes, title: str, counts: Counter, labels, colors, faces: int) -> None:
    """Draw the share of each label, which is the legend of the colours too."""
    total = sum(counts.values())
    values = [counts[label] / max(total, 1) for label in labels]
    positions = range(len(labels))
    unit = max(*values, 0.25)  # the longest bar, or a quarter
    axes.barh(positions, values, color=[colors[label] for label in labels], height=0.75)
    axes.barh(
        positions,
        [-0.045 * unit] * len(labels),
        left=-0.015 * unit,
        height=0.75,
        color=[colors[label] for label in labels],
        clip_on=False,
    )
    for position, value, label in zip(positions, values, labels):
        text = f'{value:.0%}' if value >= 0.01 or not counts[label] else '<1%'
        axes.text(value + 0.015 * unit, position, text, va='center', fontsize=9)
    axes.set_yticks(positions, labels, fontsize=10)
    axes.tick_params(axis='y', length=0, pad=17)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * unit)
    note = '' if total == faces else f' of the {total:,} faces with a label'
    axes.set_title(title + note, fontsize=11, loc='left', weight='bold')
    for side in axes.spines.values():
        side.set_visible(False)


def _write_note(page: Page, summary: InputSummary) -> None:
    lines = ['Expressions are as a network perceives them, not what people feel.']
    if summary.tracks:
        lines += [
            'Shares count every face of every frame: who stays longer counts more.',
            'A track is one face that is followed; a person who leaves the view',
            'and comes back is a new track.',
        ]
    page.write(
        2.45 if summary.genders else 1.6,
        6.1 - 0.75,
        '\n'.join(lines),
        9,
        color=GRAY,
        linespacing=1.5,
    )


def _draw_latency(page: Page, top: float, summary: InputSummary) -> None:
    width = WIDTH - LEFT - RIGHT - 0.55 - STAGES_WIDTH - 0.3
    axes = page.axes(top + 0.1, LEFT + 0.55, 1.95, width)
    shared = (summary.images > 1).any()
    step = f'{summary.bins.width:.2g}' + ('' if summary.stills else ' s')
    what = 'image' if summary.stills else 'frame'
    axes.set_title(
        f'Time per {what}' + (f' (means of {step})' if shared else ''),
        fontsize=11,
        loc='left',
        weight='bold',
    )
    bins = np.flatnonzero(summary.images)
    edges = bins * summary.bins.width
    means = 1e3 * summary.seconds[bins] / summary.images[bins, None]
    slowest = 1e3 * summary.slowest[bins]
    # Each bin is a step to the next one.
    edges = np.append(edges, max(end_of(summary), edges[-1] + summary.bins.width))
    means, slowest = np.vstack([means, means[-1]]), np.append(slowest, slowest[-1])
    names = [stage_bars.NAMES.get(name, name) for name in OFFLINE_STAGES]
    axes.stackplot(
        edges,
        means.T,
        step='post',
        labels=names,
        linewidth=0,
        colors=[stage_bars.COLORS[name] for name in OFFLINE_STAGES],
    )
    if shared:
        axes.step(
            edges, slowest, where='post', color='#444444', linewidth=0.8, label=f'slowest {what}'
        )
    # One slow frame must not flatten all others.
    high = max(1.3 * float(np.percentile(slowest, 98)), 1e-3)
    beyond = slowest[:-1].max()
    axes.set_ylim(0, high)
    if beyond > high:
        axes.set_title(f'beyond the top: up to {beyond:.0f} ms', fontsize=9, loc='right')
    style_time(axes, summary, edges[-1])
    axes.set_ylabel('milliseconds')
    axes.legend(
        loc='upper center',
        bbox_to_anchor=(0.5, -0.27),
        ncol=5,  # what Matplotlib before 3.6 calls it; later ones know both names
        frameon=False,
        fontsize=9,
        handlelength=1.2,
        columnspacing=1.2,
    )
    stages = page.axes(top + 0.1, WIDTH - RIGHT - STAGES_WIDTH + 0.7, 1.95, STAGES_WIDTH - 0.7)
    stage_bars.plot_stages(
        stages,
        {
            name: [1e3 * value for value in measured.seconds(50, 95, 99)]
            for name, measured in summary.percentiles.items()
        },
    )
    stages.set_title('Median and 95th percentile', fontsize=11, loc='left', weight='bold')
    stages.set_xlabel('milliseconds; the numbers are p50 | p95 | p99')
    stages.set_xlim(0, 1.3 * stages.get_xlim()[1])
