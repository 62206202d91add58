"""Train a network: ``face_perception_train --help``."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..console.counts import DoneOfTotal
from ..console.endings import exit_status
from .checkpoints import (
    branch_decay,
    finished_checkpoint,
    load_checkpoint,
    save_checkpoint,
    writable_folder,
    write_atomically,
)
from .classification import ClassifierLearner
from .command_line import parse_arguments
from .data import load_task
from .data.datasets import single
from .detection.learner import DetectorLearner
from .detection.pasted import read_crops
from .detection.sampling import ends_of_workers_told
from .detection.scenes import load_scenes
from .detection.teachers import load_detector_teachers
from .learning_curves import learning_curves
from .provenance import provenance, same_origin
from .recipe import DetectorRecipe, Recipe, RecipeError, load_recipe
from .teachers import load_teachers
from .trainer import DivergedError, Learner, Trainer, pick_device
from .warm_start import start_from

#: The last epoch of a run that goes on until it is stopped.
FOREVER = sys.maxsize
HISTORY, CURVES = 'history.json', 'learning_curves.png'
#: Images that the statistics of a network are measured on that starts from a file.
STATISTICS = 256

#: Set when the user asks the run to stop: what a signal handler raises is lost where it meets a
#: destructor or a callback of a weak reference, so that each step looks here too.
_asked_to_stop = threading.Event()


class InterruptedRunError(KeyboardInterrupt):  # noqa: N818 (an error only of this run)
    """
    The user asked the run to stop; the last whole epoch is on disk.

    No ``Exception``, so that no reader of damaged files takes it for damage.
    """


def train(
    recipe: Recipe | DetectorRecipe,
    trainer: Trainer,
    output: Path | str,
    stop_after: int | None = None,
    console: Console | None = None,
    made_from: dict | None = None,
) -> Trainer:
    """
    Run ``trainer`` to the end of ``recipe``, or go on with what is in ``output``.

    After each epoch ``output`` holds ``checkpoint.pt``, ``history.json`` and
    ``learning_curves.png``.  ``stop_after`` ends the run after that epoch though more are
    planned.  ``made_from`` is what each checkpoint tells of its origin (see ``provenance``).
    Raises ``InterruptedRunError`` on SIGINT or SIGTERM (see ``main``) and ``RecipeError`` when
    ``output`` holds a run of another recipe or on other data.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    console = console or Console(quiet=True)
    made_from = made_from or provenance(trainer.learner)
    found = load_checkpoint(output)
    if found is not None:
        if found['recipe'] != recipe:
            raise RecipeError(f'{output} holds a run of another recipe: use a new folder')
        made_from = same_origin(found, made_from, output)
        trainer.restore(found)
        console.print(f'Resuming after epoch {trainer.epoch}')
    last = min(stop_after or recipe.epochs or FOREVER, recipe.epochs or FOREVER)
    if trainer.epoch >= last:  # killed before it had told of the last epoch, or called once more
        _write(output, recipe, trainer, made_from)
        console.print(f'Nothing is left to do: {trainer.epoch} of {last} epochs are done')
        return trainer
    steps = trainer.steps_per_epoch
    with Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        DoneOfTotal(),
        TimeElapsedColumn(),
        TextColumn('ETA'),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task(
            recipe.task,
            total=None if last == FOREVER else last * steps,
            completed=trainer.epoch * steps,
        )

        def after_step() -> None:
            _stop_if_asked()
            progress.advance(bar)

        while trainer.epoch < last:
            entry = trainer.train_epoch(after_step)
            finite_or_stop(trainer, entry)
            _write(output, recipe, trainer, made_from)
            console.print(
                '  '.join(f'{name} {value:.4g}' for name, value in entry.items()),
                soft_wrap=True,
                markup=False,  # names of sources may be anything
            )
    return trainer


