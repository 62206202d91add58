"""Mining: what is taken for a face though it is none is found, remembered and shown."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection import mining  # noqa: E402
from face_perception.training.detection.average_precision import Found  # noqa: E402
from face_perception.training.detection.learner import DetectorLearner  # noqa: E402
from face_perception.training.detection.mining import Mined, mine  # noqa: E402
from face_perception.training.detection.sampling import Order, Sampler  # noqa: E402
from face_perception.training.detection.scenes import load_scenes  # noqa: E402
from face_perception.training.recipe import recipe_from  # noqa: E402
from face_perception.training.trainer import Trainer  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
WRONG = np.array([0.0, 0, 30, 30], np.float32)


@pytest.fixture
def finds_faces_and_a_corner(monkeypatch):
    """Let a network find every face, the upper left corner, and something it is not sure of."""

    def predict(network, image, long_side, device):
        faces = predict.boxes[image.tobytes()]
        boxes = np.concatenate([faces, WRONG[None], WRONG[None] + 60])
        return Found(boxes, np.array([0.9] * len(faces) + [0.8, 0.1]))

    predict.boxes = {}
    monkeypatch.setattr(mining, 'predict', predict)
    return predict


def test_mistakes_are_in_the_pixels_of_their_scene(
    scenes_folder, detector_values, finds_faces_and_a_corner
):
    recipe = recipe_from({**detector_values, 'mine_scenes': 100, 'long_side': 320})
    scenes = load_scenes(recipe, scenes_folder).train
    for scene in scenes:
        large = mining.scaled(scene, 320)
        # No face of these lies in the corner.
        finds_faces_and_a_corner.boxes[large.image.tobytes()] = large.boxes
        assert len(scene.boxes) == 0 or scene.boxes[:, :2].max(axis=1).min() > 0
    found = mine(torch.nn.Identity(), scenes, recipe, np.random.default_rng(0), Mined())
    corner_free = [
        index
        for index, scene in enumerate(scenes)
        if len(scene.boxes) == 0
        or mining.overlaps(WRONG[None] / 2, scene.boxes).max() < mining.MOST_OVERLAP
    ]
    assert sorted(found.indices) == corner_free
    np.testing.assert_allclose(found.boxes, np.tile(WRONG / 2, (len(found), 1)))
    # Looked at again, a mistake is remembered once.
    again = mine(torch.nn.Identity(), scenes, recipe, np.random.default_rng(0), found)
    assert len(again) == len(found)


def test_what_was_mined_is_shown_and_is_part_of_a_checkpoint(scenes_folder, detector_values):
    values = {**detector_values, 'augmentation': {'mined': 1.0}}
    recipe = recipe_from(values)
    learner = DetectorLearner(recipe, load_scenes(recipe, scenes_folder))
    learner.restore({'indices': torch.tensor([3]), 'boxes': torch.tensor([[8.0, 8, 40, 40]])})
    state = Trainer(recipe, learner, torch.device('cpu')).state()['learner']
    assert state['indices'].tolist() == [3]
    drawn = Mined.of(state).draw(np.random.default_rng(0))
    assert drawn[0] == 3 and drawn[1].tolist() == [8, 8, 40, 40]
    sampler = Sampler(recipe, learner.scenes, None)
    without = sampler.batch(Order(0, 4))
    sampler.mined = Mined.of(state)
    shown = sampler.batch(Order(0, 4))
    assert shown.images.shape[1:] == without.images.shape[1:]
    assert not torch.equal(shown.images[:1], without.images[:1])


def test_mining_happens_every_so_many_epochs(scenes_folder, detector_values, monkeypatch):
    asked = []
    monkeypatch.setattr(
        'face_perception.training.detection.learner.mine',
        lambda *given: asked.append(given) or Mined(),
    )
    recipe = recipe_from({**detector_values, 'epochs': 5, 'mine_every': 2, 'validate_every': 5})
    learner = DetectorLearner(recipe, load_scenes(recipe, scenes_folder))
    trainer = Trainer(recipe, learner, torch.device('cpu'))
    for _ in range(5):
        trainer.train_epoch()
    assert len(asked) == 2
