"""Compare the face detectors' time per frame.  See README.md beside."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from timing import milliseconds, show
from yunet_runtime import YuNetInRuntime

from face_perception.console.endings import ended
from face_perception.core.detectors import HaarDetector, OnnxDetector, YuNetDetector
from face_perception.core.errors import DetectorError

#: Long side of the input in pixels.
SIZES = (160, 240, 320, 480, 640)
#: Boxes that score less do not count, for average precisions.
LOWEST_SCORE = 0.001


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--image', type=Path, help='image to look at (default: the sample)')
    parser.add_argument('--model', type=Path, help="the package's network (default: shipped)")
    parser.add_argument(
        '--yunet', type=Path, nargs='*', default=[], help='YuNet files, to compare with'
    )
    parser.add_argument(
        '--data', type=Path, help='folder of scenes: average precision and time on those held out'
    )
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    image = cv2.imread(str(arguments.image)) if arguments.image else sample()
    if image is None:
        parser.error(f'{arguments.image} cannot be read as an image')
    for path in arguments.yunet:  # an error of OpenCV's or the runtime's names no remedy
        YuNetDetector(path, SIZES[0], 0.5)
    makers = {
        'onnx': lambda size: OnnxDetector(arguments.model, size),
        'haar': lambda size: HaarDetector(size, 0.5),
    }
    for path in arguments.yunet:
        makers[f'{path.stem}, OpenCV'] = lambda size, path=path: YuNetDetector(path, size, 0.5)
        makers[f'{path.stem}, ONNX Runtime'] = lambda size, path=path: YuNetInRuntime(
            path, size, 0.5
        )
    if arguments.data:
        precisions(arguments)
        return
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
        f'Detection in an image of {image.shape[1]}x{image.shape[0]}, one thread',
        ['input size', 'detector', 'ms', 'ratio', 'faces found'],
        rows,
    )


def precisions(arguments: argparse.Namespace) -> None:
    """Print what each network finds on the scenes that the package's own was not trained on."""
    from face_perception.training.detection.average_precision import LONG_SIDE, curve
    from face_perception.training.detection.commands import recipe_of
    from face_perception.training.detection.measure import at_precision, predictions, scaled
    from face_perception.training.detection.scenes import load_scenes

    ours = OnnxDetector(arguments.model, LONG_SIDE, LOWEST_SCORE)
    scenes = load_scenes(recipe_of(ours.model), arguments.data).validation
    scenes = [scaled(scene) for scene in scenes]
    detectors = {'onnx': ours} | {
        path.stem: YuNetInRuntime(path, LONG_SIDE, LOWEST_SCORE) for path in arguments.yunet
    }
    image = scenes[0].image
    times = milliseconds(
        {name: lambda each=each: each.detect(image) for name, each in detectors.items()}
    )
    rows = []
    for name, detector in detectors.items():
        points = curve(scenes, predictions(detector, scenes))
        rows.append(
            [
                name,
                f'{points.average:.3f}',
                f'{at_precision(points, 0.9):.3f}',
                f'{times[name]:.2f}',
                f'{times[name] / times["onnx"]:.2f}',
            ]
        )
    show(
        f'{len(scenes)} held-out scenes at {LONG_SIDE} pixels, ONNX Runtime, one thread',
        ['detector', 'average precision', 'recall at precision 0.9', 'ms', 'ratio'],
        rows,
    )


def sample() -> np.ndarray:
    """Return a VGA image with scikit-image's portrait in it, which is in the public domain."""
    from skimage.data import astronaut

    face = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)[0:480, 0:512]
    return cv2.copyMakeBorder(face, 0, 0, 64, 64, cv2.BORDER_REFLECT)


if __name__ == '__main__':
    sys.exit(ended(main))
