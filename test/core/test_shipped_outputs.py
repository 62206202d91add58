"""The shipped networks give exactly what they gave when they were released."""

import json
from pathlib import Path

import numpy as np
import pytest

from face_perception.core.attributes.classifier import Classifier
from face_perception.core.attributes.mirror import Shown
from face_perception.core.onnx_models import load_classifier, load_detector

MODELS = Path(__file__).parents[2] / 'models'
#: What the files of this version predict; written anew only with new files.
PINNED = json.loads(Path(__file__).with_name('shipped_outputs.json').read_text())


def blobs(width, height, channels, seed):
    """Return a soft random image uint8 ``[height, width, channels]``, the same everywhere."""
    coarse = np.random.RandomState(seed).randint(0, 256, (6, 6, channels)).astype(np.float32)
    rows, columns = (np.linspace(0, 5, side) for side in (height, width))
    low = np.minimum(rows.astype(int), 4), np.minimum(columns.astype(int), 4)
    down, right = rows - low[0], columns - low[1]
    corner = [[coarse[low[0] + i][:, low[1] + j] for j in (0, 1)] for i in (0, 1)]
    across = [left + (other - left) * right[None, :, None] for left, other in corner]
    return np.round(across[0] + (across[1] - across[0]) * down[:, None, None]).astype(np.uint8)


def test_the_images_are_the_same_everywhere():
    assert blobs(48, 48, 3, 0).astype(int).sum() == PINNED['sum_of_pixels']


@pytest.mark.parametrize('task, channels', [('emotion', 1), ('gender', 3)])
def test_classifiers_predict_as_released(task, channels):
    model = load_classifier(MODELS / f'{task}_mini_xception.onnx', task)
    images = np.stack([blobs(48, 48, channels, seed) for seed in range(4)])
    assert model.mirror
    predictions = Classifier(model).predict(images)
    np.testing.assert_allclose(predictions, PINNED[task], atol=1e-4)


@pytest.mark.parametrize('task, channels', [('emotion', 1), ('gender', 3)])
def test_image_and_mirror_image_one_by_one_say_the_same_as_together(task, channels):
    classifier = Classifier(load_classifier(MODELS / f'{task}_mini_xception.onnx', task))
    images = np.stack([blobs(48, 48, channels, seed) for seed in range(4)])
    together = classifier.predict(images)
    image, mirror = (classifier.predict(images, [how] * 4) for how in (Shown.IMAGE, Shown.MIRROR))
    assert np.abs(image - mirror).max() > 0.01
    odds = np.sqrt(image.astype(np.float64) * mirror)
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), together, atol=1e-6)


def test_the_detector_predicts_as_released():
    model = load_detector(MODELS / 'face_detector.onnx')
    boxes, scores = model.session.run(None, {'image': blobs(96, 64, 3, 7)[np.newaxis]})
    best = np.argsort(-scores, kind='stable')[:3]
    np.testing.assert_allclose(scores[best], PINNED['scores'], atol=2e-4)
    np.testing.assert_allclose(boxes[best], PINNED['boxes'], atol=0.05)
