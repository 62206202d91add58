"""The loop that trains any network of this package, and its state on disk."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..core.errors import FacePerceptionError
from .muon import Muon
from .recipe import RecipeError, Schedule

#: Kinds of devices; a number may follow, as in ``cuda:1``.
DEVICES = ('cpu', 'cuda', 'mps')


class DivergedError(FacePerceptionError):
    """The loss is no finite number any more; what is on disk is of the last epoch before."""


@dataclass(frozen=True)
class Batch:
    """
    Which images to learn from next: ``chosen`` are their indices, int64 ``[B]``.

    ``random`` is where every random change of them comes from; two batches of the same ``key``
    are the same images with the same changes.
    """

    chosen: Tensor
    random: torch.Generator
    key: tuple[int, int]

    def split(self, count: int) -> list[Batch]:
        """Return ``count`` micro-batches, of which each has random numbers of its own."""
        if count == 1:
            return [self]
        seeds = torch.randint(2**31, (count,), generator=self.random).tolist()
        augmentation, start = self.key
        shares = self.chosen.tensor_split(count)
        starts = [start + sum(map(len, shares[:index])) for index in range(count)]
        return [
            Batch(share, torch.Generator().manual_seed(seed), (augmentation, start))
            for share, seed, start in zip(shares, seeds, starts, strict=True)
        ]


class Learner(Protocol):
    """What is trained: a network, its images and what the two have to do with each other."""

    @property
    def network(self) -> nn.Module:
        """Return what learns."""

    def __len__(self) -> int:
        """Return the number of training images."""

    def sample_images(self, count: int) -> Tensor:
        """Return up to ``count`` training images as the network gets them, unchanged."""

    def prepared(self, batches: Iterable[list[Batch]]) -> Iterable[Sequence[Any]]:
        """Return what ``loss`` takes for each batch of an epoch, of each its micro-batches."""

    def loss(self, batch: Any, network: nn.Module) -> Tensor:
        """Return what ``network``, its own or a twin, loses on ``batch``, a scalar."""

    def begin_epoch(self, epoch: int, average: nn.Module) -> None:
        """Prepare epoch number ``epoch`` (from 0); ``average`` is the averaged network."""

    def state(self) -> dict:
        """Return what the learner has to know to go on, as plain data and tensors."""

    def restore(self, state: dict) -> None:
        """Go on from what ``state`` returned."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return what ``network`` reaches on the validation set, by name, the main number first."""


