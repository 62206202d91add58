"""Compare the face detectors' time per frame.  See README.md beside."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from timing import milliseconds, show

from face_perception.core.detectors import HaarDetector, OnnxDetector, YuNetDetector
from face_perception.core.errors import DetectorError

#: Long side of the input in pixels.
SIZES = (160, 240, 320, 480, 640)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--image', type=Path, help='picture to look at (default: the sample)')
    parser.add_argument('--model', type=Path, help="the package's network (default: shipped)")
    parser.add_argument('--yunet', type=Path, help='a YuNet file, to compare with')
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    image = cv2.imread(str(arguments.image)) if arguments.image else sample()
    makers = {
        'onnx': lambda size: OnnxDetector(arguments.model, size),
        'haar': lambda size: HaarDetector(size, 0.5),
    }
    if arguments.yunet:
        makers['yunet'] = lambda size: YuNetDetector(arguments.yunet, size)
    rows = []
    for size in SIZES:
        calls = {}
        for name, make in makers.items():
            try:
                detector = make(size)
                calls[name] = lambda detector=detector: detector.detect(image)
            except DetectorError as error:
                print(f'{name} is left out: {error}')
        times = milliseconds(calls)
        first = next(iter(times.values()))
        rows += [
            [str(size), name, f'{value:.2f}', f'{value / first:.2f}', str(len(calls[name]()))]
            for name, value in times.items()
        ]
    show(
        f'Detection in a picture of {image.shape[1]}x{image.shape[0]}, one thread',
        ['input size', 'detector', 'ms', 'ratio', 'faces found'],
        rows,
    )


def sample() -> np.ndarray:
    """Return a VGA picture with scikit-image's portrait in it, which is in the public domain."""
    from skimage.data import astronaut

    face = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)[0:480, 0:512]
    return cv2.copyMakeBorder(face, 0, 0, 64, 64, cv2.BORDER_REFLECT)


if __name__ == '__main__':
    main()
