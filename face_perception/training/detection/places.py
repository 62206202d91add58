"""Places in scenes that samples are cut around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from .scenes import Scene

#: What makes a face hard to find: an attribute of its file, and the least of it.
HARD = {'pose': 1, 'occlusion': 2}
#: Pixels: a lower face shows too little of it.
SMALLEST_HARD = 12


@dataclass(frozen=True)
class Places:
    """Boxes ``[M, 4]`` (x1, y1, x2, y2 in the scenes' pixels) and the index of each one's scene."""

    indices: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.indices)

    def draw(self, random: np.random.Generator) -> tuple[int, np.ndarray]:
        """Return one of them by chance."""
        number = int(random.integers(len(self)))
        return int(self.indices[number]), self.boxes[number]

    def state(self) -> dict:
        """Return it as tensors."""
        return {'indices': torch.from_numpy(self.indices), 'boxes': torch.from_numpy(self.boxes)}

    @classmethod
    def of(cls, state: dict) -> Places:
        """Return what ``state`` was made of; an empty one is no place."""
        return cls(state['indices'].numpy(), state['boxes'].numpy()) if state else cls()


def hard_faces(scenes: Sequence[Scene]) -> list[Places]:
    """Return where the faces are that are hard to find, for each of what makes them so."""
    return [places for name, least in HARD.items() if len(places := _with(scenes, name, least))]


def _with(scenes: Sequence[Scene], name: str, least: int) -> Places:
    """Return the faces of which the attribute ``name`` is at least ``least``."""
    chosen = [
        np.flatnonzero(
            ~scene.ignored
            & (scene.attributes.get(name, np.zeros(len(scene.boxes))) >= least)
            & (scene.boxes[:, 3] - scene.boxes[:, 1] >= SMALLEST_HARD)
        )
        for scene in scenes
    ]
    return Places(
        np.repeat(np.arange(len(scenes)), [len(each) for each in chosen]),
        np.concatenate([scene.boxes[each] for scene, each in zip(scenes, chosen, strict=True)]),
    )
