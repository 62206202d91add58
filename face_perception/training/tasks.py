"""Which data a recipe trains on."""

from __future__ import annotations

from pathlib import Path

from .datasets import FaceSet
from .fer2013 import load_emotion
from .recipe import Recipe
from .utkface import load_gender


def load_task(recipe: Recipe, folder: Path | str) -> tuple[FaceSet, FaceSet]:
    """
    Return the training and the validation set of ``recipe`` from the files in ``folder``.

    The pictures are canvases (see ``augmentation.augment``).  Raises ``DatasetError`` when a
    file is missing or malformed.
    """
    if recipe.task == 'emotion':
        return load_emotion(folder, recipe.votes_weight)
    return load_gender(folder, recipe.crop_margin, recipe.input_size, recipe.color)
