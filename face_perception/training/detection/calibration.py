"""A score of 0.8 is to mean that four of five such boxes are faces."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, numpy_helper
from sklearn.linear_model import LogisticRegression

from .average_precision import Curve

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


def calibrate(model: ModelProto, slope: float, offset: float) -> None:
    """Make the logits of a detector's graph ``slope`` times what they are, plus ``offset``."""
    stored = {entry.name: entry for entry in model.graph.initializer}
    outputs = {node.input[0] for node in model.graph.node if node.op_type == 'Split'}
    for node in model.graph.node:
        if node.op_type == 'Conv' and node.output[0] in outputs:
            for name, added in zip(node.input[1:], (0.0, offset), strict=True):
                values = numpy_helper.to_array(stored[name]).copy()
                values[0] = slope * values[0] + added
                stored[name].CopyFrom(numpy_helper.from_array(values, name))
