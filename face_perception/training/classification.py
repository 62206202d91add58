"""How a classifier learns from images of faces."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .architectures import ARCHITECTURES, Classifier
from .augmentation import augment, center_crop
from .checkpoints import finished_checkpoint, load_averaged
from .data import FaceSet
from .data.datasets import split_for_calibration
from .data.fer2013 import VOTES
from .memory import laid_out
from .recipe import Recipe, RecipeError, check_teacher
from .trainer import Batch

#: Images per call of a network when it is only measured.
BATCH = 256


class ClassifierLearner:
    """
    A network that learns the targets of a ``FaceSet`` and, where given, a teacher's predictions.

    Implements ``trainer.Learner``.  The teacher sees the same changed images as the network
    (Beyer et al. 2022, "A good teacher is patient and consistent").
    """

    def __init__(
        self,
        recipe: Recipe,
        train: FaceSet,
        validation: FaceSet,
        teacher: nn.Module | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        """Build an untrained network; raises ``RecipeError`` if a teacher is needed or too much."""
        check_teacher(recipe, teacher)
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        if recipe.calibration_share > 0:
            train, _ = split_for_calibration(train, recipe.calibration_share)
        if recipe.votes_task > 0 and train.votes is None:
            raise RecipeError('the recipe has a votes_task, but the data have no votes')
        self.network = build(recipe).to(device)
        self.votes = None if recipe.votes_task == 0 else torch.from_numpy(train.votes).to(device)
        self.teacher = None if teacher is None else teacher.to(device).eval()
        self.known: dict[tuple[int, int], Tensor] = {}
        self.images = to_tensor(train).to(device)
        self.targets = torch.from_numpy(train.targets).to(device)
        self.weights = (
            torch.ones(len(train), device=device)
            if train.weights is None
            else torch.from_numpy(train.weights).to(device)
        )
        self.validation = center_crop(to_tensor(validation).to(device), recipe.input_size)
        self.labels = torch.from_numpy(validation.labels).to(device)
        self.data_sets = {
            name: {'training': train.count_by_source().get(name, 0), 'validation': count}
            for name, count in {
                **dict.fromkeys(train.count_by_source(), 0),
                **validation.count_by_source(),
            }.items()
        }
        self._held_out = _masks_by_source(validation, device)

    def __len__(self) -> int:
        """Return the number of training images."""
        return len(self.images)

    def sample_images(self, count: int) -> Tensor:
        """Return up to ``count`` training images, float ``[N, C, S, S]``, evenly picked."""
        every = max(1, len(self.images) // count)
        chosen = self.images[::every][:count]
        return arranged(center_crop(chosen, self.recipe.input_size).float())

    def begin_epoch(self, epoch: int, average: nn.Module) -> None:
        """Prepare nothing."""

    def state(self) -> dict:
        """Return nothing: all that a classifier has learned is in its network."""
        return {}

    def restore(self, state: dict) -> None:
        """Go on; see ``state``."""

    def prepared(self, batches: Iterable[list[Batch]]) -> Iterable[list[Batch]]:
        """Return the batches: their images are changed by whoever learns from them."""
        return batches

    def loss(self, batch: Batch, network: nn.Module) -> Tensor:
        """Return the mean weighted loss on randomly changed versions of the images."""
        recipe, chosen = self.recipe, batch.chosen.to(self.images.device)
        images = arranged(
            augment(self.images[chosen], recipe.input_size, recipe.augmentation, batch.random)
        )
        targets, weights = self.targets[chosen], self.weights[chosen]
        votes = None if self.votes is None else self.votes[chosen]
        if recipe.mixup > 0:
            mix = Mix(len(chosen), recipe.mixup, batch.random, images.device)
            images, targets, weights = arranged(mix(images)), mix(targets), mix(weights)
            votes = None if votes is None else mix(votes)
        outputs = network(images).float()
        logits = outputs[:, : len(recipe.labels)]
        losses = functional.cross_entropy(
            logits, targets, label_smoothing=recipe.label_smoothing, reduction='none'
        )
        losses = losses * (targets.sum(dim=1) > 0)  # nothing where the label is unknown
        if self.teacher is not None:
            taught = self._taught(self.teacher, images, batch.key)
            losses = (1 - recipe.distillation) * losses + recipe.distillation * distance(
                logits, taught, recipe.distillation_temperature
            )
        if votes is not None:
            opinions = functional.log_softmax(outputs[:, len(recipe.labels) :], dim=1)
            losses = losses - recipe.votes_task * (votes * opinions).sum(dim=1)
        return (losses * weights).mean()

    @torch.no_grad()
    def _taught(self, teacher: nn.Module, images: Tensor, key: tuple[int, int]) -> Tensor:
        """Return a teacher's logits, from memory where the same batch was seen before."""
        if key in self.known:
            return self.known[key]
        logits = teacher(images).float()[:, : len(self.recipe.labels)]
        if self.recipe.distinct_augmentations:
            self.known[key] = logits
        return logits

    def validate(self, network: nn.Module) -> dict[str, float]:
        """
        Return the share of the validation set that ``network`` gets right, as ``accuracy``.

        Where images are from several sources, also of each of these.
        """
        logits = logits_of(network, self.validation)[:, : len(self.recipe.labels)]
        right = (logits.argmax(dim=1) == self.labels).float()
        return {
            'accuracy': float(right.mean()),
            **{f'accuracy_{name}': float(right[inside].mean()) for name, inside in self._held_out},
        }


