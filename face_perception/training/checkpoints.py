"""Files of a training run, and networks: a kill at any moment leaves them usable."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..core.errors import ModelError
from ..core.onnx_files import CHECKSUMS
from .recipe import DetectorRecipe, Recipe, RecipeError, recipe_from

if TYPE_CHECKING:
    from onnx import ModelProto

#: Name of the checkpoint in the folder of a run.
FILE = 'checkpoint.pt'


def write_atomically(path: Path | str, content: bytes) -> None:
    """
    Replace the file at ``path`` such that a reader sees the old or the new one whole.

    Raises ``OSError`` when it cannot be written; the old file then stays.
    """
    path = Path(path)
    aside = path.with_name(path.name + '.part')
    try:
        with open(aside, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)  # half a file would keep a full disk full
        error.filename, error.filename2 = str(path), None  # a full disk names none
        raise


def record_sum(path: Path, digest: str) -> None:
    """Enter the SHA-256 ``digest`` of the file at ``path`` into ``SHA256SUMS`` beside it."""
    sums = path.with_name(CHECKSUMS)
    # Of the other lines, which may be anybody's, each stays as it is.
    lines = os.fsdecode(sums.read_bytes()).splitlines() if sums.is_file() else []
    lines = [line for line in lines if line and _file_of(line) != path.name]
    lines.append(f'{digest}  {path.name}')
    lines.sort(key=_file_of)
    write_atomically(sums, os.fsencode(''.join(f'{line}\n' for line in lines)))


def _file_of(line: str) -> str:
    return line.partition(' ')[2].lstrip(' *')


def check_output(path: Path | str) -> Path:
    """
    Return where a file called ``path`` lies, behind links.

    To be asked before a network is measured for long.  Raises ``ModelError`` with what stands in
    the way of writing there: no name, no folder, or something that is no file.
    """
    there = Path(path).resolve()
    if not str(path) or there.is_dir():
        raise ModelError(f"'{path}' is no name of a file: give one that ends in .onnx")
    if not there.parent.is_dir():
        raise ModelError(f"the folder '{there.parent}' does not exist: make it first")
    if there.exists() and not there.is_file():
        raise ModelError(f"'{path}' is a device or a pipe: give the name of a file")
    return there


def writable_folder(path: Path | str) -> Path:
    """
    Return the folder ``path``, made where there is none.

    To be asked before what takes long.  Raises ``RecipeError`` when nothing can be written there,
    and ``OSError`` when it cannot be made.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise RecipeError(
            f'nothing can be written into {folder} ({error.strerror}): give another folder'
        ) from error


def write_model(path: Path | str, model: ModelProto) -> None:
    """
    Write an ONNX file, whole or not at all, and its sum into ``SHA256SUMS`` beside it.

    Raises ``ModelError`` as ``check_output`` does, and ``OSError``.
    """
    content = model.SerializeToString(deterministic=True)
    path = check_output(path)
    write_atomically(path, content)
    record_sum(path, hashlib.sha256(content).hexdigest())


def save_checkpoint(folder: Path | str, recipe, state: dict) -> None:
    """
    Write the ``state`` of a ``Trainer`` that follows ``recipe`` into ``folder``.

    Raises ``OSError`` when it cannot be written; the checkpoint before then stays.
    """
    content = io.BytesIO()  # PyTorch hides a full disk in a RuntimeError of its own
    torch.save({**state, 'recipe': recipe.as_dict()}, content)
    write_atomically(Path(folder) / FILE, content.getvalue())


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
        reason = str(error)
        if ' ' not in reason:  # such as the number of a byte
            reason = f'PyTorch cannot read its {path.stat().st_size} bytes'
        raise RecipeError(f'{path} is not a checkpoint of this program: {reason}') from error


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


def load_averaged(network: nn.Module, checkpoint: dict) -> None:
    """
    Give ``network`` the averaged weights of ``checkpoint``.

    Raises ``RecipeError`` where they are of another network, or no finite numbers.
    """
    try:
        network.load_state_dict(averaged_weights(checkpoint))
    except (RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise RecipeError(
            f'the checkpoint holds another network than its recipe says: {error}'
        ) from error
    if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
        raise RecipeError('the network of the checkpoint holds numbers that are none: train anew')


def branch_decay(run: Path | str, epochs: int, output: Path | str) -> Recipe | DetectorRecipe:
    """
    Begin a decay of ``epochs`` in ``output`` from the last checkpoint of ``run``.

    Returns its recipe.  The run itself is left untouched.  Where ``output`` holds that decay
    already, it is what there is to go on with, whatever the run has done since.  Raises
    ``RecipeError`` when ``run`` holds no checkpoint, or ``output`` something else, and for a
    number of epochs that no recipe can have.
    """
    checkpoint = finished_checkpoint(run)
    if epochs < 1:
        raise RecipeError('a decay takes at least one epoch')
    last = checkpoint['epoch'] + epochs
    recipe = recipe_from({**checkpoint['recipe'].as_dict(), 'epochs': last, 'decay': epochs})
    found = load_checkpoint(output)
    if found is not None:
        if replace(recipe, epochs=found['recipe'].epochs) != found['recipe']:
            raise RecipeError(f'{output} holds another run: use a new folder')
        return found['recipe']
    Path(output).mkdir(parents=True, exist_ok=True)
    save_checkpoint(output, recipe, {**checkpoint, 'recipe': None})
    return recipe
