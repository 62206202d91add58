"""What a network was made from travels with it, from the readers to the exported file."""

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')

from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.training import train as training  # noqa: E402
from face_perception.training.checkpoints import load_checkpoint  # noqa: E402
from face_perception.training.classification import ClassifierLearner  # noqa: E402
from face_perception.training.data import FaceSet, one_hot  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from face_perception.training.provenance import (  # noqa: E402
    origin,
    provenance,
    same_origin,
    warn_of_other_copies,
)
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.trainer import Trainer  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture
def faces(images):
    """Return the function that makes images, so many of each source."""

    def make(**counts):
        count = sum(counts.values())
        labels = np.arange(count) % 7
        sources = np.concatenate([np.repeat(name, number) for name, number in counts.items()])
        return FaceSet(images(count, 48, 1, 0), one_hot(labels, 7), labels, sources=sources)

    return make


@pytest.fixture
def run(recipe_values, monkeypatch, tmp_path):
    """Return the function that trains one epoch, or one more, and returns the checkpoint."""
    monkeypatch.setattr(training, 'learning_curves', lambda history, path: None)

    def start(train, validation, start=None):
        recipe = recipe_from(recipe_values)
        learner = ClassifierLearner(recipe, train, validation)
        trainer = Trainer(recipe, learner, torch.device('cpu'))
        found = load_checkpoint(tmp_path)
        done = 0 if found is None else found['epoch']
        made_from = provenance(learner, start)
        training.train(recipe, trainer, tmp_path, done + 1, made_from=made_from)
        return load_checkpoint(tmp_path)

    return start


def test_a_checkpoint_counts_the_images_of_each_source(faces, run):
    checkpoint = run(faces(blobs=20, dots=10), faces(dots=3, lines=4))
    assert checkpoint['data_sets'] == {
        'blobs': {'training': 20, 'validation': 0},
        'dots': {'training': 10, 'validation': 3},
        'lines': {'training': 0, 'validation': 4},
    }


def test_a_run_does_not_go_on_with_other_images(faces, run):
    run(faces(blobs=20), faces(blobs=4))
    with pytest.raises(RecipeError, match='blobs 20.*blobs 21'):
        run(faces(blobs=21), faces(blobs=4))


def test_what_it_began_with_stays_known(faces, run, tmp_path):
    file = tmp_path / 'former.onnx'
    said = {'data_sets': {'dots': {'training': 7, 'validation': 1}}}
    model = build_model(
        ClassifierLearner(recipe_from(RECIPE), faces(a=7), faces(a=7)).network.eval(),
        1.0,
        48,
        {'training': json.dumps(said)},
    )
    file.write_bytes(model.SerializeToString())
    expected = {'name': 'former.onnx', **said}
    assert origin(file) == expected
    run(faces(blobs=20), faces(blobs=4), start=str(file))
    assert run(faces(blobs=20), faces(blobs=4))['started_from'] == expected


def test_a_run_does_not_go_on_with_what_it_did_not_begin_with(tmp_path):
    a, b = ({'started_from': {'name': name}} for name in ('a.onnx', 'b.onnx'))
    assert same_origin(a, a, tmp_path) == same_origin(a, {}, tmp_path) == a
    with pytest.raises(RecipeError, match=r'began with a\.onnx, not with b\.onnx.*--start-from'):
        same_origin(a, b, tmp_path)
    with pytest.raises(RecipeError, match=r'began with random weights, not with b\.onnx'):
        same_origin({}, b, tmp_path)


RECIPE = {'task': 'emotion', 'color': 'gray', 'crop_margin': 0.0, 'epochs': 1, 'batch_size': 4}


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / 'former.onnx').write_bytes(b'no network')
    with pytest.raises(ModelError, match='former.onnx'):
        origin(tmp_path / 'former.onnx')
    with pytest.raises(ModelError, match='does not exist'):
        origin(tmp_path / 'nowhere.onnx')


def test_what_calibrates_is_not_counted_as_learned(faces, recipe_values):
    recipe = recipe_from({**recipe_values, 'calibration_share': 0.4})
    learner = ClassifierLearner(recipe, faces(blobs=40), faces(blobs=4))
    assert len(learner) == learner.data_sets['blobs']['training']
    assert 10 < len(learner) < 35


def test_another_copy_of_a_data_set_is_warned_of(faces, tmp_path, caplog):
    said = {'data_sets': {'dots': {'training': 7, 'validation': 2}}}
    network = ClassifierLearner(recipe_from(RECIPE), faces(a=7), faces(a=7)).network.eval()
    file = tmp_path / 'former.onnx'
    model = build_model(network, 1.0, 48, {'training': json.dumps(said)})
    file.write_bytes(model.SerializeToString())
    warn_of_other_copies(file, ['dots', 'dots', 'lines'])
    assert caplog.text == ''
    warn_of_other_copies(file, ['dots', 'dots', 'dots'])
    assert 'dots: 3 images are held out, but 2 when former.onnx was trained' in caplog.text
    for nonsense in ('[]', '{"data_sets": ["dots"]}', '{"data_sets": {"dots": 3}}', 'no JSON'):
        file.write_bytes(build_model(network, 1.0, 48, {'training': nonsense}).SerializeToString())
        warn_of_other_copies(file, ['dots'])


def test_a_run_does_not_go_on_with_other_teachers(tmp_path):
    a, b = {'teachers': [{'name': 'a'}]}, {'teachers': [{'name': 'b'}]}
    with pytest.raises(RecipeError, match=r'other teachers \(a; now: b\)'):
        same_origin(a, b, tmp_path)
    assert same_origin(a, a, tmp_path) == same_origin(a, {}, tmp_path) == a