class Mix:
    """
    Lays one image of a batch over another, and their targets (Zhang et al. 2018, "mixup").

    The share of the one is drawn from a beta distribution whose parameters are both ``strength``.
    """

    def __init__(
        self, count: int, strength: float, random: torch.Generator, device: torch.device
    ) -> None:
        """Draw the shares of ``count`` images."""
        seed = int(torch.randint(2**31, (1,), generator=random))
        shares = np.random.default_rng(seed).beta(strength, strength, count)
        self._shares = torch.from_numpy(shares.astype(np.float32)).to(device)

    def __call__(self, values: Tensor) -> Tensor:
        """Return the mixed ``values [N, ...]``."""
        shares = self._shares.view(-1, *[1] * (values.ndim - 1))
        return shares * values + (1 - shares) * values.flip(0)


def _masks_by_source(faces: FaceSet, device: torch.device | str) -> list[tuple[str, Tensor]]:
    """Return name and mask ``[N]`` of each source where there are several, else nothing."""
    names = faces.count_by_source()
    if len(names) < 2:
        return []
    return [(name, torch.from_numpy(faces.sources == name).to(device)) for name in names]


def build(recipe: Recipe) -> Classifier:
    """
    Return an untrained network of ``recipe``: an output per label, then one per kind of vote.

    Raises ``RecipeError`` for an unknown architecture.
    """
    if recipe.architecture not in ARCHITECTURES:
        raise RecipeError(
            f'architecture must be one of {tuple(ARCHITECTURES)}, not {recipe.architecture!r}'
        )
    outputs = len(recipe.labels) + (len(VOTES) if recipe.votes_task > 0 else 0)
    network = ARCHITECTURES[recipe.architecture](recipe.channels, outputs)
    return laid_out(network, memory_format(recipe.input_size))


def load_network(run: Path | str) -> Classifier:
    """
    Return the averaged network of the folder ``run``, ready for inference on its labels.

    Raises ``RecipeError`` when there is no checkpoint of a classifier.
    """
    checkpoint = finished_checkpoint(run)
    if not isinstance(checkpoint['recipe'], Recipe):
        raise RecipeError(f'{run} is the run of a detector, not of a classifier')
    return network_of(checkpoint)


def network_of(checkpoint: dict) -> Classifier:
    """Return the averaged classifier of ``checkpoint``, ready for inference on its labels."""
    network = build(checkpoint['recipe'])
    load_averaged(network, checkpoint)
    return without_votes(network, len(checkpoint['recipe'].labels)).eval()


def distance(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """
    Return how far ``logits [N, K]`` are from a teacher's, ``taught [N, K]``, float ``[N]``.

    The Kullback-Leibler divergence of both softened by ``temperature``, times its square so
    that gradients keep their size (Hinton et al. 2015).
    """
    divergence = functional.kl_div(
        functional.log_softmax(logits / temperature, dim=1),
        functional.log_softmax(taught / temperature, dim=1),
        reduction='none',
        log_target=True,
    )
    return temperature**2 * divergence.sum(dim=1)


def logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """Return float32 ``[N, K]`` for uint8 ``images [N, C, S, S]``, computed in batches."""
    return torch.cat([network(arranged(batch.float())) for batch in images.split(BATCH)])


def memory_format(size: int) -> torch.memory_format:
    """
    Return how images of ``size`` pixels lie best in memory.

    Channels last is faster on CPUs; at 64x64 PyTorch 2.13 corrupts memory with it.
    """
    return torch.channels_last if size <= 48 else torch.contiguous_format


def arranged(images: Tensor) -> Tensor:
    """Return ``images [N, C, S, S]`` in the memory format of their size."""
    return images.contiguous(memory_format=memory_format(images.shape[-1]))


def to_tensor(faces: FaceSet) -> Tensor:
    """Return the images as uint8 ``[N, C, S, S]``."""
    return torch.from_numpy(faces.images).permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def without_votes(network: Classifier, labels: int) -> Classifier:
    """Return a copy of ``network`` with its first ``labels`` outputs alone."""
    network = copy.deepcopy(network)
    last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
    last.weight = nn.Parameter(last.weight[:labels].clone())
    if last.bias is not None:
        last.bias = nn.Parameter(last.bias[:labels].clone())
    last.out_channels = labels
    return network
