"""How right a network is about the faces it is sure of: what a threshold on confidence costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Confidences, 0..1, from which on a prediction is given; 0 gives one for every face.
THRESHOLDS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def answered(
    probabilities: np.ndarray, labels: np.ndarray, thresholds: Sequence[float] = THRESHOLDS
) -> list[dict[str, float | None]]:
    """
    Return, for each of ``thresholds``, how many faces get a prediction and how many rightly.

    ``probabilities`` is ``[N, K]``, ``labels`` int ``[N]``.  ``accuracy`` is of those that get one,
    ``None`` where nobody is.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    points = []
    for threshold in thresholds:
        sure = confidence >= threshold
        points.append(
            {
                'threshold': threshold,
                'answered': round(float(sure.mean()), 4),
                'accuracy': round(float(right[sure].mean()), 4) if sure.any() else None,
            }
        )
    return points
