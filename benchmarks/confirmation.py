"""What it gives, and costs, to publish faces that further detections confirm.  See README.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from clips import images
from timing import show

from face_perception.console.endings import ended
from face_perception.core.detectors import OnnxDetector
from face_perception.core.tracking.tracker import Tracker
from face_perception.core.types import Detection

#: What is compared: share of the threshold, further detections; the first is "only sure ones".
SETTINGS = ((0.6, 0), (0.8, 2), (0.8, 3), (0.6, 2), (0.6, 3), (0.6, 5), (0.4, 3), (0.4, 5))
#: Images per second of the pans over still images, and how far one moves, as a share of its side.
PAN_HZ, PAN_IMAGES, PAN_SHARE = 15.0, 30, 0.15
#: The lowest share of the threshold that is looked at.
LOWEST_SHARE = 0.3


@dataclass(frozen=True)
class Clip:
    """Detections of images that follow each other, and how many images there are a second."""

    name: str
    hz: float
    detections: Sequence[Sequence[Detection]]


@dataclass(frozen=True)
class Followed:
    """Faces per image, tracks a minute, and the mean number of images until the first face."""

    faces: float
    tracks_per_minute: float
    until_first: float


def follow(sequence: Clip, threshold: float, share: float, confirmations: int) -> Followed:
    """Return what is published of ``sequence`` with these settings."""
    tracker, published, ids, first = Tracker(), 0, set(), None
    for number, found in enumerate(sequence.detections):
        kept = [one for one in found if one.score >= threshold * share]
        tracks = tracker.update(kept, number / sequence.hz, 1.0, confirmations)
        published += len(tracks)
        ids |= {track.id for track in tracks}
        if tracks and first is None:
            first = number
    count = len(sequence.detections)
    minutes = count / sequence.hz / 60
    return Followed(published / count, len(ids) / minutes, float(count if first is None else first))


def pan(image: np.ndarray, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield images of a camera that moves slowly over ``image``, with some noise."""
    height, width = image.shape[:2]
    move = random.uniform(-PAN_SHARE, PAN_SHARE, 2) * (width, height)
    for number in range(PAN_IMAGES):
        x, y = move * number / PAN_IMAGES
        matrix = np.float32([[1, 0, x], [0, 1, y]])
        moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        noise = random.normal(0, 4, moved.shape)
        yield (moved + noise).clip(0, 255).astype(np.uint8)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('videos', type=Path, nargs='*', help='videos with faces')
    parser.add_argument('--data', type=Path, help='folder of scenes: pans over those without faces')
    parser.add_argument('--model', type=Path, help="the package's network (default: shipped)")
    parser.add_argument('--size', type=int, default=480, help='long side of the input')
    arguments = parser.parse_args()
    if not (arguments.videos or arguments.data):
        parser.error('there is nothing to look at: give videos, --data, or both')
    detector = OnnxDetector(arguments.model, arguments.size)
    threshold = detector.model.score_threshold

    def looked_at(frames: Iterator[np.ndarray]) -> list[list[Detection]]:
        return [detector.detect(frame, LOWEST_SHARE) for frame in frames]

    groups: dict[str, list[Clip]] = {
        path.name: [Clip(path.name, 15.0, looked_at(images(path, 2)))] for path in arguments.videos
    }
    if arguments.data:
        random = np.random.default_rng(0)
        groups['pans without a face'] = [
            Clip(scene.name, PAN_HZ, looked_at(pan(scene.image, random)))
            for scene in face_free_scenes(detector, arguments.data)
        ]
    rows = []
    for name, sequences in groups.items():
        for share, confirmations in SETTINGS:
            each = [follow(one, threshold, share, confirmations) for one in sequences]
            rows.append(
                [
                    name,
                    f'{share:g}, {confirmations}' if confirmations else 'only sure ones',
                    f'{np.mean([one.faces for one in each]):.3f}',
                    f'{np.mean([one.tracks_per_minute for one in each]):.2f}',
                    f'{np.mean([one.until_first for one in each]):.1f}',
                ]
            )
    show(
        f'Faces published at a threshold of {threshold:g}, {arguments.size} pixels, 15 Hz',
        ['sequence', 'share, confirmations', 'faces per image', 'tracks a minute', 'first image'],
        rows,
    )


def face_free_scenes(detector: OnnxDetector, data: Path) -> list:
    """Return the scenes without a face that were kept apart from the detector's training."""
    from face_perception.training.detection.commands import recipe_of
    from face_perception.training.detection.measure import face_free
    from face_perception.training.detection.scenes import load_scenes

    return face_free(load_scenes(recipe_of(detector.model), data).apart)


if __name__ == '__main__':
    sys.exit(ended(main))
