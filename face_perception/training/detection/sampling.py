"""Batches of augmented samples, made when they are asked for or ahead in other processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...core.errors import FacePerceptionError
from ...core.text import one_line
from ..recipe import DetectorRecipe
from .augmentation import AugmentedSample, augmented_sample
from .mining import Mined
from .pasted import Patches
from .scenes import Scene

#: Batches that each process makes ahead.
AHEAD = 3


@dataclass(frozen=True)
class SampleBatch:
    """
    Augmented samples of one size.

    ``images`` are uint8 ``[N, S, S, 3]``; ``boxes`` float32 ``[K, 4]`` are those of all of them,
    ``of`` int64 ``[K]`` says of which, and ``ignored`` bool ``[K]`` which are not counted.
    """

    images: Tensor
    boxes: Tensor
    of: Tensor
    ignored: Tensor

    def to(self, device: torch.device | str) -> SampleBatch:
        """Return it on ``device``."""
        values = (self.images, self.boxes, self.of, self.ignored)
        return SampleBatch(*(value.to(device, non_blocking=True) for value in values))

    def pin_memory(self) -> SampleBatch:
        """Return it where a GPU can fetch it by itself; PyTorch's loader calls this."""
        values = (self.images, self.boxes, self.of, self.ignored)
        return SampleBatch(*(value.pin_memory() for value in values))


@dataclass(frozen=True)
class Order:
    """What to make: of which random numbers, and how many samples of the middle size."""

    seed: int
    count: int


class Sampler:
    """Makes batches of samples of ``scenes``; ``mined`` may be exchanged between epochs."""

    def __init__(
        self, recipe: DetectorRecipe, scenes: list[Scene], patches: Patches | None
    ) -> None:
        """Draw scenes by the recipe's weights; ``patches`` are pasted into samples."""
        weights = np.array([recipe.weights.get(scene.event, 1.0) for scene in scenes])
        self._recipe, self._scenes, self._patches = recipe, scenes, patches
        self._chances = weights / weights.sum()
        self.mined = Mined()

    def batch(self, order: Order) -> SampleBatch:
        """Return the samples that ``order`` asks for: the same ones each time."""
        sizes = sorted(self._recipe.sizes)
        random = np.random.default_rng(order.seed)
        size = int(random.choice(sizes))
        # Of each size as many as make about as many pixels.
        count = max(1, round(order.count * (sizes[len(sizes) // 2] / size) ** 2))
        return joined([self._sample(size, random) for _ in range(count)])

    def ahead(
        self, orders: Sequence[Order], workers: int, pinned: bool = False
    ) -> Iterator[SampleBatch]:
        """Yield the batches of ``orders``, which ``workers`` processes make ahead."""
        threads = cv2.getNumThreads()
        # One thread each leaves the other cores to the others. It is set here, which ends the
        # threads of OpenCV: a forked process has none of them, and would wait for them for good.
        cv2.setNumThreads(1)
        try:
            return iter(
                DataLoader(
                    _Ordered(self, orders),
                    batch_size=None,
                    num_workers=workers,
                    prefetch_factor=AHEAD,
                    pin_memory=pinned,
                    # They share the scenes, which other ways of starting would copy.
                    multiprocessing_context='fork',
                )
            )
        finally:
            cv2.setNumThreads(threads)

    def _sample(self, size: int, random: np.random.Generator) -> AugmentedSample:
        """Return a sample of a scene that was drawn by chance, or of what was mined."""
        how = self._recipe.augmentation
        if len(self.mined) and random.random() < how.mined:
            index, box = self.mined.draw(random)
            return augmented_sample(self._scenes, index, size, how, random, box, self._patches)
        index = int(random.choice(len(self._scenes), p=self._chances))
        return augmented_sample(self._scenes, index, size, how, random, patches=self._patches)


class WorkerError(FacePerceptionError):
    """A process that made samples ahead is gone."""


@contextmanager
def ends_of_workers_told() -> Iterator[None]:
    """
    Raise ``WorkerError`` where PyTorch finds that a process of ``Sampler.ahead`` has ended.

    It says so in a ``RuntimeError`` in the main thread, wherever that is at the time.
    """
    try:
        yield
    except RuntimeError as error:
        if 'DataLoader worker' not in str(error):
            raise
        raise WorkerError(
            f'a process of --workers is gone ({one_line(error)}): there is too little memory, or '
            'shared memory (in Docker: --shm-size 2g). Give that, or fewer --workers; the same '
            'command goes on after the last whole epoch'
        ) from error


class _Ordered(Dataset):
    """The batches of some orders, as PyTorch's loader asks for them."""

    def __init__(self, sampler: Sampler, orders: Sequence[Order]) -> None:
        self._sampler, self._orders = sampler, orders

    def __len__(self) -> int:
        return len(self._orders)

    def __getitem__(self, number: int) -> SampleBatch:
        return self._sampler.batch(self._orders[number])


def joined(samples: list[AugmentedSample]) -> SampleBatch:
    """Return ``samples`` of one size as one batch."""
    counts = [len(sample.boxes) for sample in samples]
    return SampleBatch(
        torch.from_numpy(np.stack([sample.image for sample in samples])),
        torch.from_numpy(np.concatenate([sample.boxes for sample in samples])),
        torch.from_numpy(np.repeat(np.arange(len(samples)), counts)),
        torch.from_numpy(np.concatenate([sample.ignored for sample in samples])),
    )


def as_input(images: Tensor) -> Tensor:
    """Return images ``[N, H, W, 3]`` as ``[N, 3, H, W]``, channels last in memory."""
    return images.permute(0, 3, 1, 2)
