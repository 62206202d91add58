"""Annotated videos: speed, memory and workers, against the original demo's way.  See README.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
from crowds import crowd
from machine import describe
from pipeline import OriginalWay
from rich.console import Console
from rich.progress import track
from timing import show
from usage import resident_megabytes

from face_perception import FacePipeline
from face_perception.console.endings import ended
from face_perception.core.types import Box, Face
from face_perception.visuals.boxes import annotate

RATE, SIZE = 30.0, (640, 480)
#: Options that change the speed; with the last one process has to reach so many times real time.
MORE = (
    ('--detector-max-rate', '0'),
    ('--threads', '2'),
    ('--detector-max-rate', '15'),
    ('--detector-max-rate', '10'),
)
TARGET_SPEED = 12.0
#: Seconds between two looks at a process's memory.
MEMORY_PERIOD_S = 0.5


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=60.0, help='length of a video')
    parser.add_argument(
        '--long-seconds',
        type=float,
        default=600.0,
        help='length of the video whose memory is watched; 0 leaves it out',
    )
    parser.add_argument('--faces', type=int, default=1, choices=(1, 4, 8))
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('benchmarks_output'),
        metavar='DIR',
        help='where offline.json is written',
    )
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix='face_perception_'))
    try:
        results = measure(folder, arguments)
    finally:
        shutil.rmtree(folder)
    written = {'machine': describe(), 'faces': arguments.faces, **results}
    (arguments.output / 'offline.json').write_text(json.dumps(written, indent=1) + '\n')


def measure(folder: Path, arguments: argparse.Namespace) -> dict:
    """Measure everything and print the tables."""
    clips = [folder / f'clip_{number}.mp4' for number in range(4)]
    write_video(clips[0], arguments.seconds, arguments.faces)
    for clip in clips[1:]:
        shutil.copy(clips[0], clip)
    seconds = arguments.seconds
    times = {
        'original way: faces, labels, video': original_way(clips[0], folder / 'original.mp4'),
        'annotate: video': annotated(folder, clips[:1], ['video'])[0],
        'annotate: table': annotated(folder, clips[:1], ['table'])[0],
        'annotate: table, video, summary': annotated(
            folder, clips[:1], ['table', 'video', 'summary']
        )[0],
        **{
            f'annotate: table, video; {" ".join(more)}': annotated(
                folder, clips[:1], ['table', 'video'], *more
            )[0]
            for more in MORE
        },
    }
    first = next(iter(times.values()))
    show(
        f'{seconds:g} s of video, {SIZE[0]}x{SIZE[1]}, {RATE:g} Hz, {arguments.faces} face(s); '
        'with the start of the process',
        ['way', 's', 'times real time', 'times the original way'],
        [
            [name, f'{value:.1f}', f'{seconds / value:.1f}', f'{first / value:.1f}']
            for name, value in times.items()
        ],
    )
    speed = seconds / times[f'annotate: table, video; {" ".join(MORE[-1])}']
    print(f'Target: {TARGET_SPEED:g} times real time at the last setting; measured {speed:.1f}')
    workers = {
        count: annotated(folder, clips, ['table', 'video'], '--workers', str(count))[0]
        for count in (1, 2)
    }
    show(
        'Four such videos',
        ['workers', 's', 'speed-up'],
        [
            [str(count), f'{value:.1f}', f'{workers[1] / value:.2f}']
            for count, value in workers.items()
        ],
    )
    results = {'seconds': seconds, 'times_s': times, 'workers_s': workers}
    if arguments.long_seconds:
        long = folder / 'long.mp4'
        write_video(long, arguments.long_seconds, arguments.faces)
        taken, memory = annotated(folder, [long], ['table', 'video', 'summary'])
        parts = {
            f'{share:.0%}': memory[int(share * (len(memory) - 1))]
            for share in (0.1, 0.25, 0.5, 0.75, 0.95)
        }
        show(
            f'Memory over {arguments.long_seconds:g} s of video, which took {taken:.0f} s',
            ['after', *parts, 'most'],
            [['RSS in MB', *(f'{value:.0f}' for value in parts.values()), f'{max(memory):.0f}']],
        )
        results |= {'long_s': taken, 'long_memory_mb': parts, 'long_most_mb': max(memory)}
    return results


def write_video(path: Path, seconds: float, faces: int) -> None:
    """Write a video in which a group of people moves to and fro."""
    image, _ = crowd(faces, SIZE[0] + 64, SIZE[1])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), RATE, SIZE)
    for number in track(
        range(round(seconds * RATE)),
        f'making {path.name}',
        transient=True,
        console=Console(stderr=True),
    ):
        left = abs(number % 128 - 64)
        writer.write(image[:, left : left + SIZE[0]])
    writer.release()


def original_way(source: Path, target: Path) -> float:
    """Read, look, draw and write as the original demo does; return the seconds it took."""
    started = time.perf_counter()
    pipeline = FacePipeline.load()
    way = OriginalWay(pipeline)
    capture = cv2.VideoCapture(str(source))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*'mp4v'), RATE, SIZE)
    while True:
        readable, image = capture.read()
        if not readable:
            break
        labels = way(image)
        # What it would write: a box and a label for each face, wherever that is.
        writer.write(annotate(image, [Face(Box(9, 9, 99, 99), 1.0)] * len(labels)))
    writer.release()
    capture.release()
    return time.perf_counter() - started


def annotated(
    folder: Path, inputs: list[Path], outputs: list[str], *more: str
) -> tuple[float, list[float]]:
    """Run the command as a user does; return its seconds, and its memory in MB over time."""
    results = folder / 'results'
    shutil.rmtree(results, ignore_errors=True)
    command = [
        sys.executable,
        '-c',
        'import sys; from face_perception.cli import annotate; sys.exit(annotate())',
        *map(str, inputs),
        '--output',
        str(results),
        '--outputs',
        *outputs,
        *more,
    ]
    memory: list[float] = []
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder
    )
    watch = threading.Thread(target=watch_memory, args=(process, memory), daemon=True)
    watch.start()
    said, _ = process.communicate()
    taken = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f'{" ".join(command)} failed:{os.linesep}{said.decode()}')
    watch.join()
    return taken, memory


def watch_memory(process: subprocess.Popen, memory: list[float]) -> None:
    """Note the process's memory until it ends."""
    while process.poll() is None:
        try:
            memory.append(resident_megabytes(process.pid))
        except (OSError, ProcessLookupError):
            return
        time.sleep(MEMORY_PERIOD_S)


if __name__ == '__main__':
    sys.exit(ended(main))
