"""Images with a given number of faces, composed on the spot."""

from __future__ import annotations

import numpy as np

from face_perception.core.types import Box
from face_perception.media.sample.portrait import (
    FACE,
    PERSON,
    SIDE,
    Portrait,
    load_photograph,
    make_room,
)

#: Columns and rows in which so many people stand.
GRIDS = {1: (1, 1), 4: (2, 2), 8: (4, 2), 16: (4, 4)}
#: What one person needs of the photograph, in its pixels: the head, and the neck above the next.
CELL = (200, 170)
#: The largest face, as a share of the image's height.
LARGEST_FACE = 0.3


def crowd(faces: int, width: int, height: int) -> tuple[np.ndarray, list[Box]]:
    """
    Return a uint8 ``[H, W, 3]`` BGR image of a group of people, and where their faces are.

    All are the same public-domain photograph, every other one mirrored and each lit differently.
    ``faces`` is 0 or one of ``GRIDS``.
    """
    image, boxes = make_room(width, height), []
    if not faces:
        return image, boxes
    columns, rows = GRIDS[faces]
    scale = min(
        width / columns / CELL[0], height / rows / CELL[1], LARGEST_FACE * height / FACE.height
    )
    portraits = [Portrait(load_photograph(), scale, mirrored, 0.1) for mirrored in (False, True)]
    # Those at the back stand higher and are drawn first.
    for row in range(rows):
        for column in range(columns):
            number = row * columns + column
            mirrored = number % 2 == 1
            x = SIDE - FACE.x - FACE.width if mirrored else FACE.x
            left = (column + 0.5) * width / columns - (x + FACE.width / 2) * scale
            # The hair's top lies a little below the cell's.
            top = row * height / rows - (PERSON.y - 4) * scale
            portraits[mirrored].draw(image, left, top, scale, 0.8 + 0.4 * (number * 5 % 8) / 8)
            boxes.append(
                Box(left + x * scale, top + FACE.y * scale, FACE.width * scale, FACE.height * scale)
            )
    return image, boxes
