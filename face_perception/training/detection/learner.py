"""How the face detector learns from scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from ..recipe import DetectorRecipe
from ..trainer import Batch
from .augmentation import AugmentedSample, augmented_sample
from .average_precision import curve
from .losses import detection_loss
from .measure import at_precision, scaled
from .mining import Mined, mine
from .network import FaceDetector, cells
from .pasted import Patch, Patches
from .predict import predict
from .scenes import Split

#: The precision at which the recall of a run is told.
PRECISION = 0.9


class DetectorLearner:
    """
    A face detector that learns from scenes.

    Implements ``trainer.Learner``.  Scenes are drawn by the recipe's weights.  All samples of a
    batch have one size, drawn from the recipe's: of the middle size one per scene of the batch,
    of the others as many as have about as many pixels, so that every batch takes about the same
    time.
    """

    def __init__(
        self,
        recipe: DetectorRecipe,
        split: Split,
        device: torch.device | str = 'cpu',
        crops: Mapping[str, Sequence[Patch]] = MappingProxyType({}),
    ) -> None:
        """Build an untrained network; the faces of ``crops``, by file, are pasted into scenes."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, torch.device(device)
        self.network = FaceDetector().to(self.device, memory_format=torch.channels_last)
        self.scenes, self._split = split.train, split
        self.validation = [scaled(scene, recipe.long_side) for scene in split.validation]
        weights = np.array([recipe.weights.get(scene.event, 1.0) for scene in split.train])
        self._chances = weights / weights.sum()
        self._mined = Mined()
        self._crops = crops
        faces = [patch for patches in crops.values() for patch in patches]
        self._patches = Patches(faces, split.train) if recipe.augmentation.paste else None

    @property
    def data_sets(self) -> dict[str, dict[str, int]]:
        """Return by source file how many images it learns from, and how many were kept back."""
        counts = {}
        kept_back = [*self._split.validation, *self._split.apart]
        for name, scenes in (('training', self._split.train), ('validation', kept_back)):
            for scene in scenes:
                said = counts.setdefault(scene.source, {'training': 0, 'validation': 0})
                said[name] += 1
        if self._patches is not None:
            for source, patches in self._crops.items():
                counts[source] = {'training': len(patches), 'validation': 0}
        return counts

    def __len__(self) -> int:
        """Return the number of training scenes."""
        return len(self.scenes)

    def sample_images(self, count: int) -> Tensor:
        """Return up to ``count`` augmented samples, ``[N, 3, S, S]``, of scenes evenly picked."""
        every = max(1, len(self.scenes) // count)
        samples = [
            augmented_sample(
                self.scenes,
                index,
                self.recipe.sizes[-1],
                self.recipe.augmentation,
                np.random.default_rng(index),
            )
            for index in range(0, len(self.scenes), every)
        ]
        return as_input(samples[:count], self.device).float()

    def begin_epoch(self, epoch: int, average: nn.Module) -> None:
        """Look for what the averaged network gets wrong, every so many epochs."""
        if self.recipe.mine_every and epoch and epoch % self.recipe.mine_every == 0:
            random = np.random.default_rng([self.recipe.seed, epoch])
            self._mined = mine(
                average.eval(), self.scenes, self.recipe, random, self._mined, self.device
            )

    def state(self) -> dict:
        """Return what was mined."""
        return self._mined.state()

    def restore(self, state: dict) -> None:
        """Go on with what ``state`` returned."""
        self._mined = Mined.of(state)

    def loss(self, batch: Batch, network: nn.Module) -> Tensor:
        """Return the loss of ``network`` on augmented samples of random scenes."""
        sizes = sorted(self.recipe.sizes)
        seed = int(torch.randint(2**31, (1,), generator=batch.random))
        random = np.random.default_rng(seed)
        size = int(random.choice(sizes))
        count = max(1, round(len(batch.chosen) * (sizes[len(sizes) // 2] / size) ** 2))
        samples = [self._sample(size, random) for _ in range(count)]
        predictions = network(as_input(samples, self.device))
        faces, ignored = (
            [
                torch.from_numpy(sample.boxes[sample.ignored == which]).to(self.device)
                for sample in samples
            ]
            for which in (False, True)
        )
        return detection_loss(predictions, faces, ignored, *cells(size, size, self.device))

    def _sample(self, size: int, random: np.random.Generator) -> AugmentedSample:
        """Return a sample of a scene that was drawn by chance, or of what was mined."""
        how = self.recipe.augmentation
        if len(self._mined) and random.random() < how.mined:
            index, box = self._mined.draw(random)
            return augmented_sample(self.scenes, index, size, how, random, box, self._patches)
        index = int(random.choice(len(self.scenes), p=self._chances))
        return augmented_sample(self.scenes, index, size, how, random, patches=self._patches)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return average precision, and recall at ``PRECISION``, on the validation scenes."""
        found = [
            predict(network, scene.image, self.recipe.long_side, self.device)
            for scene in self.validation
        ]
        points = curve(self.validation, found)
        return {
            'average_precision': points.average,
            f'recall_at_{PRECISION:g}': at_precision(points, PRECISION),
        }


def as_input(samples: list[AugmentedSample], device: torch.device | str) -> Tensor:
    """Return the images of ``samples`` as uint8 ``[N, 3, H, W]``, channels last in memory."""
    images = torch.from_numpy(np.stack([sample.image for sample in samples]))
    return images.to(device).permute(0, 3, 1, 2)
