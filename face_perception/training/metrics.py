"""Numbers that say how good a classifier is."""

from __future__ import annotations

import numpy as np


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the share (0..1) of rows ``[N, K]`` whose largest entry is at ``labels [N]``."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def recall_per_class(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return, per class, the share of its pictures that were recognised; NaN if it has none."""
    table = confusion(probabilities, labels)
    with np.errstate(invalid='ignore'):
        return table.diagonal() / table.sum(axis=1)


def macro_f1(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over classes of 2 TP / (2 TP + FP + FN), 0..1."""
    table = confusion(probabilities, labels)
    return float((2 * table.diagonal() / np.maximum(table.sum(0) + table.sum(1), 1)).mean())


def confusion(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return counts int64 ``[K, K]``: row = true class, column = answer."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes ** 2).reshape(classes, classes)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """
    Return the expected calibration error, 0 (a stated 80 % is right in 80 %) to 1.

    The mean gap between confidence and accuracy over ``bins`` equal intervals of confidence,
    weighted by their pictures (Guo et al. 2017).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    interval = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(interval, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """
    Return the temperature that makes ``labels [N]`` most likely given ``logits [N, K]``.

    Temperature scaling (Guo et al. 2017), searched in steps of 1 % from 0.25 to 4.
    """
    candidates = np.round(np.exp(np.arange(np.log(0.25), np.log(4), 0.01)), 3)
    return float(min(candidates, key=lambda value: log_loss(logits / value, labels)))


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean negative log likelihood of ``labels`` under softmax(``logits``)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sum - shifted[np.arange(len(labels)), labels]).mean())
