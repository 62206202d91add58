"""
Measure how a detector's box lies in the data sets' images, to choose the crop margins.

``python -m face_perception.training.measure_margin --data DIR``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from ..console.endings import exit_status
from .data import fer2013, utkface
from .detector_boxes import find_face
from .options import whole_number


def box_shares(images: Iterable[np.ndarray], detector: str = 'haar') -> np.ndarray:
    """
    Return centre x, centre y, longer side ``[N, 3]``, as shares of the square image's side.

    ``detector`` as of ``detector_boxes.find_face``.
    """
    found = []
    for image in images:
        box = find_face(image, detector)
        if box is not None:
            found.append(np.array([*box.center, max(box.width, box.height)]) / len(image))
    return np.array(found).reshape(-1, 3)


def margin_to_fill(side: float, frame: float = 1.0) -> float:
    """Return the margin by which a box of length ``side`` grows to one of length ``frame``."""
    return (frame / side - 1) / 2


def report(name: str, images: list[np.ndarray], detector: str = 'haar') -> None:
    """Print the 10th, 50th and 90th percentile of the boxes in ``images``."""
    shares = box_shares(images, detector)
    print(f'{name}: a face was found in {len(shares)} of {len(images)} images')
    if len(shares) == 0:
        return
    for column, what in enumerate(('centre x', 'centre y', 'side')):
        low, middle, high = np.percentile(shares[:, column], [10, 50, 90])
        print(f'  {what:9s} {middle:.3f} of the image  (10 % {low:.3f}, 90 % {high:.3f})')
    side = np.median(shares[:, 2])
    print(f'  margin by which the median box grows to the image: {margin_to_fill(side):+.3f}')


def run(arguments: argparse.Namespace) -> None:
    """Print what the detector draws on the faces of each data set."""
    folder = Path(arguments.data)
    faces = fer2013.load_fer2013(folder / fer2013.TRAIN_FILE)
    every = max(1, len(faces) // arguments.count)  # the file is sorted by emotion
    report('FER-2013', list(faces.images[::every, :, :, 0][: arguments.count]), arguments.detector)
    chips = (
        chip
        for chip in utkface.read_chips(folder / utkface.FILE)
        if chip.age >= utkface.MINIMUM_AGE and not chip.held_out
    )
    report('UTKFace', [chip.image for chip in islice(chips, arguments.count)], arguments.detector)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description='Measure the boxes that a detector draws.')
    parser.add_argument('--data', required=True, help='folder with the data sets')
    parser.add_argument('--detector', choices=('haar', 'onnx'), default='haar')
    parser.add_argument(
        '--count', type=whole_number(1, 1_000_000), default=2000, help='images per data set'
    )
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
