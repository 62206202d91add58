"""
What hides a part of a face: masks, scarves, hands, cups, hair, glasses.

Drawn, as there are few photographs of them, in random colours, with light from one side and some
pattern, so that a network cannot learn to look for a flat patch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

#: Points on an outline have this many fractional bits.
SHIFT = 4
#: Skin in blue, green, red, dark and light.
SKINS = ((60, 80, 110), (90, 120, 165), (130, 165, 205), (165, 195, 230))
#: Hair and dark glass.
DARKS = ((20, 20, 20), (25, 35, 60), (50, 70, 110), (110, 150, 180))
#: Masks, scarves, cups: white, greys, blues, greens, reds, black.
CLOTHS = (
    *((230, 230, 230), (225, 205, 175), (210, 170, 120), (170, 170, 170), (90, 90, 90)),
    *((30, 30, 30), (120, 60, 40), (70, 110, 60), (50, 50, 150), (120, 90, 190), (60, 160, 210)),
)
#: By how many grey levels a pattern differs.
PATTERN = 40


Shades = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Frame:
    """Where a face is: the middle and the size of its box, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def point(self, across: float, down: float) -> tuple[float, float]:
        """Return a point in it: -1..1 from left to right and from top to bottom."""
        return self.x + across * self.width / 2, self.y + down * self.height / 2


