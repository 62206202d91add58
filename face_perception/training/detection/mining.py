"""Training scenes are searched for what a network takes for a face though it is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from ...core.detectors.suppression import overlaps
from ..recipe import DetectorRecipe
from .measure import scaled
from .predict import predict
from .scenes import Scene

#: A box that scores this much is a mistake where it overlaps no face by more than that.
SURE, MOST_OVERLAP = 0.25, 0.3
#: So many mistakes are remembered, the newest.
MOST = 3000


@dataclass(frozen=True)
class Mined:
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
    def of(cls, state: dict) -> Mined:
        """Return what ``state`` was made of; an empty one is nothing mined."""
        return cls(state['indices'].numpy(), state['boxes'].numpy()) if state else cls()


def mine(
    network: nn.Module,
    scenes: list[Scene],
    recipe: DetectorRecipe,
    random: np.random.Generator,
    former: Mined,
    device: torch.device | str = 'cpu',
) -> Mined:
    """
    Return ``former`` and what ``network`` mistakes for a face on some of the ``scenes``.

    Former mistakes in the scenes that are looked at again are forgotten, the oldest too.
    """
    looked_at = random.permutation(len(scenes))[: recipe.mine_scenes]
    kept = ~np.isin(former.indices, looked_at)
    indices, boxes = [former.indices[kept]], [former.boxes[kept]]
    for index in looked_at:
        scene = scenes[index]
        large = scaled(scene, recipe.long_side)
        found = predict(network, large.image, recipe.long_side, device)
        sure = found.boxes[found.scores >= SURE]
        if len(large.boxes):
            sure = sure[overlaps(sure, large.boxes).max(axis=1) < MOST_OVERLAP]
        indices.append(np.full(len(sure), index, np.int64))
        boxes.append(sure * scene.image.shape[1] / large.image.shape[1])
    return Mined(np.concatenate(indices)[-MOST:], np.concatenate(boxes)[-MOST:].astype(np.float32))
