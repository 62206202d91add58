"""Image and mirror image: what a network is shown, and what is made of its predictions."""

import numpy as np
import pytest

from face_perception.core.attributes.classifier import Classifier
from face_perception.core.attributes.mirror import Shown, one_per_face, with_mirrors
from face_perception.core.onnx_models import load_classifier
from face_perception.core.types import Box

SHOWN = [Shown.IMAGE, Shown.BOTH, Shown.MIRROR, Shown.BOTH]
CROPS = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3, 1)


def test_only_who_shows_both_costs_twice():
    images = np.stack(with_mirrors(CROPS, SHOWN))
    turned = CROPS[:, :, ::-1]
    expected = [CROPS[0], CROPS[1], turned[2], CROPS[3], turned[1], turned[3]]
    assert np.array_equal(images, expected) and len(images) == sum(how.images for how in SHOWN)


def test_both_predictions_become_one_by_the_mean_of_their_logits():
    logits = np.random.default_rng(0).normal(size=(6, 3)) * 4
    predictions = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    means = [logits[0], (logits[1] + logits[4]) / 2, logits[2], (logits[3] + logits[5]) / 2]
    expected = np.exp(means) / np.exp(means).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(one_per_face(predictions, SHOWN), expected, atol=1e-6)


def test_sure_predictions_that_contradict_each_other_stay_probabilities():
    predictions = np.array([[1, 0], [0, 1]], np.float32)
    np.testing.assert_allclose(one_per_face(predictions, [Shown.BOTH]), [[0.5, 0.5]])


def test_a_prediction_that_is_none_stays_none():
    predictions = np.array([[np.nan, np.nan], [0, 1]], np.float32)
    assert np.isnan(one_per_face(predictions, [Shown.BOTH])).all()


@pytest.mark.parametrize('mirror, images', [('true', [6, 4, 3]), ('false', [3, 3, 3])])
def test_the_file_says_whether_it_wants_the_mirror_image(make_model, mirror, images):
    network = Classifier(load_classifier(make_model(mirror=mirror), 'emotion'))
    crops = network.batch(
        np.zeros((40, 90, 3), np.uint8), [Box(30 * i, 0, 30, 30) for i in (0, 1, 2)]
    )
    asked = [None, [Shown.BOTH, Shown.IMAGE, Shown.MIRROR], [Shown.MIRROR] * 3]
    assert [len(network.images(crops, shown)) for shown in asked] == images
    assert [len(network.predict(crops, shown)) for shown in asked] == [3] * 3
