"""The numbers of the model card, on cases worked out by hand."""

import numpy as np
import pytest

from face_perception.training import metrics

#: Answers 0, 0, 1, 1 with confidence 0.9, 0.6, 0.8, 0.7.
ANSWERS = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
LABELS = np.array([0, 1, 1, 1])


def test_accuracy_recall_and_f1():
    assert metrics.accuracy(ANSWERS, LABELS) == 0.75
    np.testing.assert_allclose(metrics.recall_per_class(ANSWERS, LABELS), [1, 2 / 3])
    assert metrics.macro_f1(ANSWERS, LABELS) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert metrics.confusion(ANSWERS, LABELS).tolist() == [[1, 0], [1, 2]]


def test_a_class_without_pictures_has_no_recall():
    assert np.isnan(metrics.recall_per_class(ANSWERS, np.ones(4, dtype=int))[0])


def test_calibration_error():
    sure = np.array([[0.75, 0.25]] * 4)
    assert metrics.calibration_error(sure, np.array([0, 0, 0, 1])) == pytest.approx(0)
    assert metrics.calibration_error(sure, np.array([1, 1, 1, 1])) == pytest.approx(0.75)
    assert metrics.calibration_error(np.eye(2), np.array([0, 1])) == 0


@pytest.mark.parametrize('true', [0.5, 1.0, 2.0])
def test_the_temperature_that_made_the_labels_is_found(true):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 4))
    odds = np.exp(logits / true)
    cumulative = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    labels = (random.random((20_000, 1)) > cumulative).sum(axis=1).clip(max=3)
    assert metrics.best_temperature(logits, labels) == pytest.approx(true, rel=0.05)
