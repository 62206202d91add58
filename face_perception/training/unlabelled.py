"""
Gather faces of other data sets, without labels, for a teacher to be asked about.

``python -m face_perception.training.unlabelled DATA [DATA ...] --task gender --output faces.zip``
takes the training images of the data sets of one task, and writes the faces that the detector
finds as crops with boxes whose label is unknown: further images to learn from, for the network
of another task that has a teacher (see ``data.face_crops``).
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2

from ..console.endings import exit_status
from ..core.types import Box
from .across_sources import found_boxes
from .checkpoints import write_atomically
from .data import Sample
from .data.datasets import DatasetError
from .data.entries import TRAIN
from .data.face_crops import COLUMNS, UNKNOWN_LABEL
from .data.indexed import INDEX
from .data.tasks import load_samples
from .options import add_malformed, whole_number
from .recipe import LABELS
from .robustness import near_face


def gather(task: str, data: Sequence[str], output: Path, side: int, malformed: str = 'stop') -> int:
    """
    Write the faces of the training images of ``data`` to ``output``, and return how many.

    The longer side of a face is at most ``side`` pixels there.  Raises ``DatasetError`` where the
    data cannot be read or written, or no face is found.
    """
    samples = load_samples(task, data, margin=0.0, split=TRAIN, malformed=malformed)
    found = zip(samples, found_boxes(samples, 'onnx'), strict=True)
    faces = [(near_face(sample), box) for sample, box in found if box is not None]
    if not faces:
        raise DatasetError(f'no face is found in {", ".join(map(str, data))}')
    try:
        write_atomically(output, _archive(faces, side))
    except OSError as error:
        raise DatasetError(f'{output} cannot be written: {error}') from error
    return len(faces)


def _archive(faces: Iterable[tuple[Sample, Box]], side: int) -> bytes:
    content, index = io.BytesIO(), io.StringIO()
    rows = csv.writer(index)
    rows.writerow([*COLUMNS, 'source'])
    with zipfile.ZipFile(content, 'w') as archive:
        for number, (sample, box) in enumerate(faces):
            zoom = min(1.0, side / max(box.width, box.height))
            image = cv2.resize(sample.image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            name = f'images/{number:06d}.png'
            archive.writestr(name, cv2.imencode('.png', image)[1].tobytes())
            place = [round(zoom * value, 2) for value in (box.x, box.y, box.width, box.height)]
            rows.writerow([name, UNKNOWN_LABEL, *place, f'{sample.source}_unlabelled'])
        archive.writestr(INDEX, index.getvalue())
    return content.getvalue()


def run(arguments: argparse.Namespace) -> None:
    """Gather the faces and say how many there are."""
    count = gather(
        arguments.task, arguments.data, arguments.output, arguments.side, arguments.malformed
    )
    print(f'{arguments.output}: {count} faces')


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.unlabelled',
        description='Gather faces of other data sets, without labels, for a teacher.',
    )
    parser.add_argument('data', nargs='+', help='files or folders with data sets')
    parser.add_argument('--task', choices=tuple(LABELS), required=True, help='what they are of')
    parser.add_argument('--output', type=Path, required=True, help='the .zip file to write')
    parser.add_argument(
        '--side', type=whole_number(16, 1024), default=72, help='pixels of a face at most'
    )
    add_malformed(parser)
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
