"""
Drawn things that a young detector takes for faces: wheels, round signs, letters.

Images of people show few of them, and a robot meets many.
"""

from __future__ import annotations

import string

import cv2
import numpy as np

#: Radii of what is drawn: at least so many pixels, at most this share of the sample's side.
SMALLEST, LARGEST = 10.0, 0.3
#: What is drawn is cut off at so many radii from its middle.
AROUND = 1.2
#: At most so many are drawn into a sample.
MOST = 3
#: Height of the fonts' capital letters in pixels at a scale of 1.
FONT_HEIGHT = 22
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
)


def distract(image: np.ndarray, boxes: np.ndarray, random: np.random.Generator) -> None:
    """Draw up to ``MOST`` things into ``image`` uint8 ``[H, W, 3]``, away from ``boxes [M, 4]``."""
    height, width = image.shape[:2]
    low, high = np.log(SMALLEST), np.log(max(LARGEST * min(width, height), SMALLEST + 1))
    for _ in range(random.integers(1, MOST + 1)):
        radius = float(np.exp(random.uniform(low, high)))
        x, y = random.uniform(0, width), random.uniform(0, height)
        reach = AROUND * radius
        near = (
            (boxes[:, 0] < x + reach)
            & (boxes[:, 2] > x - reach)
            & (boxes[:, 1] < y + reach)
            & (boxes[:, 3] > y - reach)
        )
        left, top = (max(int(middle - reach), 0) for middle in (x, y))
        piece = image[top : int(y + reach), left : int(x + reach)]
        if near.any() or min(piece.shape[:2]) < 2:
            continue
        drawn = piece.copy()
        draw = (_wheel, _wheel, _sign, _letter, _letter)[random.integers(5)]
        draw(drawn, np.array([x - left, y - top]), radius, random)
        if random.random() < 0.5:
            drawn = cv2.GaussianBlur(drawn, (0, 0), max(radius * random.uniform(0.01, 0.06), 0.3))
        solid = 1.0 if random.random() < 0.7 else random.uniform(0.4, 1.0)
        cv2.addWeighted(drawn, solid, piece, 1 - solid, 0, dst=piece)


def _wheel(
    image: np.ndarray, center: np.ndarray, radius: float, random: np.random.Generator
) -> None:
    """Draw a dark tyre with a lighter rim, holes or spokes in it, and a hub."""
    plate = _Plate(center, random)
    tyre, rim = random.uniform(5, 75), random.uniform(70, 245)
    plate.disc(image, radius, _shade(tyre, random, 8))
    edge = radius * random.uniform(0.55, 0.85)
    plate.disc(image, edge, _shade(rim, random))
    holes, first = int(random.integers(3, 13)), random.uniform(0, np.pi)
    inner, outer = random.uniform(0.2, 0.6), random.uniform(0.75, 0.97)
    half = np.pi / holes * random.uniform(0.25, 0.85)
    dark = _shade(rim * random.uniform(0.05, 0.7), random, 8)
    for number in range(holes):
        middle = first + 2 * np.pi * number / holes
        angles = np.linspace(middle - half, middle + half, 5)
        plate.fill(
            image,
            edge * np.concatenate([outer * _directions(angles), inner * _directions(angles[::-1])]),
            dark,
        )
    plate.disc(image, edge * inner * random.uniform(0.4, 1.0), _shade(rim, random))
    if random.random() < 0.6:
        plate.disc(image, edge * inner * random.uniform(0.15, 0.4), dark)


def _sign(
    image: np.ndarray, center: np.ndarray, radius: float, random: np.random.Generator
) -> None:
    """Draw discs in each other: a ball, a lamp, a button, a round sign."""
    plate = _Plate(center, random)
    for _ in range(random.integers(1, 5)):
        plate.disc(image, radius, tuple(random.uniform(0, 255, 3)))
        radius *= random.uniform(0.3, 0.9)


def _letter(
    image: np.ndarray, center: np.ndarray, radius: float, random: np.random.Generator
) -> None:
    """Draw one to three letters or digits."""
    text = ''.join(
        random.choice(
            list(string.ascii_letters + string.digits),
            1 + int(random.integers(3) * random.integers(2)),
        )
    )
    font, stroke = FONTS[random.integers(len(FONTS))], random.uniform(0.06, 0.3)
    scale = 2 * radius / FONT_HEIGHT / (1 if random.random() < 0.5 else len(text))
    thick = max(1, round(FONT_HEIGHT * scale * stroke))
    (width, height), _ = cv2.getTextSize(text, font, scale, thick)
    corner = (round(center[0] - width / 2), round(center[1] + height / 2))
    cv2.putText(
        image, text, corner, font, scale, tuple(random.uniform(0, 255, 3)), thick, cv2.LINE_AA
    )


class _Plate:
    """A flat round thing around ``center``, seen from a random side."""

    def __init__(self, center: np.ndarray, random: np.random.Generator) -> None:
        narrow = 1.0 if random.random() < 0.4 else random.uniform(0.45, 1.0)
        angle = random.uniform(-0.4, 0.4)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        self._center, self._shape = center, np.diag([narrow, 1.0]) @ turn

    def fill(self, image: np.ndarray, points: np.ndarray, shade: tuple[float, ...]) -> None:
        """Fill a polygon ``[N, 2]``, in pixels from the centre before it is seen from aside."""
        corners = 16 * (points @ self._shape + self._center)
        cv2.fillPoly(image, [corners.round().astype(np.int32)], shade, cv2.LINE_AA, 4)

    def disc(self, image: np.ndarray, radius: float, shade: tuple[float, ...]) -> None:
        """Fill a disc."""
        self.fill(image, radius * _directions(np.linspace(0, 2 * np.pi, 32, endpoint=False)), shade)


def _directions(angles: np.ndarray) -> np.ndarray:
    """Return unit vectors ``[N, 2]``."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _shade(level: float, random: np.random.Generator, spread: float = 25.0) -> tuple[float, ...]:
    """Return a colour (BGR, 0..255) near the gray ``level``."""
    return tuple((level + random.uniform(-spread, spread, 3)).clip(0, 255))