class Trainer:
    """
    One training run: a learner's network, its averaged copy, an optimiser and a schedule.

    The rate rises during the warm-up, stays, and falls to nothing during the decay at the end
    (Hu et al. 2024, "warm-up, stable, decay"), so that a run can go on for ever and a decay be
    branched off it whenever a network is wanted.  A running average of the weights is what is
    measured and exported.  The random numbers of an epoch follow from the seed and the epoch's
    number alone, so that a resumed run computes what an uninterrupted one would.

    With ``micro_batches`` above 1 so many threads learn from a share of each batch at the same
    time, and the mean of their gradients is followed.  Where PyTorch's own threads wait for each
    other after every small layer, these do once per batch.  Each micro-batch is normalised by
    itself.
    """

    def __init__(
        self, schedule: Schedule, learner: Learner, device: torch.device, micro_batches: int = 1
    ) -> None:
        """Raise ``RecipeError`` when the images, or a share of them, do not fill one batch."""
        if not 1 <= micro_batches <= schedule.batch_size // 2:
            raise RecipeError(
                f'a batch of {schedule.batch_size} makes 1 to '
                f'{schedule.batch_size // 2} micro-batches, not {micro_batches}'
            )
        self.schedule, self.learner, self.device = schedule, learner, device
        self.steps_per_epoch = len(learner) // schedule.batch_size
        if self.steps_per_epoch == 0:
            raise RecipeError(
                f'{len(learner)} images do not fill a batch of '
                f'{schedule.batch_size}: set a smaller batch_size'
            )
        self.network = learner.network
        self._learned = [value for value in self.network.parameters() if value.requires_grad]
        self._twins = [self.network, *(_twin(self.network) for _ in range(micro_batches - 1))]
        self._threads = ThreadPoolExecutor(
            micro_batches,
            initializer=torch.set_num_threads,
            initargs=(max(1, torch.get_num_threads() // micro_batches),),
        )
        self.average = AveragedModel(
            self.network, multi_avg_fn=_running_average(schedule.average), use_buffers=True
        ).eval()
        self.optimizer = _optimizer(self._learned, schedule)
        self.scheduler = LambdaLR(self.optimizer, self._share_of_the_rate)
        self.epoch = 0
        self.history: list[dict] = []

    def _share_of_the_rate(self, step: int) -> float:
        """Return the share (0..1) of the highest rate that step number ``step`` has."""
        schedule, steps = self.schedule, self.steps_per_epoch
        share = min(1.0, (step + 1) / max(schedule.warmup * steps, 1))
        if schedule.decay > 0:
            share *= min(1.0, max(0.0, schedule.epochs * steps - step) / (schedule.decay * steps))
        return share

    def state(self) -> dict:
        """Return the state after the last whole epoch, as plain data and tensors."""
        return {
            'epoch': self.epoch,
            'history': self.history,
            'network': self.network.state_dict(),
            'average': self.average.state_dict(),
            'optimizer': self.optimizer.state_dict(),
            'scheduler': {'last_epoch': self.scheduler.last_epoch},
            'learner': self.learner.state(),
        }

    def restore(self, state: dict) -> None:
        """
        Go on from what ``state`` returned; raises ``RecipeError`` where it does not fit.

        The state may be of a run with another schedule: the rate is that of this one's.
        """
        try:
            for name in ('network', 'average', 'optimizer'):
                getattr(self, name).load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise RecipeError(
                f'the checkpoint is of another network or optimiser: {error}'
            ) from error
        self.learner.restore(state.get('learner', {}))
        self.scheduler.last_epoch = state['scheduler']['last_epoch']
        for group, rate, highest in zip(
            self.optimizer.param_groups,
            self.scheduler.lr_lambdas,
            self.scheduler.base_lrs,
            strict=True,
        ):
            group['lr'] = highest * rate(self.scheduler.last_epoch)
        self.epoch, self.history = state['epoch'], state['history']

    def train_epoch(self, on_step: Callable[[], None] = lambda: None) -> dict:
        """
        Train on every image once, then measure the averaged network if it is time to.

        ``on_step`` is called after each batch.  Returns the epoch's entry of the history:
        epoch, loss, learning_rate, the numbers of ``Learner.validate``, seconds.
        """
        started = time.monotonic()
        distinct = self.schedule.distinct_augmentations
        augmentation = self.epoch % distinct if distinct else self.epoch
        seed = 1_000_003 * self.schedule.seed + augmentation
        # For what draws from PyTorch's own generator, such as dropout.
        torch.manual_seed(seed)
        random = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.learner), generator=random)
        size, total = self.schedule.batch_size, 0.0
        rate = self.optimizer.param_groups[0]['lr']
        self.learner.begin_epoch(self.epoch, self.average.module)
        for twin in self._twins:
            twin.train()
        batches = (
            Batch(order[start : start + size], random, (augmentation, start)).split(
                len(self._twins)
            )
            for start in range(0, self.steps_per_epoch * size, size)
        )
        for shares in self.learner.prepared(batches):
            loss = self._step(shares)
            if not math.isfinite(loss):
                raise DivergedError(
                    f'the loss became {loss} in epoch {self.epoch + 1}: lower learning_rate, now '
                    f'{self.schedule.learning_rate:g}, and go on from the checkpoint before'
                )
            total += loss
            on_step()
        self.epoch += 1
        numbers = {}
        if self.epoch % self.schedule.validate_every == 0 or self.epoch == self.schedule.epochs:
            with torch.inference_mode():
                numbers = self.learner.validate(self.average.module.eval())
        entry = {
            'epoch': self.epoch,
            'loss': total / self.steps_per_epoch,
            'learning_rate': rate,
            **numbers,
            'seconds': time.monotonic() - started,
        }
        self.history.append(entry)
        return entry

    def _step(self, shares: Sequence[Any]) -> float:
        """Do one step of the optimiser on a batch's shares and return its loss."""
        if len(shares) == 1:
            steps = [self._gradients(shares[0], self.network)]
        else:
            steps = list(self._threads.map(self._gradients, shares, self._twins))
        losses, gradients = zip(*steps, strict=True)
        for value, *each in zip(self._learned, *gradients, strict=True):
            value.grad = sum(each) / len(each)
        self.optimizer.step()
        self.scheduler.step()
        self.average.update_parameters(self.network)
        return sum(losses) / len(losses)

    def _gradients(self, batch: Any, network: nn.Module) -> tuple[float, tuple[Tensor, ...]]:
        """Return the loss of ``network`` on ``batch`` and its gradients."""
        # Nothing is cached between casts: the cache would be shared by the threads.
        with torch.autocast(
            self.device.type,
            torch.bfloat16,
            cache_enabled=False,
            enabled=self.schedule.precision == 'bfloat16',
        ):
            loss = self.learner.loss(batch, network)
        return float(loss.detach()), torch.autograd.grad(loss, self._learned)


def _twin(network: nn.Module) -> nn.Module:
    """Return a copy of ``network`` with the same weights, but statistics of its own."""
    twin = copy.deepcopy(network)
    for copied, module in zip(twin.modules(), network.modules(), strict=True):
        copied._parameters.update(module._parameters)
    return twin


def _optimizer(learned: list[nn.Parameter], schedule: Schedule) -> torch.optim.Optimizer:
    """Return the optimiser of ``schedule``: kernels decay, biases and normalisations do not."""
    kernels = [value for value in learned if value.ndim > 1]
    groups = [
        {'params': kernels, 'weight_decay': schedule.weight_decay},
        {'params': [value for value in learned if value.ndim <= 1], 'weight_decay': 0.0},
    ]
    if schedule.optimizer == 'muon':
        return Muon(groups, schedule.learning_rate)
    return torch.optim.AdamW(groups, schedule.learning_rate)


def _running_average(decay: float) -> Callable:
    """Return the update of an exponential average that reaches ``decay`` after a warm-up."""

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        # Early on the weights change fast: average over few steps then.
        steps = int(count)
        get_ema_multi_avg_fn(min(decay, (1 + steps) / (10 + steps)))(averaged, current, count)

    return update


def pick_device(name: str) -> torch.device:
    """
    Return the device called ``name`` (see ``DEVICES``), ``auto`` being CUDA where there is one.

    Raises ``RecipeError`` when it is not there, or none that networks are trained on.
    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    if name.partition(':')[0] not in DEVICES:
        raise RecipeError(f'{name} is no device to train on: use one of {", ".join(DEVICES)}')
    if name.startswith('cuda') and not torch.cuda.is_available():
        raise RecipeError('PyTorch sees no CUDA device here: use --device cpu')
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f'{name} is no device here: use cpu or cuda ({reason})') from error
