"""
Portraits of ``extra_faces.zip`` as crops with boxes: a source that gender was not learned from.

Its 334 pictures of the set ``women_men`` are scenes for the detector; how their file names begin
says who is in them (0 a woman, 1 a man).  The images are copied as they are, each with the
largest face that a person drew::

    python benchmarks/portraits.py extra_faces.zip portraits.zip
    python -m face_perception.training.across_sources GENDER.onnx --data portraits.zip
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import zipfile
from collections import defaultdict
from pathlib import Path, PurePosixPath

from face_perception.console.endings import ended
from face_perception.training.data.face_crops import COLUMNS
from face_perception.training.detection.scenes import annotations_in

EVENT = 'women_men'
LABELS = {'0': 'female', '1': 'male'}


def rows_of(content: dict) -> list[list]:
    """Return the rows of ``index.csv`` for the portraits of ``content``, a list in COCO's form."""
    faces = defaultdict(list)
    for entry in content['annotations']:
        if not entry.get('attributes', {}).get('invalid'):
            faces[entry['image_id']].append(entry['bbox'])
    return [
        [entry['file_name'], label, *max(faces[entry['id']], key=lambda box: box[2] * box[3])]
        for entry in content['images']
        if entry.get('event') == EVENT and faces[entry['id']]
        if (label := LABELS.get(PurePosixPath(entry['file_name']).name.partition('--')[0]))
    ]


def main() -> None:
    """Write the portraits and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('scenes', type=Path, help='extra_faces.zip')
    parser.add_argument('output', type=Path, help='the .zip file to write')
    arguments = parser.parse_args()
    index = io.StringIO()
    with zipfile.ZipFile(arguments.scenes) as scenes:
        rows = rows_of(annotations_in(scenes))
        writer = csv.writer(index)
        writer.writerow([*COLUMNS, 'source'])
        writer.writerows([*row, EVENT] for row in rows)
        with zipfile.ZipFile(arguments.output, 'w') as portraits:
            portraits.writestr('index.csv', index.getvalue())
            for name, *_ in rows:
                portraits.writestr(name, scenes.read(name))
    print(f'{arguments.output}: {len(rows)} portraits')


if __name__ == '__main__':
    sys.exit(ended(main))
