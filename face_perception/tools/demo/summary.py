"""What a monitor saw, in a few lines of text."""

from __future__ import annotations

from pathlib import Path

from ...core.timing import STAGES, SUMS
from .monitor import Statistics


def summary(statistics: Statistics, written: list[Path]) -> str:
    """Return what was seen, in a few lines."""
    share = statistics.frames_processed / max(statistics.frames_received, 1)
    tracks = f', {len(statistics.track_ids)} tracks' if statistics.track_ids else ''
    emotions = ', '.join(
        f'{name} {count / max(statistics.faces, 1):.0%}'
        for name, count in statistics.emotions.most_common(3)
    )
    lines = [
        f'images   {statistics.frames_received} received, {statistics.frames_processed} with a '
        f'result ({share:.1%}), {statistics.frames_dropped} dropped',
        f'faces    {statistics.faces} in {statistics.results_with_faces} of {statistics.results} '
        f'results, at most {statistics.most_faces} at once{tracks}',
        f'emotion  {emotions or "-"}',
        f'rate     {statistics.rate:.1f} results per second',
        'latency  ' + 'p50'.rjust(16) + 'p95'.rjust(10),
    ]
    for name in (*STAGES, *SUMS):
        p50, p95 = statistics.percentiles(name, 50, 95)
        lines.append(f'  {name:<12}{p50:8.1f} ms{p95:7.1f} ms')
    lines.append('written  ' + ', '.join(str(path) for path in written))
    return '\n'.join(lines)
