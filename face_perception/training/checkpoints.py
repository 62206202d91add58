"""The state of a training run on disk, so that a killed run goes on where it was."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from .recipe import Recipe, RecipeError, recipe_from

#: Name of the checkpoint in the folder of a run.
FILE = 'checkpoint.pt'


@dataclass
class Checkpoint:
    """
    A run after ``epoch`` whole epochs.

    ``network`` and ``average`` are state dictionaries of the network that is trained and of
    the running average of its weights (the one to use); ``history`` has one entry per epoch.
    """

    recipe: Recipe
    epoch: int
    network: dict
    average: dict
    optimizer: dict
    history: list[dict] = field(default_factory=list)


def write_atomically(path: Path | str, content: bytes) -> None:
    """Replace the file at ``path`` such that a reader sees the old or the new one whole."""
    path = Path(path)
    aside = path.with_name(path.name + '.part')
    with open(aside, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def save_checkpoint(folder: Path | str, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` into ``folder``, which a kill at any moment leaves usable."""
    path = Path(folder) / FILE
    aside = path.with_name(FILE + '.part')
    torch.save({**vars(checkpoint), 'recipe': checkpoint.recipe.as_dict()}, aside)
    os.replace(aside, path)


def load_checkpoint(folder: Path | str) -> Checkpoint | None:
    """
    Return the checkpoint in ``folder``, or ``None`` when there is none yet.

    Raises ``RecipeError`` when the file there was written by something else.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        values = torch.load(path, map_location='cpu', weights_only=True)
        return Checkpoint(**{**values, 'recipe': recipe_from(values['recipe'])})
    except (KeyError, TypeError, RuntimeError) as error:
        raise RecipeError(f'{path} is not a checkpoint of this program: {error}') from error
