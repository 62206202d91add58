"""
The built-in sample: a moving scene with one to three faces, and with none at times.

It is made at run time: cut-outs of one photograph walk through a generated room, in several
sizes, mirrored and lit differently, and pass behind each other.  The same index always gives
the same image, and the true place of every face is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...core.types import Box
from .portrait import FACE, PERSON, SIDE, Portrait, load_photograph, make_room

#: Seconds after which the scene begins again, without a jump.
LOOP_S = 15.0
#: Height in pixels of the image for which the scales below are meant.
NATIVE_HEIGHT = 480
#: A face is listed while at least this share of its box is seen.
VISIBLE_SHARE = 0.5


@dataclass(frozen=True)
class Pose:
    """Where a person stands: the photograph's corner and scale, in pixels of the image."""

    left: float
    top: float
    scale: float
    light: float
    face: Box
    person: Box


@dataclass(frozen=True)
class Walk:
    """
    One person's way through the scene.

    ``stops`` are (time in seconds, x of the face's centre as a share of the image's width,
    scale of the photograph); between two stops the person speeds up and slows down.  ``y`` is
    the centre of the face as a share of the image's height, ``light`` the brightness at the
    first and at the last stop, ``side_light`` how much brighter the left side is than the right.
    """

    stops: tuple[tuple[float, float, float], ...]
    y: float
    light: tuple[float, float]
    mirrored: bool = False
    side_light: float = 0.0

    def pose(self, seconds: float, width: int, height: int) -> Pose | None:
        """Return where the person is at a time in 0..``LOOP_S``, ``None`` when not there."""
        times, shares, scales = zip(*self.stops)
        if seconds < times[0]:
            seconds += LOOP_S
        if not times[0] <= seconds < times[-1]:
            return None
        step = sum(seconds >= time for time in times[1:])
        progress = (seconds - times[step]) / (times[step + 1] - times[step])
        progress = progress * progress * (3 - 2 * progress)
        whole = (seconds - times[0]) / (times[-1] - times[0])
        scale = _between(scales[step], scales[step + 1], progress) * height / NATIVE_HEIGHT
        center_x = _between(shares[step], shares[step + 1], progress) * width
        # People bob a little when they walk.
        center_y = (self.y + 0.008 * math.sin(5 * seconds)) * height
        left = center_x - self._mirrored(FACE).center[0] * scale
        top = center_y - FACE.center[1] * scale

        def in_image(box: Box) -> Box:
            box = self._mirrored(box)
            return Box(
                left + box.x * scale, top + box.y * scale, box.width * scale, box.height * scale
            )

        return Pose(
            left, top, scale, _between(*self.light, whole), in_image(FACE), in_image(PERSON)
        )

    def _mirrored(self, box: Box) -> Box:
        if not self.mirrored:
            return box
        return Box(SIDE - box.x - box.width, box.y, box.width, box.height)


#: Those at the back first: who comes later in this list walks in front.
WALKS = (
    Walk(
        ((1.0, 1.30, 0.60), (3.4, 0.80, 0.60), (4.4, 0.78, 0.60), (8.4, -0.32, 0.62)),
        y=0.55,
        light=(0.75, 0.95),
        mirrored=True,
        side_light=0.1,
    ),
    Walk(
        ((2.6, -0.45, 0.78), (5.0, 0.20, 0.80), (6.8, 0.24, 0.86), (9.0, -0.45, 0.86)),
        y=0.42,
        light=(1.1, 1.0),
        side_light=-0.15,
    ),
    Walk(
        ((9.2, 1.42, 0.72), (11.4, 0.70, 0.72), (12.3, 0.66, 0.76), (14.6, 1.42, 0.76)),
        y=0.44,
        light=(0.5, 1.1),
        mirrored=True,
    ),
    Walk(
        (
            (12.3, -0.45, 0.90),
            (14.8, 0.32, 0.90),
            (17.0, 0.34, 1.02),
            (18.8, 0.60, 0.98),
            (20.2, 0.62, 0.98),
            (23.2, 1.45, 0.98),
        ),
        y=0.32,
        light=(0.95, 1.05),
        side_light=0.15,
    ),
)


class SampleScene:
    """The sample at one image size and rate."""

    def __init__(self, width: int = 640, height: int = 480, rate: float = 15.0):
        """
        Describe images of ``width`` x ``height`` pixels, ``rate`` of them per second.

        Nothing is drawn before the first image is asked for.
        """
        self.width, self.height, self.rate = width, height, rate

    def __len__(self) -> int:
        """Return the number of images in one loop."""
        return max(round(LOOP_S * self.rate), 1)

    def frame(self, index: int) -> np.ndarray:
        """
        Return image ``index`` (any integer of 0 or more) as uint8 ``[H, W, 3]`` BGR.

        Raises ``SourceError`` when scikit-image or its photograph is missing.
        """
        image = self._room.copy()
        for walk, portrait in zip(WALKS, self._portraits):
            pose = walk.pose(self._seconds(index), self.width, self.height)
            if pose is not None:
                portrait.draw(image, pose.left, pose.top, pose.scale, pose.light)
        return image

    def faces(self, index: int) -> list[Box]:
        """
        Return the true boxes of the faces in image ``index``, those at the back first.

        A face is listed while at least half of its box lies in the image and is not hidden
        by somebody in front; the boxes are not clipped to the image.
        """
        poses = [
            pose
            for walk in WALKS
            if (pose := walk.pose(self._seconds(index), self.width, self.height))
        ]
        return [
            pose.face
            for number, pose in enumerate(poses)
            if self._visible_area(pose, poses[number + 1 :]) >= VISIBLE_SHARE * pose.face.area
        ]

    def _visible_area(self, pose: Pose, in_front: list[Pose]) -> float:
        seen = pose.face.clipped(self.width, self.height)
        return seen.area - max((_overlap(seen, other.person) for other in in_front), default=0.0)

    @cached_property
    def _room(self) -> np.ndarray:
        return make_room(self.width, self.height)

    @cached_property
    def _portraits(self) -> list[Portrait]:
        photograph = load_photograph()
        unit = self.height / NATIVE_HEIGHT
        return [
            Portrait(
                photograph,
                max(scale for _, _, scale in walk.stops) * unit,
                walk.mirrored,
                walk.side_light,
            )
            for walk in WALKS
        ]

    def _seconds(self, index: int) -> float:
        return index % len(self) / self.rate


def _between(first: float, second: float, progress: float) -> float:
    return first + progress * (second - first)


def _overlap(first: Box, second: Box) -> float:
    width = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    height = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    return max(width, 0.0) * max(height, 0.0)
