"""Teachers: exported files and runs predict as they would elsewhere, and together on average."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')

from face_perception.core.attributes.classifier import Classifier  # noqa: E402
from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.core.onnx_models import load_classifier  # noqa: E402
from face_perception.core.resources import model_path  # noqa: E402
from face_perception.core.types import EMOTIONS  # noqa: E402
from face_perception.training import teachers  # noqa: E402
from face_perception.training.checkpoints import save_checkpoint  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.teachers import Teachers, load_teachers  # noqa: E402

EMOTION = model_path('emotion_mini_xception.onnx')
RECIPE = {'task': 'emotion', 'color': 'gray', 'crop_margin': 0.0, 'epochs': 1}


class Constant(torch.nn.Module):
    """Predicts the same for every image."""

    def __init__(self, *probabilities):
        super().__init__()
        self.logits = torch.tensor(probabilities).log() + 3.0

    def forward(self, images):
        return self.logits.expand(len(images), -1)


def test_several_teachers_predict_by_their_mean_probability():
    teachers = Teachers([Constant(0.8, 0.1, 0.1), Constant(0.2, 0.7, 0.1)])
    probabilities = teachers(torch.zeros(4, 1, 48, 48)).softmax(dim=1)
    np.testing.assert_allclose(probabilities, [[0.5, 0.4, 0.1]] * 4, rtol=1e-5)


def test_an_exported_file_teaches_what_it_says_when_it_is_served():
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), dtype=np.uint8)
    served = Classifier(load_classifier(EMOTION, 'emotion')).predict(images)
    teacher = load_teachers([EMOTION], recipe_from(RECIPE))
    said = teacher(torch.from_numpy(images).permute(0, 3, 1, 2).float()).softmax(dim=1)
    np.testing.assert_allclose(said, served, atol=1e-5)
    assert said.shape == (5, len(EMOTIONS))


def test_a_file_of_another_kind_is_named(make_model):
    fewer = make_model(size=48)  # three labels
    with pytest.raises(RecipeError, match='cannot teach'):
        load_teachers([fewer], recipe_from(RECIPE))
    with pytest.raises(RecipeError, match='cannot teach'):
        load_teachers([EMOTION], recipe_from({**RECIPE, 'input_size': 64}))
    with pytest.raises(ModelError, match='does not exist'):
        load_teachers(['gone.onnx'], recipe_from(RECIPE))
    with pytest.raises(RecipeError, match='no checkpoint'):
        load_teachers(['no_run'], recipe_from(RECIPE))


def test_a_run_of_another_kind_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(teachers, 'load_network', lambda path: torch.nn.Identity())
    said = {}
    monkeypatch.setattr(teachers, 'finished_checkpoint', lambda path: said)
    for change in ({'task': 'gender'}, {'color': 'rgb'}, {'input_size': 64}):
        said['recipe'] = recipe_from({**RECIPE, **change})
        with pytest.raises(RecipeError, match='run cannot teach this recipe'):
            load_teachers([tmp_path / 'run'], recipe_from(RECIPE))
        assert load_teachers([tmp_path / 'run'], said['recipe'])


def test_the_run_of_a_detector_teaches_no_classifier(tmp_path):
    detector = recipe_from({'task': 'face_detection', 'epochs': 1, 'held_out': ['a']})
    save_checkpoint(tmp_path, detector, {'average': {}})
    with pytest.raises(RecipeError, match='run of a detector, not of a classifier'):
        load_teachers([tmp_path], recipe_from(RECIPE))
