"""In how many images of videos each detector finds faces.  See README.md beside."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from timing import show

from face_perception.console.endings import ended
from face_perception.core.detectors import HaarDetector, OnnxDetector
from face_perception.core.errors import DetectorError
from face_perception.training.detection.measure import CONDITIONS


def images(path: Path, every: int) -> Iterator[np.ndarray]:
    """Yield every ``every``-th image of the video at ``path``."""
    capture = cv2.VideoCapture(str(path))
    number = 0
    while True:
        read, image = capture.read()
        if not read:
            break
        if number % every == 0:
            yield image
        number += 1
    if number == 0:
        raise SystemExit(f'{path} cannot be read as a video')


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('videos', type=Path, nargs='+')
    parser.add_argument('--model', type=Path, help="the package's network (default: shipped)")
    parser.add_argument('--size', type=int, default=640, help='long side of the input')
    parser.add_argument('--every', type=int, default=5, help='look at every n-th image')
    parser.add_argument('--drawn', type=Path, help='write the first image with boxes, a PNG each')
    arguments = parser.parse_args()
    detectors = {'onnx': OnnxDetector(arguments.model, arguments.size)}
    try:
        detectors['haar'] = HaarDetector(arguments.size, 0.5)
    except DetectorError as error:
        print(f'haar is left out: {error}')
    rows = []
    for path in arguments.videos:
        frames = list(images(path, arguments.every))
        for name, change in {'as it is': lambda image: image, **CONDITIONS}.items():
            changed = [change(image) for image in frames]
            for kind, detector in detectors.items():
                found = [len(detector.detect(image)) for image in changed]
                rows.append(
                    [
                        path.name,
                        name,
                        kind,
                        str(len(frames)),
                        f'{100 * np.mean(np.array(found) > 0):.0f} %',
                        f'{np.mean(found):.2f}',
                    ]
                )
        if arguments.drawn:
            draw(frames[len(frames) // 2], detectors['onnx'], arguments.drawn / f'{path.stem}.png')
    show(
        'Images with faces',
        ['video', 'condition', 'detector', 'images', 'with a face', 'faces per image'],
        rows,
    )


def draw(image: np.ndarray, detector: OnnxDetector, path: Path) -> None:
    """Write ``image`` with the boxes that ``detector`` finds."""
    image = image.copy()
    for detection in detector.detect(image):
        x, y, width, height = (
            round(value)
            for value in (
                detection.box.x,
                detection.box.y,
                detection.box.width,
                detection.box.height,
            )
        )
        cv2.rectangle(image, (x, y), (x + width, y + height), (0, 255, 0), 2)
        cv2.putText(image, f'{detection.score:.2f}', (x, y - 4), 0, 0.5, (0, 255, 0), 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


if __name__ == '__main__':
    sys.exit(ended(main))
