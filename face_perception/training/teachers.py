"""Networks to learn from: runs and exported files, with their predictions averaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..core.attributes.classifier import Classifier
from ..core.onnx_models import ClassifierModel, load_classifier
from .checkpoints import finished_checkpoint
from .classification import load_network
from .recipe import Recipe, RecipeError


class Teachers(nn.Module):
    """Several classifiers that predict as one: the logarithm of their mean probabilities."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        """Take networks that map float ``[N, C, S, S]``, 0..255, to logits ``[N, K]``."""
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``[N, K]`` for float ``images [N, C, S, S]``, 0..255."""
        probabilities = [member(images).float().softmax(dim=1) for member in self.members]
        return torch.stack(probabilities).mean(dim=0).clamp(min=1e-7).log()


class ExportedTeacher(nn.Module):
    """An exported file, which predicts as it does in the node."""

    def __init__(self, model: ClassifierModel) -> None:
        """Ask ``model``, whose labels are those of the network that learns."""
        super().__init__()
        self.classifier = Classifier(model)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logarithms of its probabilities ``[N, K]``, for images as of ``Teachers``."""
        pixels = images.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        probabilities = self.classifier.predict(np.ascontiguousarray(pixels))
        return torch.from_numpy(probabilities).to(images.device).clamp(min=1e-7).log()


def load_teachers(paths: Sequence[Path | str], recipe: Recipe) -> nn.Module:
    """
    Return what the folders of runs and the ONNX files of ``paths`` say about images together.

    Raises ``RecipeError`` or ``ModelError`` for one that is missing, or that has other labels,
    colours or another size than what ``recipe`` trains.
    """
    return Teachers(
        [
            _exported(Path(path), recipe) if Path(path).suffix == '.onnx' else _of_run(path, recipe)
            for path in paths
        ]
    )


def _of_run(path: Path | str, recipe: Recipe) -> nn.Module:
    network, said = load_network(path), finished_checkpoint(path)['recipe']
    _check(path, (tuple(said.labels), said.color, said.input_size), recipe)
    return network


def _exported(path: Path, recipe: Recipe) -> ExportedTeacher:
    model = load_classifier(path, recipe.task, torch.get_num_threads())
    _check(path, (model.labels, model.color, model.input_size), recipe)
    return ExportedTeacher(model)


def _check(path: Path | str, found: tuple[tuple[str, ...], str, int], recipe: Recipe) -> None:
    """Raise ``RecipeError`` where labels, colour and size are others than those of ``recipe``."""
    wanted = (tuple(recipe.labels), recipe.color, recipe.input_size)
    if found != wanted:
        raise RecipeError(
            f'{path} cannot teach this recipe: it has labels, colour and size {found}, not {wanted}'
        )