def cover(image: np.ndarray, box: np.ndarray, random: np.random.Generator) -> None:
    """Draw something before the face in ``box`` (x1, y1, x2, y2) of a uint8 BGR ``image``."""
    x1, y1, x2, y2 = (float(value) for value in box)
    frame = Frame((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    left, top = int(max(x1 - frame.width, 0)), int(max(y1 - frame.height, 0))
    right = int(min(x2 + frame.width, image.shape[1]))
    bottom = int(min(y2 + frame.height, image.shape[0]))
    if right - left < 2 or bottom - top < 2:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    local = Frame(frame.x - left, frame.y - top, frame.width, frame.height)
    draw, shades = COVERS[int(random.choice(len(COVERS), p=CHANCES))]
    draw(mask, local, random)
    piece = image[top:bottom, left:right]
    covered = mask > 127
    piece[covered] = _texture(mask.shape, shades, random)[covered]


def _texture(shape: tuple[int, int], shades: Shades, random: np.random.Generator) -> np.ndarray:
    """Return a material, uint8 ``[H, W, 3]``: lit from one side, some with a pattern."""
    shade = np.array(shades[int(random.integers(len(shades)))]) + random.integers(-25, 26, 3)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    angle = random.uniform(0, 2 * np.pi)
    slope = (rows * np.sin(angle) + columns * np.cos(angle)) / max(shape)
    light = random.uniform(0, 60) * slope
    if shades is CLOTHS and random.random() < 0.5:
        turns = random.uniform(3, 25)
        light = light + PATTERN * random.random() * np.sign(np.sin(turns * 2 * np.pi * slope))
    grain = random.normal(0, random.uniform(0, 8), shape)
    return (shade + (light + grain)[..., None]).clip(0, 255).astype(np.uint8)


def _polygon(mask: np.ndarray, points: list[tuple[float, float]]) -> None:
    outline = np.round(np.array(points) * 2**SHIFT).astype(np.int32)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, SHIFT)


def _line(
    mask: np.ndarray, one: tuple[float, float], other: tuple[float, float], width: float
) -> None:
    start, end = ((round(x * 2**SHIFT), round(y * 2**SHIFT)) for x, y in (one, other))
    cv2.line(mask, start, end, 255, max(1, round(width)), cv2.LINE_AA, SHIFT)


def _mask(mask: np.ndarray, face: Frame, random: np.random.Generator) -> None:
    """Draw a mask from the nose to below the chin, with bands to the ears."""
    upper = random.uniform(0.0, 0.3)
    outline = [
        (-0.95, upper + 0.15),
        (-0.35, upper),
        (0, upper - 0.12),
        (0.35, upper),
        (0.95, upper + 0.15),
        (0.75, 0.8),
        (0.3, 1.1),
        (-0.3, 1.1),
        (-0.75, 0.8),
    ]
    _polygon(mask, [face.point(*point) for point in outline])
    for side in (-1, 1):
        ear = face.point(side * 1.05, upper - 0.25)
        _line(mask, face.point(side * 0.9, upper + 0.2), ear, 0.02 * face.height)


def _scarf(mask: np.ndarray, face: Frame, random: np.random.Generator) -> None:
    """Draw a band all across, from the mouth or the nose down, or from the forehead up."""
    edge, bend = random.uniform(0.1, 0.6), random.uniform(-0.15, 0.15)
    if random.random() < 0.3:  # a hat
        edge = -random.uniform(0.45, 0.75)
        far = -1.4
    else:
        far = 1.5
    _polygon(
        mask,
        [
            face.point(-1.3, edge - bend),
            face.point(0, edge + bend),
            face.point(1.3, edge - bend),
            face.point(1.3, far),
            face.point(-1.3, far),
        ],
    )


def _hand(mask: np.ndarray, face: Frame, random: np.random.Generator) -> None:
    """Draw a palm and fingers, from below or from a side."""
    angle = random.uniform(-0.6, 0.6) + random.choice([0.0, np.pi / 2, -np.pi / 2])
    along = np.array([np.sin(angle), -np.cos(angle)])
    aside = np.array([along[1], -along[0]])
    size = face.height * random.uniform(0.3, 0.55)
    tip = np.array(face.point(random.uniform(-0.7, 0.7), random.uniform(-0.2, 0.8)))
    palm = tip - along * size * 0.9
    for finger in range(int(random.integers(2, 5))):
        root = palm + aside * size * (finger - 1.5) * 0.25
        end = root + along * size * random.uniform(0.6, 1.0)
        end = end + aside * size * random.uniform(-0.08, 0.08)
        _line(mask, tuple(root), tuple(end), size * 0.2)
    _line(mask, tuple(palm), tuple(palm - along * size * 0.6), size * 0.9)


def _cup(mask: np.ndarray, face: Frame, random: np.random.Generator) -> None:
    """Draw a cup, a bottle or a telephone before the mouth or beside it."""
    x, y = face.point(random.uniform(-0.6, 0.6), random.uniform(0.2, 0.9))
    width = face.width * random.uniform(0.12, 0.3)
    height = width * random.uniform(0.8, 2.2)
    taper, tilt = random.uniform(0.7, 1.1), random.uniform(-0.5, 0.5)
    corners = np.array([(-1, -1), (1, -1), (taper, 1), (-taper, 1)]) * (width, height)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    _polygon(mask, [(x + one, y + other) for one, other in corners @ turn])


def _hair(mask: np.ndarray, face: Frame, random: np.random.Generator) -> None:
    """Strands that hang over one side of the forehead, or over an eye."""
    side = random.choice([-1.0, 1.0])
    for _ in range(int(random.integers(6, 20))):
        root = face.point(side * random.uniform(0.0, 0.9), -1.05)
        end = face.point(side * random.uniform(0.2, 1.05), random.uniform(-0.5, 0.6))
        _line(mask, root, end, face.width * random.uniform(0.02, 0.08))


def _glasses(mask: np.ndarray, face: Frame, random: np.random.Generator) -> None:
    """Dark glasses."""
    size, height = random.uniform(0.28, 0.42), -random.uniform(0.1, 0.3)
    axes = tuple(
        round(half * 2**SHIFT) for half in (size * face.width / 2, size * face.height / 2.6)
    )
    for side in (-1, 1):
        middle = tuple(round(value * 2**SHIFT) for value in face.point(side * 0.4, height))
        cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, SHIFT)
    ends = face.point(-0.95, height), face.point(0.95, height)
    _line(mask, *ends, 0.03 * face.height)


#: What may be drawn, and in which shades; how often each is.
COVERS: tuple[tuple[Callable[[np.ndarray, Frame, np.random.Generator], None], Shades], ...] = (
    (_mask, CLOTHS),
    (_scarf, CLOTHS),
    (_hand, SKINS),
    (_cup, CLOTHS),
    (_hair, DARKS),
    (_glasses, DARKS),
)
CHANCES = (0.3, 0.14, 0.2, 0.14, 0.12, 0.1)
