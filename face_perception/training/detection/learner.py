"""How the face detector learns from scenes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from ..checkpoints import finished_checkpoint, load_averaged
from ..memory import laid_out
from ..recipe import DetectorRecipe, RecipeError, check_teacher
from ..trainer import Batch
from .augmentation import augmented_sample
from .average_precision import curve
from .losses import detection_loss, distance
from .measure import at_precision, scaled
from .mining import Mined, mine
from .network import FaceDetector, cells
from .pasted import Patch, Patches
from .predict import predict
from .sampling import Order, SampleBatch, Sampler, as_input, joined
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
        workers: int = 0,
        teacher: nn.Module | None = None,
    ) -> None:
        """
        Build an untrained network.

        The faces of ``crops``, by file, are pasted into scenes; ``workers`` processes make samples
        ahead (0: none, the thread that learns from them makes them).  ``teacher`` sees the same
        samples.  Raises ``RecipeError`` if one is needed or too much.
        """
        check_teacher(recipe, teacher)
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, torch.device(device)
        self.network = laid_out(FaceDetector(recipe.width).to(self.device), torch.channels_last)
        self._teacher = None if teacher is None else teacher.to(self.device)
        self.scenes, self._split = split.train, split
        self.validation = [scaled(scene, recipe.long_side) for scene in split.validation]
        self._crops = crops if recipe.augmentation.paste else {}
        faces = [patch for patches in crops.values() for patch in patches]
        patches = Patches(faces, split.train) if recipe.augmentation.paste else None
        self._sampler, self._workers = Sampler(recipe, split.train, patches), workers

    @property
    def data_sets(self) -> dict[str, dict[str, int]]:
        """Return by source file how many images it learns from, and how many were kept back."""
        counts: dict[str, dict[str, int]] = {}
        kept_back = [*self._split.validation, *self._split.apart]
        for name, scenes in (('training', self._split.train), ('validation', kept_back)):
            for scene in scenes:
                said = counts.setdefault(scene.source, {'training': 0, 'validation': 0})
                said[name] += 1
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
        return as_input(joined(samples[:count]).images.to(self.device)).float()

    def begin_epoch(self, epoch: int, average: nn.Module) -> None:
        """Look for what the averaged network gets wrong, every so many epochs."""
        if self.recipe.mine_every and epoch and epoch % self.recipe.mine_every == 0:
            random = np.random.default_rng([self.recipe.seed, epoch])
            self._sampler.mined = mine(
                average.eval(), self.scenes, self.recipe, random, self._sampler.mined, self.device
            )

    def state(self) -> dict:
        """Return what was mined."""
        return self._sampler.mined.state()

    def restore(self, state: dict) -> None:
        """Go on with what ``state`` returned."""
        self._sampler.mined = Mined.of(state)

    def prepared(self, batches: Iterable[list[Batch]]) -> Iterator[Sequence[SampleBatch | Order]]:
        """
        Yield what to learn from in each step.

        With workers these are samples made ahead, else orders: whoever learns makes the samples.
        """
        orders = ([self._order(share) for share in shares] for shares in batches)
        if not self._workers:
            yield from orders
            return
        wanted = list(orders)
        every = [order for shares in wanted for order in shares]
        made = self._sampler.ahead(every, self._workers, self.device.type == 'cuda')
        for shares in wanted:
            yield [next(made) for _ in shares]

    def _order(self, batch: Batch) -> Order:
        seed = int(torch.randint(2**31, (1,), generator=batch.random))
        return Order(seed, len(batch.chosen))

    def loss(self, batch: SampleBatch | Order, network: nn.Module) -> Tensor:
        """Return the loss of ``network`` on augmented samples of random scenes."""
        made = batch if isinstance(batch, SampleBatch) else self._sampler.batch(batch)
        made = made.to(self.device)
        images, size = as_input(made.images), made.images.shape[1]
        predictions = network(images)
        loss = detection_loss(predictions, made, *cells(size, size, self.device))
        if self._teacher is None:
            return loss
        share = self.recipe.distillation
        return (1 - share) * loss + share * distance(predictions, self._teacher(images))

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


def load_network(run: Path | str) -> FaceDetector:
    """
    Return the averaged network of the folder ``run``, ready for inference.

    Raises ``RecipeError`` when there is no checkpoint of a detector.
    """
    checkpoint = finished_checkpoint(run)
    if not isinstance(checkpoint['recipe'], DetectorRecipe):
        raise RecipeError(f'{run} is the run of a classifier, not of a detector')
    return network_of(checkpoint)


def network_of(checkpoint: dict) -> FaceDetector:
    """Return the averaged detector of ``checkpoint``, ready for inference."""
    network = FaceDetector(checkpoint['recipe'].width)
    load_averaged(network, checkpoint)
    return network.eval()
