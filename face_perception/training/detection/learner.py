"""How the face detector learns from scenes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from ..recipe import DetectorRecipe
from ..trainer import Batch
from .average_precision import average_precision
from .losses import detection_loss
from .network import FaceDetector, cells
from .predict import predict
from .scenes import Scene
from .views import random_view

#: Threads that make views: OpenCV does most of the work, and lets the others run meanwhile.
VIEW_THREADS = 2


class DetectorLearner:
    """
    A face detector that learns from scenes.

    Implements ``trainer.Learner``.  All views of a batch have one size, drawn from the
    recipe's.
    """

    def __init__(self, recipe: DetectorRecipe, train: list[Scene], validation: list[Scene],
                 device: torch.device | str = 'cpu') -> None:
        """Build an untrained network."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, torch.device(device)
        self.network = FaceDetector().to(self.device, memory_format=torch.channels_last)
        self.scenes, self.validation = train, validation
        self._view_makers = ThreadPoolExecutor(VIEW_THREADS)

    def __len__(self) -> int:
        """Return the number of training scenes."""
        return len(self.scenes)

    def pictures(self, count: int) -> Tensor:
        """Return up to ``count`` views, float ``[N, 3, S, S]``, of scenes evenly picked."""
        every = max(1, len(self.scenes) // count)
        views = [random_view(self.scenes, index, self.recipe.sizes[-1], self.recipe.augmentation,
                             np.random.default_rng(index))
                 for index in range(0, len(self.scenes), every)]
        return as_input(torch.from_numpy(np.stack([view.image for view in views[:count]]))
                        .to(self.device))

    def loss(self, batch: Batch) -> Tensor:
        """Return the loss of the network on random views of the scenes of ``batch``."""
        seeds = torch.randint(2 ** 31, (len(batch.chosen) + 1,), generator=batch.random).tolist()
        size = self.recipe.sizes[seeds.pop() % len(self.recipe.sizes)]
        # Each view has a seed of its own, so that it does not matter which thread makes it.
        views = list(self._view_makers.map(
            lambda index, seed: random_view(self.scenes, index, size, self.recipe.augmentation,
                                            np.random.default_rng(seed)),
            batch.chosen.tolist(), seeds))
        images = torch.from_numpy(np.stack([view.image for view in views])).to(self.device)
        logits, boxes = self.network(as_input(images))
        faces, ignored = ([torch.from_numpy(view.boxes[view.ignored == which]).to(self.device)
                           for view in views] for which in (False, True))
        return detection_loss(logits.float(), boxes, faces, ignored,
                              *cells(size, size, self.device))

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the average precision on the validation scenes (see ``average_precision``)."""
        found = [predict(network, scene.image, self.recipe.long_side, self.device)
                 for scene in self.validation]
        return {'average_precision': average_precision(self.validation, found)}


def as_input(images: Tensor) -> Tensor:
    """Return uint8 ``[N, H, W, 3]`` as float ``[N, 3, H, W]``, channels last in memory."""
    return images.permute(0, 3, 1, 2).float()
