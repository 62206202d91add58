"""The network: small, learns to find, and predicts the same from the ONNX file."""

import os
import signal
import sys
import time
from functools import partial

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnxruntime = pytest.importorskip('onnxruntime', reason='needed to run an exported file')

from face_perception.training.architectures import count_parameters  # noqa: E402
from face_perception.training.detection.graph import build_detector_model  # noqa: E402
from face_perception.training.detection.learner import DetectorLearner  # noqa: E402
from face_perception.training.detection.network import FaceDetector, cells  # noqa: E402
from face_perception.training.detection.predict import predict  # noqa: E402
from face_perception.training.detection.sampling import (  # noqa: E402
    Order,
    Sampler,
    WorkerError,
    ends_of_workers_told,
)
from face_perception.training.detection.scenes import load_scenes  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.trainer import Batch, Trainer  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')


def test_is_small():
    assert count_parameters(FaceDetector()) <= 100_000


def test_cells_lie_in_the_middle_of_their_squares():
    centers, strides = cells(64, 96)
    assert len(centers) == len(strides) == 8 * 12 + 4 * 6 + 2 * 3
    assert centers[0].tolist() == [4, 4] and centers[1].tolist() == [12, 4]
    assert centers[-1].tolist() == [80, 48] and strides[-1] == 32


@pytest.mark.parametrize('height, width', [(96, 160), (32, 32), (256, 64)])
def test_the_graph_predicts_as_the_network(height, width):
    torch.manual_seed(0)
    network = FaceDetector()
    with torch.no_grad():  # normalisations that do something
        network.train()(torch.rand(4, 3, 64, 64) * 255)
    network.eval()
    session = onnxruntime.InferenceSession(
        build_detector_model(network, {}).SerializeToString(), providers=['CPUExecutionProvider']
    )
    image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    boxes, scores = session.run(['boxes', 'scores'], {'image': image})
    with torch.inference_mode():
        expected = network(torch.from_numpy(image).permute(0, 3, 1, 2))
    np.testing.assert_allclose(boxes, expected.boxes[0].numpy(), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(scores, expected.scores[0].numpy(), atol=1e-5)


def trained(values, folder, micro_batches=1):
    recipe = recipe_from(values)
    learner = DetectorLearner(recipe, load_scenes(recipe, folder))
    trainer = Trainer(recipe, learner, torch.device('cpu'), micro_batches)
    while trainer.epoch < recipe.epochs:
        trainer.train_epoch()
    return trainer


def test_learns_to_find_faces(scenes_folder, detector_values):
    plain = {
        'mosaic': 0,
        'tilt': 0,
        'blur': 0,
        'noise': 0,
        'jpeg': 0,
        'dark': 0,
        'smallest_face': 24,
        'largest_face': 0.6,
    }
    trainer = trained(
        {
            **detector_values,
            'epochs': 45,
            'optimizer': 'muon',
            'learning_rate': 0.02,
            'warmup': 2,
            'decay': 15,
            'average': 0.9,
            'validate_every': 45,
            'augmentation': plain,
        },
        scenes_folder,
    )
    assert trainer.history[-1]['loss'] < trainer.history[0]['loss'] / 2
    assert 'average_precision' not in trainer.history[0]
    assert trainer.history[-1]['average_precision'] > 0.5


@pytest.mark.parametrize('micro_batches', [1, 2])
def test_the_same_seed_gives_the_same_network(scenes_folder, detector_values, micro_batches):
    one, same = (trained(detector_values, scenes_folder, micro_batches) for _ in range(2))
    assert one.history[0]['loss'] == same.history[0]['loss']
    for name, value in one.average.state_dict().items():
        assert torch.equal(value, same.average.state_dict()[name]), name


def test_every_size_of_view_has_about_as_many_pixels(scenes_folder, detector_values):
    recipe = recipe_from({**detector_values, 'sizes': [64, 96, 192]})
    learner = DetectorLearner(recipe, load_scenes(recipe, scenes_folder))
    seen = set()

    def network(images):
        seen.add((len(images), images.shape[2]))
        return learner.network(images)

    for seed in range(20):
        batch = Batch(torch.arange(4), torch.Generator().manual_seed(seed), (0, 0))
        for (order,) in learner.prepared([[batch]]):
            learner.loss(order, network)
    assert seen == {(9, 64), (4, 96), (1, 192)}


@pytest.mark.skipif(sys.platform != 'linux', reason='processes share scenes by fork')
def test_workers_make_the_samples_that_would_be_made_without_them(
    scenes_folder, detector_values, request
):
    recipe = recipe_from(detector_values)
    split = load_scenes(recipe, scenes_folder)
    losses = []
    request.addfinalizer(partial(cv2.setNumThreads, cv2.getNumThreads()))
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)
    time.sleep(0.5)  # until the threads of OpenCV sleep, which a fork does not have
    for workers in (2, 0):
        learner = DetectorLearner(recipe, split, workers=workers)
        random = torch.Generator().manual_seed(5)
        batches = [Batch(torch.arange(4), random, (0, 0)).split(2) for _ in range(3)]
        learner.network.eval()
        with torch.no_grad():
            losses.append(
                [
                    [float(learner.loss(share, learner.network)) for share in shares]
                    for shares in learner.prepared(batches)
                ]
            )
    assert losses[0] == losses[1] and len(losses[0]) == 3 and len(losses[0][0]) == 2


def test_predictions_are_in_pixels_of_the_image():
    network = FaceDetector().eval()
    with torch.no_grad():
        for head in network.heads:
            head[-1].weight.zero_()
            head[-1].bias.copy_(torch.tensor([3.0, 0, 0, 0, 0]))
    image = np.zeros((104, 300, 3), np.uint8)
    found = predict(network, image, 150)
    # The image is halved: cells of 16 pixels there are boxes of 32 pixels here.
    sizes = found.boxes[:, 2:] - found.boxes[:, :2]
    inside = (found.boxes[:, :2] > 0).all(axis=1) & (found.boxes[:, 2:] < (300, 104)).all(axis=1)
    assert set(np.unique(sizes[inside].round())) == {32, 64}
    assert found.scores == pytest.approx(1 / (1 + np.exp(-3)))
    # A smaller image is not enlarged, as it is not by the runtime.
    small = predict(network, image[:64, :64], 640)
    assert small.boxes.max() <= 64


@pytest.mark.parametrize(
    'change',
    [
        {'sizes': [100]},
        {'sizes': []},
        {'epochs': 'ten'},
        {'epochs': 0, 'decay': 1},
        {'weights': {'a': 0}},
        {'held_out_share': 1.0},
        {'optimizer': 'sgd'},
    ],
)
def test_a_mistake_in_the_recipe_is_refused(detector_values, change):
    with pytest.raises(RecipeError):
        recipe_from({**detector_values, **change})


class Ends(Sampler):
    """Is killed where it should make a batch, as where memory is short."""

    def __init__(self):
        pass

    def batch(self, order):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform != 'linux', reason='processes share scenes by fork')
def test_a_worker_that_is_gone_is_told_with_what_to_do():
    with pytest.raises(WorkerError, match='--shm-size'), ends_of_workers_told():
        next(Ends().ahead([Order(0, 1)], 1))
    with pytest.raises(RuntimeError, match='another'), ends_of_workers_told():
        raise RuntimeError('another fault')
