"""The numbers of the model card, on cases worked out by hand."""

import numpy as np
import pytest

pytest.importorskip('torchmetrics', reason='training needs the extra "train" (TorchMetrics)')
pytest.importorskip('sklearn', reason='training needs the extra "train" (scikit-learn)')

from face_perception.training import metrics  # noqa: E402

#: Predictions 0, 0, 1, 1 with confidence 0.9, 0.6, 0.8, 0.7.
PREDICTIONS = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
LABELS = np.array([0, 1, 1, 1])


def test_accuracy_recall_and_f1():
    assert metrics.accuracy(PREDICTIONS, LABELS) == 0.75
    np.testing.assert_allclose(metrics.recall_per_class(PREDICTIONS, LABELS), [1, 2 / 3])
    assert metrics.macro_f1(PREDICTIONS, LABELS) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert metrics.confusion(PREDICTIONS, LABELS).tolist() == [[1, 0], [1, 2]]


def test_a_class_without_images_has_no_recall():
    assert np.isnan(metrics.recall_per_class(PREDICTIONS, np.ones(4, dtype=int))[0])


def test_classes_that_are_never_seen_nor_predicted_count_in_the_tables():
    predictions = np.pad(PREDICTIONS, ((0, 0), (0, 1)))
    assert metrics.confusion(predictions, LABELS).shape == (3, 3)
    assert len(metrics.recall_per_class(predictions, LABELS)) == 3
    assert metrics.macro_f1(predictions, LABELS) == pytest.approx((2 / 3 + 4 / 5) / 3)


def test_calibration_error():
    sure = np.array([[0.75, 0.25]] * 4)
    assert metrics.calibration_error(sure, np.array([0, 0, 0, 1])) == pytest.approx(0)
    assert metrics.calibration_error(sure, np.array([1, 1, 1, 1])) == pytest.approx(0.75)
    assert metrics.calibration_error(np.eye(2), np.array([0, 1])) == 0


def test_calibration_error_weighs_intervals_by_their_images():
    predictions = np.array([[0.9, 0.1]] * 3 + [[0.6, 0.4]], dtype=np.float32)
    # Gaps of 0.9 - 2/3 in three images and 1 - 0.6 in one.
    assert metrics.calibration_error(predictions, np.array([0, 0, 1, 0])) == pytest.approx(
        (3 * (0.9 - 2 / 3) + 0.4) / 4, abs=1e-6
    )


def test_a_probability_a_little_over_one_spoils_nothing():
    sure = np.array([[1 + 1e-7, 0.0], [0.75, 0.25], [0.75, 0.25]], dtype=np.float32)
    assert sure.max() > 1
    assert metrics.calibration_error(sure, np.zeros(3, dtype=int)) == pytest.approx(
        0.5 / 3, abs=1e-6
    )


def test_log_loss():
    labels = np.array([0, 0, 1, 1])
    expected = -np.log([0.9, 0.6, 0.8, 0.7]).mean()
    assert metrics.log_loss(np.log(PREDICTIONS) + 5, labels) == pytest.approx(expected)
    assert metrics.log_loss(np.array([[1e4, 0.0]]), np.array([1])) == pytest.approx(1e4)


@pytest.mark.parametrize('true', [0.5, 1.0, 2.0])
def test_the_temperature_that_made_the_labels_is_found(true):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 4))
    odds = np.exp(logits / true)
    cumulative = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    labels = (random.random((20_000, 1)) > cumulative).sum(axis=1).clip(max=3)
    assert metrics.best_temperature(logits, labels) == pytest.approx(true, rel=0.05)


def test_the_temperature_stays_in_bounds_when_all_is_right():
    logits = np.array([[3.0, 0.0], [0.0, 3.0]])
    assert metrics.best_temperature(logits, np.array([0, 1])) == pytest.approx(0.25, abs=0.002)
