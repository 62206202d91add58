import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.checkpoints import save_checkpoint  # noqa: E402
from face_perception.training.detection.learner import DetectorLearner  # noqa: E402
from face_perception.training.detection.losses import distance  # noqa: E402
from face_perception.training.detection.network import FaceDetector, Predictions  # noqa: E402
from face_perception.training.detection.scenes import load_scenes  # noqa: E402
from face_perception.training.detection.teachers import (  # noqa: E402
    DetectorTeachers,
    load_detector_teachers,
)
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.trainer import Trainer  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')


class Constant(torch.nn.Module):
    def __init__(self, score, box):
        super().__init__()
        self.said = Predictions(
            torch.full((1, 3), score).logit(), torch.tensor(box).expand(1, 3, 4).float()
        )

    def forward(self, image):
        return self.said


def test_several_detectors_predict_by_their_means():
    teachers = DetectorTeachers([Constant(0.9, [0, 0, 8, 8]), Constant(0.3, [4, 4, 8, 16])])
    said = teachers(None)
    torch.testing.assert_close(said.scores, torch.full((1, 3), 0.6))
    assert said.boxes[0, 0].tolist() == [2, 2, 8, 12]


def test_scores_and_the_boxes_of_likely_cells_are_compared():
    boxes = torch.tensor([[[0.0, 0, 8, 8], [8, 0, 16, 8]]])
    taught = Predictions(torch.tensor([[0.9, 0.01]]).logit(), boxes)
    same = distance(taught, taught)
    elsewhere = boxes.clone()
    elsewhere[0, 1] += 3  # where there is hardly a face
    torch.testing.assert_close(distance(Predictions(taught.face, elsewhere), taught), same)
    elsewhere[0, 0] += 3
    assert distance(Predictions(taught.face, elsewhere), taught) > same + 1
    assert distance(Predictions(-taught.face, boxes), taught) > same + 1


@pytest.fixture
def run(scenes_folder, detector_values, tmp_path):
    """Return the folder of a run of a wider network."""
    recipe = recipe_from({**detector_values, 'width': 2, 'epochs': 1})
    trainer = Trainer(
        recipe, DetectorLearner(recipe, load_scenes(recipe, scenes_folder)), torch.device('cpu')
    )
    trainer.train_epoch()
    save_checkpoint(tmp_path, recipe, trainer.state())
    return tmp_path


def test_a_network_comes_to_predict_as_a_wider_one(run, scenes_folder, detector_values):
    recipe = recipe_from(
        {
            **detector_values,
            'epochs': 8,
            'distillation': 1.0,
            'optimizer': 'muon',
            'learning_rate': 0.01,
            'average': 0.5,
        }
    )
    split, teacher = load_scenes(recipe, scenes_folder), load_detector_teachers([run])
    learner = DetectorLearner(recipe, split, teacher=teacher)
    with torch.no_grad():
        for layer in learner.network.outputs():
            layer.bias.copy_(torch.tensor([0.0, 1, 1, 1, 1]))  # far from what the teacher says
    trainer, images = Trainer(recipe, learner, torch.device('cpu')), learner.sample_images(4)
    taught = teacher(images)

    def apart():
        with torch.no_grad():
            return float(distance(trainer.average.module.eval()(images), taught))

    before, least = apart(), float(distance(taught, taught))
    while trainer.epoch < recipe.epochs:
        trainer.train_epoch()
    assert apart() - least < (before - least) / 2


def test_a_detectors_teacher_and_its_recipe_belong_together(run, scenes_folder, detector_values):
    for share, teacher, words in (
        (0.5, None, 'name it with --teacher'),
        (0.0, load_detector_teachers([run]), 'set distillation above 0, or leave --teacher out'),
    ):
        recipe = recipe_from({**detector_values, 'distillation': share})
        with pytest.raises(RecipeError, match=words):
            DetectorLearner(recipe, load_scenes(recipe, scenes_folder), teacher=teacher)


def test_what_is_no_run_of_a_detector_cannot_teach(detector_values, tmp_path):
    with pytest.raises(RecipeError, match='train first'):
        load_detector_teachers([tmp_path / 'none'])
    (tmp_path / 'file.onnx').write_bytes(b'')
    with pytest.raises(RecipeError, match='folder of its run'):
        load_detector_teachers([tmp_path / 'file.onnx'])
    detector = recipe_from(detector_values)
    save_checkpoint(tmp_path, detector, {'average': {}})
    with pytest.raises(RecipeError, match='another network'):
        load_detector_teachers([tmp_path])
    weights = FaceDetector().state_dict()
    weights['stem.0.weight'][0, 0, 0, 0] = torch.nan
    state = {f'module.{name}': value for name, value in weights.items()}
    save_checkpoint(tmp_path, detector, {'average': state})
    with pytest.raises(RecipeError, match='numbers that are none'):
        load_detector_teachers([tmp_path])
    emotion = recipe_from({'task': 'emotion', 'color': 'gray', 'crop_margin': 0, 'epochs': 1})
    save_checkpoint(tmp_path, emotion, {'average': {}})
    with pytest.raises(RecipeError, match='classifier'):
        load_detector_teachers([tmp_path])