def _recipe(arguments: argparse.Namespace) -> Recipe | DetectorRecipe:
    """Return the recipe of the file, of the run to go on with, or of the decay to branch off."""
    run = Path(arguments.recipe)
    if arguments.decay is not None:
        if arguments.output is None or Path(arguments.output).resolve() == run.resolve():
            raise RecipeError('--decay needs an --output of its own: the run stays as it is')
        return branch_decay(run, arguments.decay, arguments.output)
    if run.is_dir():
        arguments.output = arguments.output or str(run)
        if Path(arguments.output).resolve() != run.resolve():
            raise RecipeError(f'{run} is a run: it goes on in its own folder, without --output')
        return finished_checkpoint(run)['recipe']
    if arguments.output is None:
        raise RecipeError('--output is needed: the folder of the run')
    return load_recipe(run)


def finite_or_stop(trainer: Trainer, entry: dict) -> None:
    """Raise ``DivergedError`` when the epoch of ``entry`` has left numbers that are none."""
    weights = trainer.average.module.state_dict().values()
    if math.isfinite(entry['loss']) and all(bool(value.isfinite().all()) for value in weights):
        return
    raise DivergedError(
        f'the training diverged in epoch {entry["epoch"]} (loss {entry["loss"]:g}): lower '
        'learning_rate; what was saved after the epoch before is left as it is'
    )


def _write(
    output: Path, recipe: Recipe | DetectorRecipe, trainer: Trainer, made_from: dict
) -> None:
    try:
        save_checkpoint(output, recipe, {**trainer.state(), **made_from})
        write_atomically(output / HISTORY, json.dumps(trainer.history, indent=1).encode())
        learning_curves(trainer.history, output / CURVES)
    except OSError as error:
        raise RecipeError(
            f'{output} cannot be written: {error}; what was saved after the epoch before is '
            'whole: make room, and the same command goes on from there'
        ) from error


def make_learner(
    recipe: Recipe | DetectorRecipe,
    data: Sequence[str],
    teachers: Sequence[str],
    malformed: str,
    device: torch.device,
    workers: int = 0,
) -> Learner:
    """Return what ``recipe`` trains, with its data and those it is to learn from (may be none)."""
    if isinstance(recipe, DetectorRecipe):
        folder = single(data)
        crops = read_crops(folder, malformed) if recipe.augmentation.paste else {}
        return DetectorLearner(
            recipe,
            load_scenes(recipe, folder, malformed),
            device,
            crops,
            workers,
            load_detector_teachers(teachers) if teachers else None,
        )
    if workers:
        raise RecipeError('--workers makes samples for a detector: leave it out for a classifier')
    return ClassifierLearner(
        recipe,
        *load_task(recipe, data, malformed),
        load_teachers(teachers, recipe) if teachers else None,
        device,
    )


def interrupt(number, frame) -> None:
    """Take a signal: the training is to stop, at once or where it can."""
    if not _asked_to_stop.is_set():  # else it is on its way out
        _asked_to_stop.set()
        _stop_if_asked()


def _stop_if_asked() -> None:
    if _asked_to_stop.is_set():
        raise InterruptedRunError('stopped; the same command goes on after the last whole epoch')


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    try:
        recipe, device = _recipe(arguments), pick_device(arguments.device)
        writable_folder(arguments.output)
        learner = make_learner(
            recipe,
            arguments.data,
            arguments.teacher,
            arguments.malformed,
            device,
            arguments.workers,
        )
        if arguments.start_from:
            start_from(learner.network, arguments.start_from, learner.sample_images(STATISTICS))
        trainer = Trainer(recipe, learner, device, arguments.micro_batches)
        made_from = provenance(learner, arguments.start_from, arguments.teacher)
        with ends_of_workers_told():
            train(recipe, trainer, arguments.output, console=Console(), made_from=made_from)
    except InterruptedRunError as stop:
        print(stop, file=sys.stderr)
        return 130
    return 0


def main() -> int:
    """Run the command line; returns the exit status."""
    arguments = parse_arguments()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    _asked_to_stop.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    return exit_status(run, arguments)


if __name__ == '__main__':
    sys.exit(main())
