"""Train a classifier: ``python -m face_perception.training.train --help``."""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor, nn
from torch.nn import functional

from ..core.errors import FacePerceptionError
from .architectures import MiniXception, mini_xception
from .augmentation import augment, center_crop
from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint, write_atomically
from .datasets import FaceSet
from .recipe import Recipe, RecipeError, load_recipe
from .tasks import load_task


class InterruptedRunError(FacePerceptionError):
    """The user asked the run to stop; the last whole epoch is on disk."""


class Run:
    """
    One training run: a network, its averaged copy and an optimiser.

    The random numbers of an epoch follow from the recipe's seed and the epoch's number alone,
    so that a resumed run computes what an uninterrupted one would.
    """

    def __init__(self, recipe: Recipe, train: FaceSet, validation: FaceSet) -> None:
        """Build an untrained network for ``recipe`` and keep both sets as tensors."""
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.network = mini_xception(recipe.channels, len(recipe.labels))
        # Faster on CPUs at 48x48; at 64x64 PyTorch 2.13 corrupts memory with it.
        if recipe.input_size <= 48:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.images, self.targets = to_tensor(train), torch.from_numpy(train.targets)
        self.weights = torch.ones(len(train)) if train.weights is None \
            else torch.from_numpy(train.weights)
        self.validation = center_crop(to_tensor(validation), recipe.input_size)
        self.validation_labels = torch.from_numpy(validation.labels)
        self.steps_per_epoch = len(train) // recipe.batch_size
        if self.steps_per_epoch == 0:
            raise RecipeError(f'{len(train)} pictures do not fill one batch')
        self.epoch = 0
        self.history: list[dict] = []

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from ``checkpoint``; raises ``RecipeError`` if it is of another recipe."""
        if checkpoint.recipe != self.recipe:
            raise RecipeError('the output folder holds a run of another recipe: use a new one')
        self.network.load_state_dict(checkpoint.network)
        self.average.load_state_dict(checkpoint.average)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.epoch, self.history = checkpoint.epoch, checkpoint.history

    def checkpoint(self) -> Checkpoint:
        """Return the state after the last whole epoch."""
        return Checkpoint(self.recipe, self.epoch, self.network.state_dict(),
                          self.average.state_dict(), self.optimizer.state_dict(), self.history)

    def train_epoch(self, on_step=lambda: None) -> dict:
        """
        Train on every picture once, then measure on the validation set.

        ``on_step`` is called after each batch.  Returns the epoch's entry of the history:
        loss, accuracy (0..1) and seconds.
        """
        started = time.monotonic()
        random = torch.Generator().manual_seed(1_000_003 * self.recipe.seed + self.epoch)
        order = torch.randperm(len(self.images), generator=random)
        total = 0.0
        self.network.train()
        for index in range(self.steps_per_epoch):
            chosen = order[index * self.recipe.batch_size:][:self.recipe.batch_size]
            step = self.epoch * self.steps_per_epoch + index
            total += self.train_step(chosen, step, random)
            on_step()
        self.epoch += 1
        entry = {'epoch': self.epoch, 'loss': total / self.steps_per_epoch,
                 'accuracy': self.accuracy(), 'seconds': time.monotonic() - started}
        self.history.append(entry)
        return entry

    def train_step(self, chosen: Tensor, step: int, random: torch.Generator) -> float:
        """Do one step of the optimiser on the pictures ``chosen`` and return its loss."""
        recipe = self.recipe
        for group in self.optimizer.param_groups:
            group['lr'] = learning_rate(recipe, step, recipe.epochs * self.steps_per_epoch)
        images = augment(self.images[chosen], recipe.input_size, recipe.augmentation, random)
        if recipe.input_size <= 48:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast('cpu', torch.bfloat16, enabled=recipe.precision == 'bfloat16'):
            logits = self.network(images).float()
        losses = functional.cross_entropy(
            logits, self.targets[chosen], label_smoothing=recipe.label_smoothing, reduction='none')
        loss = (losses * self.weights[chosen]).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        # Early on the weights change fast: average over few steps then.
        update_average(self.average, self.network, min(recipe.average, (1 + step) / (10 + step)))
        return float(loss.detach())

    @torch.inference_mode()
    def accuracy(self) -> float:
        """Return the share of the validation set that the averaged network gets right."""
        batches = self.validation.split(256)
        answers = torch.cat([self.average(batch.float()).argmax(dim=1) for batch in batches])
        return float((answers == self.validation_labels).float().mean())


def to_tensor(faces: FaceSet) -> Tensor:
    """Return the pictures as uint8 ``[N, C, S, S]``."""
    return torch.from_numpy(faces.images).permute(0, 3, 1, 2).contiguous()


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the rate at ``step`` of ``steps``: linear warm-up, then a cosine to zero."""
    warmup = max(1, round(recipe.warmup * steps))
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    return recipe.learning_rate * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


@torch.no_grad()
def update_average(average: MiniXception, network: nn.Module, decay: float) -> None:
    """Move ``average`` (weights and statistics) by ``1 - decay`` towards ``network``."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(),
                           strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def train(recipe: Recipe, data: tuple[FaceSet, FaceSet], output: Path | str,
          stop_after: int | None = None, console: Console | None = None) -> Run:
    """
    Train ``recipe`` on ``data`` (training set, validation set), or go on with it.

    After each epoch ``output`` holds ``checkpoint.pt`` and ``history.json``.  A run that is
    there already is resumed; ``stop_after`` ends it after that epoch though more are planned.
    Raises ``InterruptedRunError`` on SIGINT or SIGTERM and ``RecipeError`` when ``output`` holds a
    run of another recipe.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    console = console or Console(quiet=True)
    run = Run(recipe, *data)
    found = load_checkpoint(output)
    if found is not None:
        run.restore(found)
        console.print(f'Resuming after epoch {run.epoch} of {recipe.epochs}')
    last = min(stop_after or recipe.epochs, recipe.epochs)
    with Progress(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
                  TimeElapsedColumn(), TextColumn('ETA'), TimeRemainingColumn(),
                  console=console) as progress:
        bar = progress.add_task(recipe.task, total=last * run.steps_per_epoch,
                                completed=run.epoch * run.steps_per_epoch)
        while run.epoch < last:
            entry = run.train_epoch(lambda: progress.advance(bar))
            save_checkpoint(output, run.checkpoint())
            write_atomically(output / 'history.json', json.dumps(run.history).encode())
            console.print('epoch {epoch:3d}  loss {loss:.4f}  accuracy {accuracy:.4f}  '
                          '{seconds:.1f} s'.format(**entry))
    return run


def _interrupt(signum, frame) -> None:
    raise InterruptedRunError('stopped; the same command goes on after the last whole epoch')


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description='Train a classifier (resumes by itself).')
    parser.add_argument('recipe', help='YAML file, such as config/training/emotion.yaml')
    parser.add_argument('--data', required=True, help='folder with the data sets')
    parser.add_argument('--output', required=True, help='folder of the run')
    parser.add_argument('--threads', type=int, help='CPU threads (default: PyTorch decides)')
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        recipe = load_recipe(arguments.recipe)
        train(recipe, load_task(recipe, arguments.data), arguments.output, console=Console())
    except InterruptedRunError as stop:
        print(stop, file=sys.stderr)
        return 130
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
