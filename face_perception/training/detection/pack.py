"""
Make scenes small enough to be carried to another machine.

``python -m face_perception.training.detection.pack DATA OUTPUT``: each file of scenes in the folder
``DATA`` is written to ``OUTPUT`` with smaller images, boxes scaled alike, all else as it was.  That
is also their names, whatever these end in: which scenes a recipe keeps back is drawn by name.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import cv2
from rich.markup import escape
from rich.progress import track

from ...console.endings import exit_status
from ...core.errors import ImageError
from ...media.images.decode import decode_image
from ..data import DatasetError, face_crops
from ..data.faults import Faults, MalformedError
from ..options import whole_number
from .scenes import ANNOTATIONS, UNREADABLE, annotations_in, boxes_of, is_scenes, reason


def pack(source: Path, output: Path, long_side: int, quality: int) -> int:
    """
    Write the file of scenes ``source`` to ``output`` and return its size in bytes.

    Images get at most ``long_side`` pixels, as WebP of ``quality`` 1..100; boxes are scaled with
    them.  Images that cannot be decoded, or have a box without an area, are left out with their
    boxes, and named and counted in warnings.  Raises ``DatasetError`` when ``source`` cannot be
    read.
    """
    aside = output.with_name(output.name + '.part')
    faults = Faults(source, 'skip')
    try:
        with zipfile.ZipFile(source) as read, zipfile.ZipFile(aside, 'w') as write:
            content = annotations_in(read)
            scales, images, boxes = {}, [], defaultdict(list)
            for face in content['annotations']:
                boxes[face['image_id']].append(face)
            for entry in track(content['images'], escape(source.name)):
                try:
                    boxes_of(boxes[entry['id']])
                    image = decode_image(read.read(entry['file_name']))
                except (ImageError, MalformedError) as error:
                    faults.report(entry['file_name'], error)
                    continue
                height, width = image.shape[:2]
                scale = min(1.0, long_side / max(height, width))
                size = max(1, round(width * scale)), max(1, round(height * scale))
                small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                coded = cv2.imencode('.webp', small, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
                write.writestr(entry['file_name'], coded.tobytes())
                scales[entry['id']] = size[0] / width, size[1] / height
                sides = {'width': size[0], 'height': size[1]}
                images.append({**entry, **sides})
            faces = [
                {**face, 'bbox': _scaled(face['bbox'], scales[face['image_id']])}
                for face in content['annotations']
                if face['image_id'] in scales
            ]
            text = json.dumps({**content, 'images': images, 'annotations': faces})
            write.writestr(ANNOTATIONS, text, zipfile.ZIP_DEFLATED)
        aside.replace(output)
        faults.summarise()
    except OSError:  # of the disk: it says of which file
        raise
    except UNREADABLE as error:
        raise DatasetError(f'{source} cannot be read as scenes: {reason(error)}') from error
    finally:
        aside.unlink(missing_ok=True)
    return output.stat().st_size


def _scaled(box: list[float], scale: tuple[float, float]) -> list[float]:
    """Return x, y, width, height ``box`` in pixels of the smaller image, with an area."""
    x, y, width, height = (side * scale[number % 2] for number, side in enumerate(box))
    return [round(x, 2), round(y, 2), max(round(width, 2), 0.01), max(round(height, 2), 0.01)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m face_perception.training.detection.pack',
        description='Make scenes small enough to be carried to another machine.',
    )
    parser.add_argument('data', type=Path, help='folder with files of scenes')
    parser.add_argument('output', type=Path, help='folder for the smaller ones')
    parser.add_argument(
        '--long-side', type=whole_number(32, 10_000), default=384, help='of the images, in pixels'
    )
    parser.add_argument(
        '--quality', type=whole_number(1, 100), default=60, help='of the WebP images, 1 to 100'
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace) -> int:
    """Pack every file; returns the exit status."""
    sources = [path for path in sorted(arguments.data.glob('*.zip')) if is_scenes(path)]
    if not sources:
        raise DatasetError(f'{arguments.data} holds no .zip with annotations.json and images')
    if arguments.output.resolve() == arguments.data.resolve():
        raise DatasetError('give another folder as output: the files would replace themselves')
    arguments.output.mkdir(parents=True, exist_ok=True)
    total = 0
    for source in sources:
        size = pack(source, arguments.output / source.name, arguments.long_side, arguments.quality)
        total += size
        print(f'{source.name}: {source.stat().st_size / 1e6:.1f} MB to {size / 1e6:.1f} MB')
    print(f'together {total / 1e6:.1f} MB')
    for path in sorted(set(arguments.data.glob('*.zip')) - set(sources)):
        if face_crops.find(path) is not None:  # they are small already
            print(f'{path.name}: crops, which a recipe with paste uses: copy it there as it is')
    return 0


def main() -> int:
    """Run the command line; returns the exit status."""
    return exit_status(run, _arguments())


if __name__ == '__main__':
    sys.exit(main())
