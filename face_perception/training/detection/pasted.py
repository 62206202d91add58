"""
Faces of one image are pasted into another (Ghiasi et al. 2021), and pieces of background beside.

A network that sees each person before one background learns the background as well.  The pieces
without a face are cut and blended in the same way, so that the seam itself says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..data import face_crops
from ..data.canvases import check_box
from ..data.entries import TRAIN
from ..data.faults import STOP, Faults, MalformedError
from .scenes import Scene

#: Lower faces, in pixels of their scene, are not pasted elsewhere: they are a blur.
SMALLEST = 24
#: A face is cut out with this share of its box's sides beyond each edge.
MARGIN = 0.3
#: The half axes of the ellipse that is pasted, in halves of the box, at least and at most.
REACH = (0.95, 1.2)
#: How wide the seam is, as a share of the box's height, at least and at most.
SEAM = (0.02, 0.12)
#: A face is enlarged at most by this, and at most this share of the sample's side high.
ENLARGED, LARGEST = 1.4, 0.6
#: Into one sample at most so many pieces are pasted, each at a place found in so many tries.
MOST, TRIES = 3, 6
#: The share of pieces that show no face.
WITHOUT_FACE = 0.5
#: A pasted piece is lighter or darker by up to this share, and turned by up to so many degrees.
LIGHT, TURN = 0.2, 20.0


@dataclass(frozen=True)
class Patch:
    """An ``image`` uint8 BGR ``[H, W, 3]`` and the ``box`` x1, y1, x2, y2 of the face in it."""

    image: np.ndarray
    box: np.ndarray


class Patches:
    """Faces to paste, and scenes that pieces of background are cut from."""

    def __init__(self, faces: Iterable[Patch], scenes: Sequence[Scene]) -> None:
        """Gather the ``faces``, those of ``scenes``, and the backgrounds of ``scenes``."""
        self._faces = [*faces, *(patch for scene in scenes for patch in _faces_of(scene))]
        self._scenes = scenes

    def paste(
        self,
        image: np.ndarray,
        boxes: np.ndarray,
        smallest: float,
        random: np.random.Generator,
    ) -> np.ndarray:
        """
        Paste up to ``MOST`` pieces into ``image``, where no box of ``boxes [M, 4]`` is.

        Faces become at least ``smallest`` pixels high.  Returns the boxes ``[K, 4]`` of those
        that show a face.
        """
        taken, added = list(boxes), []
        for _ in range(int(random.integers(1, MOST + 1))):
            is_face = bool(self._faces) and random.random() >= WITHOUT_FACE
            patch = self._face(random) if is_face else self._background(random)
            box = None if patch is None else _blend(image, patch, taken, smallest, random)
            if box is not None:
                taken.append(box)
                if is_face:
                    added.append(box)
        return np.array(added, np.float32).reshape(-1, 4)

    def _face(self, random: np.random.Generator) -> Patch:
        return self._faces[int(random.integers(len(self._faces)))]

    def _background(self, random: np.random.Generator) -> Patch | None:
        """Return a piece of a scene that touches no face, or nothing after a few tries."""
        for _ in range(TRIES if self._scenes else 0):
            scene = self._scenes[int(random.integers(len(self._scenes)))]
            sides = np.array(scene.image.shape[1::-1])
            tall = np.exp(random.uniform(np.log(SMALLEST), np.log(0.6 * sides.min() + SMALLEST)))
            half = np.array([tall * random.uniform(0.7, 1.0), tall]) / 2
            if (2 * half * (1 + 2 * MARGIN) > sides).any():
                continue
            middle = random.uniform(half, sides - half)
            box = np.concatenate([middle - half, middle + half])
            if not _touches(box, scene.boxes):
                return _cut(scene.image, box)
        return None


def read_crops(folder: Path | str, malformed: str = STOP) -> dict[str, list[Patch]]:
    """
    Return by file the faces in the crops with boxes that lie in ``folder``, none if there are none.

    Of their training split alone, of whichever task (see ``data.face_crops``); ``malformed`` as
    in ``scenes.load_scenes``.  Raises ``DatasetError`` when a file is malformed.
    """
    crops = {}
    for path in sorted(Path(folder).glob('*.zip')):
        if face_crops.find(path) is not None:
            faults = Faults(path, malformed)
            crops[path.stem] = list(_faces_in(path, faults))
            faults.summarise()
    return crops


def _faces_in(path: Path, faults: Faults) -> Iterator[Patch]:
    for entry in face_crops.read(path, (TRAIN,), faults, ()):
        try:
            image, box = entry.read()
            if box is None:
                continue
            check_box(box, *image.shape[1::-1])
        except MalformedError as error:
            faults.report(entry.name, error)
        else:
            yield _cut(image, np.array([box.x, box.y, box.x + box.width, box.y + box.height]))


def _faces_of(scene: Scene) -> Iterable[Patch]:
    for box, ignored in zip(scene.boxes, scene.ignored, strict=True):
        if not ignored and box[3] - box[1] >= SMALLEST:
            yield _cut(scene.image, box)


def _cut(image: np.ndarray, box: np.ndarray) -> Patch:
    """Return the piece around ``box``: a view of ``image``, not a copy."""
    margin = MARGIN * (box[2:] - box[:2])
    left, top = np.maximum(np.floor(box[:2] - margin), 0).astype(int)
    right, bottom = np.ceil(box[2:] + margin).astype(int)
    piece = image[top:bottom, left:right]
    return Patch(piece, np.asarray(box, np.float32) - np.array([left, top] * 2, np.float32))


def _touches(box: np.ndarray, others: Sequence[np.ndarray] | np.ndarray) -> bool:
    """Tell whether ``box``, with a margin, overlaps one of ``others``."""
    others = np.asarray(others).reshape(-1, 4)
    margin = MARGIN * (box[2:] - box[:2])
    near = (others[:, :2] < box[2:] + margin) & (others[:, 2:] > box[:2] - margin)
    return bool(near.all(axis=1).any())


def _blend(
    image: np.ndarray,
    patch: Patch,
    taken: Sequence[np.ndarray],
    smallest: float,
    random: np.random.Generator,
) -> np.ndarray | None:
    """Paste ``patch`` at a free place of ``image``; return its box there, or nothing."""
    sides = patch.box[2:] - patch.box[:2]
    shape = np.array(image.shape[1::-1])
    largest = min(ENLARGED * sides[1], LARGEST * shape.min())
    if largest <= smallest:
        return None
    scale = np.exp(random.uniform(np.log(smallest), np.log(largest))) / sides[1]
    half = sides * scale / 2
    middle = _free(half, shape, taken, random)
    if middle is None:
        return None
    angle = np.deg2rad(random.uniform(-TURN, TURN) if random.random() < 0.5 else 0.0)
    mirror = -1.0 if random.random() < 0.5 else 1.0
    turn = scale * np.array(
        [[mirror * np.cos(angle), -mirror * np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    reach = random.uniform(*REACH) * half
    around = np.abs(turn) @ (reach / scale) + 2 * SEAM[1] * half
    corner = np.maximum(np.floor(middle - around), 0).astype(int)
    end = np.minimum(np.ceil(middle + around), shape).astype(int)
    under = image[corner[1] : end[1], corner[0] : end[0]]
    light = _warped(patch, turn, middle - corner, end - corner) * (
        1 + random.uniform(-LIGHT, LIGHT)
    )
    solid = np.zeros(under.shape[:2], np.float32)
    center, axes = ([round(16 * float(each)) for each in pair] for pair in (middle - corner, reach))
    degrees = float(np.rad2deg(angle)) * mirror
    cv2.ellipse(solid, center, axes, degrees, 0, 360, 1.0, -1, cv2.LINE_8, 4)
    seam = max(random.uniform(*SEAM) * 2 * half[1], 0.5)
    share = cv2.GaussianBlur(solid, (0, 0), seam)[..., None]
    under[:] = (under + share * (light - under)).clip(0, 255).astype(np.uint8)
    halves = np.sqrt((sides / 2) ** 2 @ (turn**2).T)  # of what bounds the turned ellipse
    return np.concatenate([middle - halves, middle + halves])


def _free(
    half: np.ndarray, shape: np.ndarray, taken: Sequence[np.ndarray], random: np.random.Generator
) -> np.ndarray | None:
    """Return a middle around which a box of these halves is free, or nothing after some tries."""
    if (2 * half > shape).any():
        return None
    for _ in range(TRIES):
        middle = random.uniform(half, shape - half)
        if not _touches(np.concatenate([middle - half, middle + half]), taken):
            return middle
    return None


def _warped(patch: Patch, turn: np.ndarray, middle: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return ``patch`` with its face's middle at ``middle`` of an image of ``size`` (w, h)."""
    source, shrunk = patch.image, np.ones(2)
    scale = np.sqrt(abs(np.linalg.det(turn)))
    if scale < 0.6:  # interpolation alone would skip pixels
        small = max(2 * scale, 0.05)
        source = cv2.resize(source, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        shrunk = np.array(source.shape[1::-1]) / np.array(patch.image.shape[1::-1])
    offset = middle - turn @ ((patch.box[:2] + patch.box[2:]) / 2)
    matrix = np.concatenate([turn / shrunk, offset[:, None]], axis=1)
    return cv2.warpAffine(
        source,
        matrix,
        [int(side) for side in size],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
