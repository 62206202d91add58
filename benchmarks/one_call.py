"""Compare two calls, one joined call, and eight-bit networks.  See README.md beside."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from timing import milliseconds, session, show

from face_perception.console.endings import ended
from face_perception.core.attributes.classifier import Classifier
from face_perception.core.onnx_models import load_classifier
from face_perception.core.types import Box
from face_perception.training.joined import joined

#: Faces in the image.
FACES = (1, 4, 8)


class RandomFaces(CalibrationDataReader):
    """Smooth random images: enough to find the ranges when only time is measured."""

    def __init__(self, channels: int) -> None:
        """Prepare a few batches."""
        random = np.random.default_rng(0)
        self.batches = iter(
            [
                {'image': random.integers(0, 256, (8, 48, 48, channels), dtype=np.uint8)}
                for _ in range(8)
            ]
        )

    def get_next(self) -> dict | None:
        """Return the next batch, ``None`` after the last."""
        return next(self.batches, None)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('emotion', type=Path)
    parser.add_argument('gender', type=Path)
    arguments = parser.parse_args()
    paths = {'emotion': arguments.emotion, 'gender': arguments.gender}
    classifiers = [Classifier(load_classifier(path, task)) for task, path in paths.items()]
    with tempfile.TemporaryDirectory() as folder:
        alike = with_margin(arguments.gender, classifiers[0].model.crop_margin, Path(folder))
        one = session(joined(arguments.emotion, alike).SerializeToString())
        small = []
        for classifier in classifiers:
            path = Path(folder) / f'{classifier.model.task}.onnx'
            channels = classifier.model.session.get_inputs()[0].shape[3]
            quantize_static(
                str(classifier.model.path),
                str(path),
                RandomFaces(channels),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
            )
            small.append(session(str(path)))
        image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
        rows = []
        for count in FACES:
            boxes = [Box(20 + 70 * index, 100, 64, 64) for index in range(count)]
            rows += compare(classifiers, one, small, image, boxes)
    show(
        'Both labels for all faces of an image, crops included, one thread',
        ['faces', 'way', 'ms', 'ratio'],
        rows,
    )


def with_margin(path: Path, margin: float, folder: Path) -> Path:
    """Return a copy of a file that asks for this margin: joined, two networks share their crops."""
    model = onnx.load(str(path))
    for entry in model.metadata_props:
        if entry.key == 'crop_margin':
            entry.value = str(margin)
    copy = folder / 'with_margin.onnx'
    onnx.save(model, str(copy))
    return copy


def compare(classifiers, one, small, image, boxes) -> list[list[str]]:
    """Return the rows of the table for the faces at ``boxes``."""
    emotion, gender = classifiers

    def two_calls(sessions):
        for classifier, run in zip(classifiers, sessions):
            run.run(None, {'image': classifier.batch(image, boxes)})

    ways = {
        'two calls': lambda: two_calls([classifier.model.session for classifier in classifiers]),
        'joined, one call': lambda: one.run(None, {'image': gender.batch(image, boxes)}),
        'two calls, int8': lambda: two_calls(small),
    }
    times = milliseconds(ways)
    return [
        [str(len(boxes)), name, f'{value:.3f}', f'{value / times["two calls"]:.2f}']
        for name, value in times.items()
    ]


if __name__ == '__main__':
    sys.exit(ended(main))
