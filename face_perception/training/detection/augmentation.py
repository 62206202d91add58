"""
Random changes of scenes: scale, position, angle, mosaic, light, blur, noise, gray.

Faces end up between small and filling the image, as they do before a robot.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..jpeg import through_jpeg
from .covers import cover
from .distractors import distract
from .pasted import Patches
from .scenes import Scene
from .settings import DetectorAugmentation

#: A face of which less than this share is left in a sample is ignored there.
VISIBLE = 0.6
#: A head lies on its side at most: degrees.
MOST_TURNED = 90.0
#: A mined box gets between these times its height at the size that scenes are looked at.
MINED_SCALES = (0.7, 1.6)
#: The long side in pixels at which scenes are looked at.
LOOKED_AT = 640
#: Lower faces, in pixels, are not covered: little would be left.
SMALLEST_COVERED = 28


@dataclass(frozen=True)
class AugmentedSample:
    """A changed scene: ``image`` uint8 BGR ``[S, S, 3]``, ``boxes`` and ``ignored`` as there."""

    image: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray


def augmented_sample(
    scenes: list[Scene],
    index: int,
    size: int,
    how: DetectorAugmentation,
    random: np.random.Generator,
    around: np.ndarray | None = None,
    patches: Patches | None = None,
) -> AugmentedSample:
    """
    Return a sample of ``size`` pixels of scene ``index``, or a mosaic of it and three others.

    With ``around``, a box x1, y1, x2, y2 in the scene's pixels, it shows that box; ``patches``
    are what is pasted into it.
    """
    if around is not None:
        sample = _placed(scenes[index], (size, size), how, random, around)
    elif random.random() >= how.mosaic:
        sample = _placed(scenes[index], (size, size), how, random)
    else:
        sample = _mosaic(scenes, index, size, how, random)
    if patches is not None and random.random() < how.paste:
        sample = _pasted(sample, patches, how, random)
    heights = sample.boxes[:, 3] - sample.boxes[:, 1]
    if how.cover > 0:
        _cover(sample, how.cover, random)
    if random.random() < how.distract:
        distract(sample.image, sample.boxes, random)
    return AugmentedSample(
        _recoloured(sample.image, how, random),
        sample.boxes,
        sample.ignored | (heights < how.ignored_below),
    )


def _pasted(
    sample: AugmentedSample,
    patches: Patches,
    how: DetectorAugmentation,
    random: np.random.Generator,
) -> AugmentedSample:
    """Return ``sample`` with faces of others in it."""
    added = patches.paste(sample.image, sample.boxes, how.smallest_face, random)
    return AugmentedSample(
        sample.image,
        np.concatenate([sample.boxes, added]),
        np.concatenate([sample.ignored, np.zeros(len(added), bool)]),
    )


def _cover(sample: AugmentedSample, chance: float, random: np.random.Generator) -> None:
    """Hide a part of some of the faces that a sample shows."""
    chosen = (random.random(len(sample.boxes)) < chance) & ~sample.ignored
    for box in sample.boxes[chosen]:
        if box[3] - box[1] >= SMALLEST_COVERED:
            cover(sample.image, box, random)


def _mosaic(
    scenes: list[Scene],
    index: int,
    size: int,
    how: DetectorAugmentation,
    random: np.random.Generator,
) -> AugmentedSample:
    """Fill the four quarters around a random point with four scenes (Bochkovskiy et al. 2020)."""
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
    return AugmentedSample(image, np.concatenate(boxes), np.concatenate(ignored))


def _placed(
    scene: Scene,
    size: tuple[int, int],
    how: DetectorAugmentation,
    random: np.random.Generator,
    around: np.ndarray | None = None,
) -> AugmentedSample:
    """Return a scaled, tilted, mirrored piece of ``scene``, ``size`` is width and height."""
    image, boxes = scene.image, scene.boxes
    height, width = image.shape[:2]
    if around is not None:
        scale, center = _zoom_on(around, scene, size, random)
    elif random.random() < how.square:
        scale, center = _anywhere(scene, size, how, random)
    else:
        scale, center = _zoom(scene, size, how, random)
    if scale < 0.6:  # interpolation alone would skip pixels
        small = max(2 * scale, 0.05)
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        shrunk = np.array([image.shape[1] / width, image.shape[0] / height])
    else:
        shrunk = np.ones(2)
    angle = np.deg2rad(_angle(how, random))
    mirror = -1.0 if random.random() < how.flip else 1.0
    wider = np.exp(random.uniform(-how.stretch, how.stretch) / 2)
    scales = scale * np.array([wider, 1 / wider])
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[mirror * cosine, -mirror * sine], [sine, cosine]]) * scales
    # Where the image covers the sample, or fits into it, it stays so.
    half = np.array(size) / scales / 2
    slack = np.array([width, height]) - 2 * half
    center = center.clip(np.minimum(slack, 0) + half, np.maximum(slack, 0) + half)
    offset = np.array(size) / 2 - turn @ center
    matrix = np.concatenate([turn / shrunk, offset[:, None]], axis=1)
    piece = cv2.warpAffine(
        image,
        matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderValue=tuple(int(value) for value in random.integers(0, 256, 3)),
    )
    return AugmentedSample(piece, *_moved(boxes, scene.ignored, turn, offset, size))


def _angle(how: DetectorAugmentation, random: np.random.Generator) -> float:
    """Return by how many degrees a sample is turned."""
    chance = random.random()
    if chance < how.turned:
        return random.uniform(-MOST_TURNED, MOST_TURNED)
    if chance < how.turned + how.tilt:
        return random.uniform(-how.rotation, how.rotation)
    return 0.0


def _anywhere(
    scene: Scene, size: tuple[int, int], how: DetectorAugmentation, random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Return scale and middle of a piece at about the size at which scenes are looked at."""
    sides = np.array(scene.image.shape[1::-1], float)
    lowest, highest = np.log(how.square_scales)
    scale = LOOKED_AT / sides.max() * np.exp(random.uniform(lowest, highest))
    scale = max(scale, 0.7 * min(size) / sides.max())
    half = np.array(size) / scale / 2
    return scale, random.uniform(np.minimum(half, sides / 2), np.maximum(sides - half, sides / 2))


def _zoom_on(
    box: np.ndarray, scene: Scene, size: tuple[int, int], random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Return scale and middle of a piece that shows ``box``."""
    scale = LOOKED_AT / max(scene.image.shape[:2]) * random.uniform(*MINED_SCALES)
    scale = min(scale, 0.9 * min(size) / max(box[2:] - box[:2]))
    free = np.maximum(np.array(size) / scale - (box[2:] - box[:2]), 0) / 2
    return scale, (box[:2] + box[2:]) / 2 + free * random.uniform(-1, 1, 2)


def _zoom(
    scene: Scene, size: tuple[int, int], how: DetectorAugmentation, random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Return the scale, and the point of the scene that comes to the middle of the sample."""
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
    """Return boxes and ignored ones as they are in the sample; those outside are left out."""
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


def _recoloured(
    image: np.ndarray, how: DetectorAugmentation, random: np.random.Generator
) -> np.ndarray:
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
        image = through_jpeg(image, quality)
    return image
