"""Detectors to learn from: runs, with their predictions averaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..memory import laid_out
from ..recipe import RecipeError
from .learner import load_network
from .network import Predictions


class DetectorTeachers(nn.Module):
    """Several detectors that predict as one: the means of their scores and of their boxes."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        """Take networks that map images to predictions for the same cells."""
        super().__init__()
        self.members = nn.ModuleList(members)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Predictions:
        """Return what they say of ``image``, as ``FaceDetector.forward`` does."""
        said = [member(image) for member in self.members]
        scores = torch.stack([each.scores for each in said]).mean(dim=0)
        return Predictions(
            scores.logit(eps=1e-6), torch.stack([each.boxes for each in said]).mean(dim=0)
        )


def load_detector_teachers(runs: Sequence[Path | str]) -> DetectorTeachers:
    """
    Return the averaged networks of the folders ``runs`` as one teacher.

    Raises ``RecipeError`` for one that holds no checkpoint of a detector.
    """
    return DetectorTeachers([_network(run) for run in runs])


def _network(run: Path | str) -> nn.Module:
    if Path(run).is_file():
        raise RecipeError(f'{run} cannot teach a detector: name the folder of its run')
    return laid_out(load_network(run), torch.channels_last)
