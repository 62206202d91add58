"""How the face detector learns from scenes."""

from __future__ import annotations

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


class DetectorLearner:
    """
    A face detector that learns from scenes.

    Implements ``trainer.Learner``.  All views of a batch have one size, drawn from the
    recipe's: of the middle size one per scene of the batch, of the others as many as have
    about as many pixels, so that every batch takes about the same time.
    """

    def __init__(
        self,
        recipe: DetectorRecipe,
        train: list[Scene],
        validation: list[Scene],
        device: torch.device | str = 'cpu',
    ) -> None:
        """Build an untrained network."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, torch.device(device)
        self.network = FaceDetector().to(self.device, memory_format=torch.channels_last)
        if recipe.freeze_first:
            self.network.freeze_first()
        self.scenes, self.validation = train, validation

    def __len__(self) -> int:
        """Return the number of training scenes."""
        return len(self.scenes)

    def pictures(self, count: int) -> Tensor:
        """Return up to ``count`` views, float ``[N, 3, S, S]``, of scenes evenly picked."""
        every = max(1, len(self.scenes) // count)
        views = [
            random_view(
                self.scenes,
                index,
                self.recipe.sizes[-1],
                self.recipe.augmentation,
                np.random.default_rng(index),
            )
            for index in range(0, len(self.scenes), every)
        ]
        return as_input(
            torch.from_numpy(np.stack([view.image for view in views[:count]])).to(self.device)
        )

    def loss(self, batch: Batch, network: nn.Module) -> Tensor:
        """Return the loss of ``network`` on random views of the scenes of ``batch``."""
        sizes = sorted(self.recipe.sizes)
        seed = int(torch.randint(2**31, (1,), generator=batch.random))
        random = np.random.default_rng(seed)
        size = int(random.choice(sizes))
        count = max(1, round(len(batch.chosen) * (sizes[len(sizes) // 2] / size) ** 2))
        chosen = batch.chosen[:count].tolist()
        chosen += random.integers(len(self.scenes), size=count - len(chosen)).tolist()
        views = [
            random_view(self.scenes, index, size, self.recipe.augmentation, random)
            for index in chosen
        ]
        images = torch.from_numpy(np.stack([view.image for view in views])).to(self.device)
        logits, boxes = network(as_input(images))
        faces, ignored = (
            [torch.from_numpy(view.boxes[view.ignored == which]).to(self.device) for view in views]
            for which in (False, True)
        )
        return detection_loss(
            logits.float(), boxes, faces, ignored, *cells(size, size, self.device)
        )

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the average precision on the validation scenes (see ``average_precision``)."""
        found = [
            predict(network, scene.image, self.recipe.long_side, self.device)
            for scene in self.validation
        ]
        return {'average_precision': average_precision(self.validation, found)}


def as_input(images: Tensor) -> Tensor:
    """Return uint8 ``[N, H, W, 3]`` as float ``[N, 3, H, W]``, channels last in memory."""
    return images.permute(0, 3, 1, 2).float()
