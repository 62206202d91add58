"""A score of 0.8 is to mean that four of five such boxes are faces."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from .average_precision import Curve
from .network import FaceDetector

#: The fit is not held back: two numbers cannot learn much by heart.
INVERSE_PENALTY = 1e6


def fitted(points: Curve) -> tuple[float, float]:
    """
    Return slope and offset that turn the logits of scores into those of the share of faces.

    A logistic regression (Platt 1999) on the boxes of ``points``; slopes are at least 0, so that
    the order of the boxes stays.  With nothing to learn from, (1, 0).
    """
    hits = np.diff(points.recall, prepend=0.0) > 0
    if hits.all() or not hits.any():
        return 1.0, 0.0
    scores = points.scores.astype(float).clip(1e-6, 1 - 1e-6)
    logits = np.log(scores / (1 - scores))
    model = LogisticRegression(C=INVERSE_PENALTY).fit(logits[:, None], hits)
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (slope, offset) if slope > 0 else (1.0, 0.0)


@torch.no_grad()
def calibrate(network: FaceDetector, slope: float, offset: float) -> None:
    """Make the logits of ``network`` ``slope`` times what they are, plus ``offset``."""
    for kernel, bias in map(nn.Module.parameters, network.outputs()):
        kernel[0] *= slope
        bias[0] = slope * bias[0] + offset
