"""
A person cut out of a photograph, to be drawn into other images, and a room to stand in.

The photograph is NASA's portrait of the astronaut Eileen Collins, which is in the public
domain and which scikit-image ships.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...core.extras import install_command
from ...core.types import Box
from ..errors import SourceError

#: Side of the square photograph, in pixels; all places below are in pixels of it.
SIDE = 512
#: The face, as a detector frames it.
FACE = Box(176, 66, 97, 97)
#: What hides somebody behind: from the hair down, between the ends of the helmet ring.
PERSON = Box(115, 16, 190, 496)
OUTLINE = (
    (40, 530),
    (34, 496),
    (26, 472),
    (23, 432),
    (20, 400),
    (25, 372),
    (30, 332),
    (42, 292),
    (56, 264),
    (76, 236),
    (112, 206),
    (115, 187),
    (125, 177),
    (137, 160),
    (157, 151),
    (182, 149),
    (182, 138),
    (179, 131),
    (172, 122),
    (158, 105),
    (155, 98),
    (153, 68),
    (157, 58),
    (174, 43),
    (189, 35),
    (195, 29),
    (212, 22),
    (227, 16),
    (241, 19),
    (251, 19),
    (276, 31),
    (286, 40),
    (296, 58),
    (299, 72),
    (300, 92),
    (296, 107),
    (289, 117),
    (275, 134),
    (266, 138),
    (263, 150),
    (257, 160),
    (257, 174),
    (277, 188),
    (293, 207),
    (303, 230),
    (305, 238),
    (320, 243),
    (337, 260),
    (350, 283),
    (357, 303),
    (361, 352),
    (380, 347),
    (400, 344),
    (425, 350),
    (450, 362),
    (475, 385),
    (490, 415),
    (497, 450),
    (508, 462),
    (530, 480),
    (530, 530),
)
#: Larger copies only cost memory: the photograph has no more detail.
LARGEST_SCALE = 4.0


class Portrait:
    """The person, prepared at the largest scale at which it will be drawn."""

    def __init__(self, photograph: np.ndarray, scale: float, mirrored: bool, side_light: float):
        """
        Cut the person out of a uint8 ``[512, 512, 3]`` BGR photograph.

        ``scale`` is the largest one that ``draw`` will be asked for; ``side_light`` makes the
        left side brighter by this share and the right side darker.
        """
        scale = min(scale, LARGEST_SCALE)
        mask = _soft_mask()
        color = photograph.astype(np.float32)
        color *= 1 + side_light * np.linspace(1, -1, SIDE, dtype=np.float32)[None, :, None]
        # Premultiplied with the mask: drawing is then one multiplication and one addition.
        color *= mask[:, :, None]
        if mirrored:
            color, mask = color[:, ::-1], mask[:, ::-1]
        size = (max(round(SIDE * scale), 1),) * 2
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        self._color = _to_uint8(cv2.resize(color, size, interpolation=method))
        self._cover = cv2.merge([_to_uint8(255 * cv2.resize(mask, size, interpolation=method))] * 3)

    def draw(self, image: np.ndarray, left: float, top: float, scale: float, light: float) -> None:
        """
        Draw into a uint8 ``[H, W, 3]`` BGR image; what lies outside it is cut off.

        ``left`` and ``top`` are where the photograph's corner comes to lie, in pixels; ``light``
        multiplies the brightness.
        """
        height, width = image.shape[:2]
        side = SIDE * scale
        x0, x1 = max(int(left), 0), min(int(left + side) + 1, width)
        y0, y1 = max(int(top), 0), min(int(top + side) + 1, height)
        if x0 >= x1 or y0 >= y1:
            return
        zoom = side / self._color.shape[0]
        matrix = np.array([[zoom, 0, left - x0], [0, zoom, top - y0]], np.float32)
        size = (x1 - x0, y1 - y0)
        color = cv2.warpAffine(self._color, matrix, size, flags=cv2.INTER_LINEAR)
        cover = cv2.warpAffine(self._cover, matrix, size, flags=cv2.INTER_LINEAR)
        target = image[y0:y1, x0:x1]
        behind = cv2.multiply(target, cv2.bitwise_not(cover), scale=1 / 255)
        target[:] = cv2.add(behind, cv2.convertScaleAbs(color, alpha=light))


def _soft_mask() -> np.ndarray:
    """Return how much each pixel of the photograph belongs to the person, 0..1."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.array(OUTLINE, np.int32)], 255, cv2.LINE_AA)
    # A pixel inwards, or the light wall of the photograph shows as a rim.
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8))
    return cv2.GaussianBlur(inner, (0, 0), 1.3).astype(np.float32) / 255


def make_room(width: int, height: int) -> np.ndarray:
    """Return a softly lit wall above a darker floor, uint8 ``[H, W, 3]`` BGR."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    window = np.exp(-((x - 0.78) ** 2 / 0.05 + (y - 0.25) ** 2 / 0.12))
    lamp = np.exp(-((x - 0.15) ** 2 / 0.02 + (y - 0.15) ** 2 / 0.05))
    light = (0.75 - 0.25 * y + 0.45 * window + 0.15 * lamp)[:, :, None]
    # Plaster: noise of a few sizes, so that the wall is not a perfect gradient.
    random = np.random.RandomState(7)
    for cells in (6, 24, 96):
        coarse = random.standard_normal((cells * 3 // 4, cells)).astype(np.float32)
        noise = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        light += 0.015 * noise[:, :, None]
    floor = (1 / (1 + np.exp(-(y - 0.82) * 60)))[:, :, None]
    wall_color = np.array((150, 140, 118), np.float32)
    floor_color = np.array((70, 88, 110), np.float32)
    return _to_uint8((wall_color * (1 - floor) + floor_color * floor) * light)


def load_photograph() -> np.ndarray:
    """
    Return the photograph as uint8 ``[512, 512, 3]`` BGR.

    Raises ``SourceError`` when scikit-image or its photograph is missing.
    """
    try:
        from skimage.data import astronaut

        photograph = astronaut()
    except Exception as error:  # not installed, or without its files, which it would download
        raise SourceError(
            "the source 'sample' needs a photograph that scikit-image ships "
            f'({type(error).__name__}: {error}): run {install_command("demo")}, or on a robot '
            'sudo apt-get install python3-skimage'
        ) from None
    return np.ascontiguousarray(photograph[:, :, ::-1])


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
