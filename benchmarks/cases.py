"""Draw what a detector finds in cases that a robot meets.  See README.md beside."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from face_perception.console.endings import ended
from face_perception.core.detectors import HaarDetector, OnnxDetector
from face_perception.visuals.boxes import FONT

#: Each case is an image of this size.
WIDTH, HEIGHT = 320, 240
#: The face of the portrait: its middle and height in pixels.
MIDDLE, TALL = (224, 122), 130
BACKGROUND = (96, 104, 112)
COLUMNS = 5


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', type=Path, help="the package's network (default: shipped)")
    parser.add_argument('--haar', action='store_true', help="draw OpenCV's cascade instead")
    parser.add_argument('--output', type=Path, default=Path('benchmarks_output/cases.png'))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = HaarDetector(WIDTH) if arguments.haar else OnnxDetector(arguments.model, WIDTH)
    panels = []
    for name, image, faces in cases():
        found = detector.detect(image)
        print(f'{name}: {len(found)} of {faces}')
        panels.append(drawn(name, image, found, faces))
    panels += [np.full_like(panels[0], 255)] * (-len(panels) % COLUMNS)
    rows = [np.hstack(panels[start : start + COLUMNS]) for start in range(0, len(panels), COLUMNS)]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.output), np.vstack(rows))
    print(arguments.output)


def cases() -> Iterator[tuple[str, np.ndarray, int]]:
    """Yield a name, a uint8 BGR image and how many faces it shows."""
    yield 'as it is', portrait(), 1
    yield 'half of the height', portrait(HEIGHT / 2), 1
    yield 'nearly all of the height', portrait(0.9 * HEIGHT), 1
    yield '36 pixels', portrait(36), 1
    yield '24 pixels', portrait(24), 1
    for degrees in (20, 40, 60, 90, 180):
        yield f'tilted by {degrees} degrees', portrait(degrees=degrees), 1
    mask = portrait()
    box = face_box()
    cv2.ellipse(
        mask,
        (WIDTH // 2, round(box[1] + 0.78 * (box[3] - box[1]))),
        (34, 30),
        0,
        0,
        360,
        (200, 170, 120),
        -1,
    )
    yield 'mouth and nose covered', mask, 1
    hand = portrait()
    hand[:, : WIDTH // 2 - 6] = (120, 150, 190)
    yield 'left half covered', hand, 1
    yield 'gray', cv2.merge([cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)] * 3), 1
    yield 'an eighth of the light', (portrait() * 0.125).astype(np.uint8), 1
    yield 'backlit', backlit(portrait()), 1
    yield 'blurred', cv2.GaussianBlur(portrait(), (0, 0), 3), 1
    for name, image in (
        ('a cat', data.chelsea()),
        ('a cup', data.coffee()),
        ('a rocket', data.rocket()),
    ):
        yield name, fitted(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)), 0


def portrait(tall: float = 100, degrees: float = 0) -> np.ndarray:
    """Return scikit-image's public-domain portrait with a face of this height in the middle."""
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)
    matrix = cv2.getRotationMatrix2D(MIDDLE, degrees, tall / TALL)
    matrix[:, 2] += (WIDTH / 2 - MIDDLE[0], HEIGHT / 2 - MIDDLE[1])
    if tall < TALL / 2:
        image = cv2.GaussianBlur(image, (0, 0), 0.3 * TALL / tall)
    return cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderValue=BACKGROUND)


def face_box(tall: float = 100) -> tuple[float, float, float, float]:
    """Return x1, y1, x2, y2 of the face in ``portrait(tall)``."""
    return (
        WIDTH / 2 - 0.38 * tall,
        HEIGHT / 2 - tall / 2,
        WIDTH / 2 + 0.38 * tall,
        HEIGHT / 2 + tall / 2,
    )


def backlit(image: np.ndarray) -> np.ndarray:
    """Return ``image`` with a window behind the person."""
    body = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(body, (WIDTH // 2, HEIGHT // 2), (60, 75), 0, 0, 360, 1, -1)
    cv2.ellipse(body, (WIDTH // 2, HEIGHT + 20), (130, 90), 0, 0, 360, 1, -1)
    body = cv2.GaussianBlur(body, (0, 0), 4)[..., None]
    light = image.astype(np.float32)
    return np.clip(light * 0.2 * body + (light + 150) * (1 - body), 0, 255).astype(np.uint8)


def fitted(image: np.ndarray) -> np.ndarray:
    """Return the middle of ``image``, as large as a case."""
    scale = max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (image.shape[0] - HEIGHT) // 2, (image.shape[1] - WIDTH) // 2
    return np.ascontiguousarray(image[top : top + HEIGHT, left : left + WIDTH])


def drawn(name: str, image: np.ndarray, found: list, faces: int) -> np.ndarray:
    """Return ``image`` with boxes, the name below and how it went."""
    image = image.copy()
    for face in found:
        box = face.box
        corners = [
            (round(box.x), round(box.y)),
            (round(box.x + box.width), round(box.y + box.height)),
        ]
        cv2.rectangle(image, *corners, (80, 220, 80), 2)
        cv2.putText(
            image,
            f'{face.score:.2f}',
            (corners[0][0], max(corners[0][1] - 4, 12)),
            FONT,
            0.45,
            (80, 220, 80),
            1,
            cv2.LINE_AA,
        )
    verdict = 'found' if faces else 'false alarm'
    if len(found) < faces:
        verdict = 'missed'
    elif not found:
        verdict = 'nothing, rightly'
    strip = np.full((24, WIDTH, 3), 255, np.uint8)
    cv2.putText(strip, f'{name}: {verdict}', (6, 17), FONT, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return cv2.copyMakeBorder(
        np.vstack([image, strip]), 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )


if __name__ == '__main__':
    sys.exit(ended(main))
