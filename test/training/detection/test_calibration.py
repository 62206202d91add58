"""Calibration: scores become shares of faces, and the order of boxes stays."""

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('sklearn', reason='training needs the extra "train" (scikit-learn)')

from face_perception.training.detection.average_precision import Curve  # noqa: E402
from face_perception.training.detection.calibration import calibrate, fitted  # noqa: E402
from face_perception.training.detection.graph import build_detector_model  # noqa: E402
from face_perception.training.detection.network import FaceDetector  # noqa: E402


def curve_of(scores, hits):
    order = np.argsort(-scores, kind='stable')
    true = hits[order].cumsum()
    return Curve(true / hits.sum(), true / np.arange(1, len(true) + 1), scores[order])


def test_the_share_of_faces_is_recovered():
    random = np.random.default_rng(0)
    logits = random.normal(-3, 3, 40_000)
    hits = random.random(len(logits)) < 1 / (1 + np.exp(-(0.5 * logits + 1.0)))
    slope, offset = fitted(curve_of(1 / (1 + np.exp(-logits)), hits))
    assert slope == pytest.approx(0.5, abs=0.02) and offset == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize('hits', [[True, True], [False, False]])
def test_with_nothing_to_learn_from_nothing_changes(hits):
    points = Curve(np.cumsum(hits) / 2, np.ones(2), np.array([0.9, 0.5]))
    assert fitted(points) == (1.0, 0.0)


def test_scores_that_say_nothing_keep_their_order():
    scores = np.linspace(0.1, 0.9, 100)
    assert fitted(curve_of(scores, scores < 0.5)) == (1.0, 0.0)


def test_the_logits_of_a_file_follow():
    torch.manual_seed(0)
    model = build_detector_model(FaceDetector().eval(), {})
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3)).astype(np.uint8)
    before = outputs(model, image)
    calibrate(model, 0.5, 1.0)
    after = outputs(model, image)
    wanted = 0.5 * logits(before['scores']) + 1.0
    np.testing.assert_allclose(logits(after['scores']), wanted, atol=1e-3)
    np.testing.assert_array_equal(after['boxes'], before['boxes'])
    assert np.ptp(before['boxes']) > 10


def outputs(model, image):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return dict(zip(('boxes', 'scores'), session.run(['boxes', 'scores'], {'image': image})))


def logits(scores):
    return np.log(scores / (1 - scores))
