"""Files of a training run, written such that a kill at any moment leaves them usable."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from ..core.onnx_models import CHECKSUMS
from .recipe import RecipeError, recipe_from

#: Name of the checkpoint in the folder of a run.
FILE = 'checkpoint.pt'


def write_atomically(path: Path | str, content: bytes) -> None:
    """Replace the file at ``path`` such that a reader sees the old or the new one whole."""
    path = Path(path)
    aside = path.with_name(path.name + '.part')
    with open(aside, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def record_sum(path: Path, digest: str) -> None:
    """Enter the SHA-256 ``digest`` of the file at ``path`` into ``SHA256SUMS`` beside it."""
    sums = path.with_name(CHECKSUMS)
    lines = sums.read_text(encoding='ascii').splitlines() if sums.is_file() else []
    entries = dict(reversed(line.split(maxsplit=1)) for line in lines)
    entries[path.name] = digest
    text = ''.join(f'{digest}  {name}\n' for name, digest in sorted(entries.items()))
    write_atomically(sums, text.encode('ascii'))


def save_checkpoint(folder: Path | str, recipe, state: dict) -> None:
    """Write the ``state`` of a ``Trainer`` that follows ``recipe`` into ``folder``."""
    path = Path(folder) / FILE
    aside = path.with_name(FILE + '.part')
    torch.save({'recipe': recipe.as_dict(), **state}, aside)
    os.replace(aside, path)


def load_checkpoint(folder: Path | str) -> dict | None:
    """
    Return the checkpoint in ``folder``, or ``None`` when there is none yet.

    It holds what ``Trainer.state`` returned, on the CPU, and ``recipe``.  Raises
    ``RecipeError`` when the file there was written by something else.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        return {**state, 'recipe': recipe_from(state['recipe'])}
    except Exception as error:  # whatever the file makes PyTorch stumble over
        raise RecipeError(f'{path} is not a checkpoint of this program: {error}') from error


def finished_checkpoint(folder: Path | str) -> dict:
    """Return the checkpoint in ``folder``; raises ``RecipeError`` when there is none yet."""
    checkpoint = load_checkpoint(folder)
    if checkpoint is None:
        raise RecipeError(f'{folder} holds no checkpoint: train first')
    return checkpoint


def averaged_weights(checkpoint: dict) -> dict:
    """Return the state dictionary of the averaged network in ``checkpoint``: the one to use."""
    prefix = 'module.'
    return {
        name.removeprefix(prefix): value
        for name, value in checkpoint['average'].items()
        if name.startswith(prefix)
    }
