"""Numbers that say how good a classifier is: scikit-learn's and TorchMetrics', one interface."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn import metrics as sklearn_metrics
from torchmetrics.classification import MulticlassCalibrationError

#: Equal intervals of confidence that calibration is measured in.
CALIBRATION_BINS = 15
#: Where the temperature of a softmax is looked for.
TEMPERATURES = (0.25, 4.0)


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the share (0..1) of rows ``[N, K]`` whose largest entry is at ``labels [N]``."""
    return float(sklearn_metrics.accuracy_score(labels, probabilities.argmax(axis=1)))


def recall_per_class(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return, per class, the share of its images that were recognised; NaN if it has none."""
    return sklearn_metrics.recall_score(
        labels,
        probabilities.argmax(axis=1),
        labels=range(probabilities.shape[1]),
        average=None,
        zero_division=np.nan,
    )


def macro_f1(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over classes of 2 TP / (2 TP + FP + FN), 0..1; 0 for an unused class."""
    return float(
        sklearn_metrics.f1_score(
            labels,
            probabilities.argmax(axis=1),
            labels=range(probabilities.shape[1]),
            average='macro',
            zero_division=0,
        )
    )


def confusion(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return counts int64 ``[K, K]``: row = true class, column = prediction."""
    return sklearn_metrics.confusion_matrix(
        labels, probabilities.argmax(axis=1), labels=range(probabilities.shape[1])
    )


def calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = CALIBRATION_BINS
) -> float:
    """
    Return the expected calibration error, 0 (a stated 80 % is right in 80 %) to 1.

    The mean gap between confidence and accuracy over ``bins`` equal intervals of confidence,
    weighted by their images (Guo et al. 2017, arXiv:1706.04599).  ``probabilities`` is
    ``[N, K]`` with rows that sum to 1, ``labels`` int ``[N]``.
    """
    error = MulticlassCalibrationError(probabilities.shape[1], n_bins=bins, norm='l1')
    # A float32 softmax may say 1.0000001: TorchMetrics would take all rows for logits then.
    return float(error(torch.from_numpy(probabilities.clip(0, 1)), torch.from_numpy(labels)))


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """
    Return the temperature that makes ``labels [N]`` most likely given ``logits [N, K]``.

    Temperature scaling (Guo et al. 2017, arXiv:1706.04599), within ``TEMPERATURES``; three
    decimals, more than the data can tell apart.
    """
    found = minimize_scalar(
        lambda value: log_loss(logits / np.exp(value), labels),
        bounds=np.log(TEMPERATURES),
        method='bounded',
    )
    return round(float(np.exp(found.x)), 3)


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean negative log likelihood of ``labels`` under softmax(``logits``)."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())
