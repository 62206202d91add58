"""
Random changes of scenes: scale, place, angle, mosaic, light, blur, noise, gray.

Faces end up between small and filling the picture, as they do before a robot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .distractors import distract

if TYPE_CHECKING:
    from .scenes import Scene

#: A face of which less than this share is left in a view is ignored there.
VISIBLE = 0.6
#: Lower faces, in pixels, are not covered: little would be left.
SMALLEST_COVERED = 28


@dataclass(frozen=True)
class ViewSettings:
    """
    How much to change; ``mosaic`` to ``jpeg`` are probabilities, zero switches a change off
    (``cover``, by a mask or a hand, is per face; ``distract`` draws wheels, signs and letters).

    ``smallest_face`` and ``largest_face`` bound the height, in pixels, that a randomly chosen
    face of the scene gets (``largest_face`` as a share of the view's side); ``ignored_below``
    is the height under which a face is neither to be found nor to be denied; ``rotation`` is
    in degrees; ``brightness``, ``contrast`` and ``colour`` are largest changes, as shares.
    """

    smallest_face: float = 20.0
    largest_face: float = 0.8
    ignored_below: float = 14.0
    mosaic: float = 0.5
    flip: float = 0.5
    tilt: float = 0.4
    rotation: float = 30.0
    brightness: float = 0.25
    contrast: float = 0.35
    colour: float = 0.15
    dark: float = 0.1
    gray: float = 0.15
    blur: float = 0.15
    noise: float = 0.1
    jpeg: float = 0.1
    cover: float = 0.0
    distract: float = 0.0


@dataclass(frozen=True)
class View:
    """A changed scene: ``image`` uint8 BGR ``[S, S, 3]``, ``boxes`` and ``ignored`` as there."""

    image: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray


def random_view(
    scenes: list[Scene], index: int, size: int, how: ViewSettings, random: np.random.Generator
) -> View:
    """Return a view of ``size`` pixels of scene ``index``, or a mosaic of it and three others."""
    if random.random() >= how.mosaic:
        view = _placed(scenes[index], (size, size), how, random)
    else:
        view = _mosaic(scenes, index, size, how, random)
    heights = view.boxes[:, 3] - view.boxes[:, 1]
    if how.cover > 0:
        _cover(view, how.cover, random)
    if random.random() < how.distract:
        distract(view.image, view.boxes, random)
    return View(
        _recoloured(view.image, how, random),
        view.boxes,
        view.ignored | (heights < how.ignored_below),
    )


def _cover(view: View, chance: float, random: np.random.Generator) -> None:
    """Put a mask or a hand, of one shade, before some of the faces that a view shows."""
    for x1, y1, x2, y2 in view.boxes[(random.random(len(view.boxes)) < chance) & ~view.ignored]:
        width, height = x2 - x1, y2 - y1
        if height < SMALLEST_COVERED:
            continue
        shade = tuple(int(value) for value in random.integers(0, 256, 3))
        if random.random() < 0.6:  # a mask: from the nose to below the chin
            middle, halves = ((x1 + x2) / 2, y2 - 0.22 * height), (0.46 * width, 0.3 * height)
        else:  # a hand, a cup, a shoulder: some of one side
            middle = x1 + width * random.uniform(0, 1), y1 + height * random.uniform(0, 1)
            halves = width * random.uniform(0.15, 0.35), height * random.uniform(0.15, 0.35)
        cv2.ellipse(
            view.image,
            tuple(round(float(value)) for value in middle),
            tuple(round(float(value)) for value in halves),
            0,
            0,
            360,
            shade,
            -1,
        )


def _mosaic(
    scenes: list[Scene], index: int, size: int, how: ViewSettings, random: np.random.Generator
) -> View:
    """Fill the four parts around a random point with four scenes (Bochkovskiy et al. 2020)."""
    indices = [index, *random.integers(0, len(scenes), 3)]
    x, y = (int(size * random.uniform(0.3, 0.7)) for _ in range(2))
    image = np.empty((size, size, 3), np.uint8)
    boxes, ignored = [], []
    for number, (left, top, right, bottom) in zip(
        indices, ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)), strict=True
    ):
        tile = _placed(scenes[number], (right - left, bottom - top), how, random)
        image[top:bottom, left:right] = tile.image
        boxes.append(tile.boxes + np.array([left, top, left, top], np.float32))
        ignored.append(tile.ignored)
    return View(image, np.concatenate(boxes), np.concatenate(ignored))


def _placed(
    scene: Scene, size: tuple[int, int], how: ViewSettings, random: np.random.Generator
) -> View:
    """Return a scaled, tilted, mirrored piece of ``scene``, ``size`` is width and height."""
    image, boxes = scene.image, scene.boxes
    height, width = image.shape[:2]
    scale, center = _zoom(scene, size, how, random)
    if scale < 0.6:  # interpolation alone would skip pixels
        small = max(2 * scale, 0.05)
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        shrunk = np.array([image.shape[1] / width, image.shape[0] / height])
    else:
        shrunk = np.ones(2)
    angle = (
        np.deg2rad(random.uniform(-how.rotation, how.rotation))
        if random.random() < how.tilt
        else 0.0
    )
    mirror = -1.0 if random.random() < how.flip else 1.0
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[mirror * cosine, -mirror * sine], [sine, cosine]])
    # Where the picture covers the view, or fits into it, it stays so.
    slack = np.array([width, height]) - np.array(size) / scale
    center = center.clip(
        np.minimum(slack, 0) + np.array(size) / scale / 2,
        np.maximum(slack, 0) + np.array(size) / scale / 2,
    )
    offset = np.array(size) / 2 - turn @ center
    matrix = np.concatenate([turn / shrunk, offset[:, None]], axis=1)
    piece = cv2.warpAffine(
        image,
        matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderValue=tuple(int(value) for value in random.integers(0, 256, 3)),
    )
    return View(piece, *_moved(boxes, scene.ignored, turn, offset, size))


def _zoom(
    scene: Scene, size: tuple[int, int], how: ViewSettings, random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Return the scale, and the point of the scene that comes to the middle of the view."""
    height, width = scene.image.shape[:2]
    fit = min(size) / max(width, height)
    lowest = 0.7 * fit
    valid = np.flatnonzero(~scene.ignored & (scene.boxes[:, 3] - scene.boxes[:, 1] >= 8))
    if len(valid) == 0 or random.random() < 0.2:
        scale = fit * 2 ** random.uniform(-0.3, 1.5)
        point = np.array([width, height]) * random.uniform(0.2, 0.8, 2)
        return scale, point
    face = scene.boxes[random.choice(valid)]
    tall = face[3] - face[1]
    # Equally often in each octave; a small face is enlarged little, as it would be a blur.
    low, high = sorted(np.log((how.smallest_face, how.largest_face * min(size))))
    scale = min(np.exp(random.uniform(low, high)) / tall, max(2.5, fit), 48 / tall + 1.5)
    scale = max(scale, lowest)
    middle = (face[:2] + face[2:]) / 2
    free = np.maximum(np.array(size) / scale - (face[2:] - face[:2]), 0) / 2
    return scale, middle + free * random.uniform(-1, 1, 2)


def _moved(
    boxes: np.ndarray,
    ignored: np.ndarray,
    turn: np.ndarray,
    offset: np.ndarray,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes and ignored ones as they are in the view; those outside are left out."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turn.T + offset
    halves = (boxes[:, 2:] - boxes[:, :2]) / 2
    # What bounds the tilted ellipse: a tilted face is no wider than that.
    halves = np.sqrt(halves**2 @ (turn**2).T)
    whole = np.concatenate([centers - halves, centers + halves], axis=1)
    clipped = whole.copy()
    clipped[:, 0::2] = clipped[:, 0::2].clip(0, size[0])
    clipped[:, 1::2] = clipped[:, 1::2].clip(0, size[1])
    area = (2 * halves).prod(axis=1)
    left = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1) / np.maximum(area, 1e-6)
    seen = left > 0.05
    return (clipped[seen].astype(np.float32), (ignored | (left < VISIBLE))[seen])


def _recoloured(image: np.ndarray, how: ViewSettings, random: np.random.Generator) -> np.ndarray:
    """Return ``image`` in another light, of another camera."""
    gain = 1 + random.uniform(-how.contrast, how.contrast)
    offset = 255 * random.uniform(-how.brightness, how.brightness)
    tint = 1 + random.uniform(-how.colour, how.colour, 3)
    if random.random() < how.dark:
        gain, offset = gain * random.uniform(0.15, 0.5), -abs(offset) / 4
    levels = np.arange(256)
    table = ((levels[:, None] - 128) * gain + 128 * min(gain, 1) + offset) * tint
    image = cv2.LUT(image, table.clip(0, 255).astype(np.uint8)[None])
    if random.random() < how.gray:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    if random.random() < how.blur:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 2.0))
    if random.random() < how.noise:
        grain = random.normal(0, random.uniform(2, 16), image.shape)
        image = (image + grain).clip(0, 255).astype(np.uint8)
    if random.random() < how.jpeg:
        quality = int(random.integers(20, 80))
        image = cv2.imdecode(
            cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    return image
