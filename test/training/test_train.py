"""Training: it learns, survives being stopped, and goes on as if it had not been."""

import json
import os
import signal
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from face_perception.training import train as training  # noqa: E402
from face_perception.training.checkpoints import load_checkpoint  # noqa: E402
from face_perception.training.datasets import FaceSet, one_hot  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def data(pictures):
    """Return pictures in seven kinds that differ in where they are bright."""
    labels = np.arange(56) % 7
    images = pictures(56, 48, 1, 0) // 4
    for image, label in zip(images, labels, strict=True):
        image[:, label * 6:label * 6 + 8] += 150
    faces = FaceSet(images, one_hot(labels, 7), labels)
    return faces, faces


def test_learns(data, recipe_values, tmp_path):
    plain = {'flip': 0.0, 'shift': 0.0, 'scale': 0.0, 'rotation': 0.0, 'erase': 0.0}
    recipe = recipe_from({**recipe_values, 'epochs': 12, 'augmentation': plain})
    run = training.train(recipe, data, tmp_path)
    assert run.history[-1]['loss'] < run.history[0]['loss'] / 2
    assert run.history[-1]['accuracy'] > 0.7


def test_a_resumed_run_equals_an_uninterrupted_one(data, recipe_values, tmp_path):
    recipe = recipe_from(recipe_values)
    whole = training.train(recipe, data, tmp_path / 'whole')
    training.train(recipe, data, tmp_path / 'parts', stop_after=2)
    parts = training.train(recipe, data, tmp_path / 'parts')
    assert parts.epoch == whole.epoch == 3
    for one, other in ((whole.network, parts.network), (whole.average, parts.average)):
        for first, second in zip(one.state_dict().values(), other.state_dict().values(),
                                 strict=True):
            assert torch.equal(first, second)
    assert [entry['loss'] for entry in whole.history] == [
        entry['loss'] for entry in parts.history]


def test_leaves_a_checkpoint_and_a_history(data, recipe_values, tmp_path):
    training.train(recipe_from(recipe_values), data, tmp_path, stop_after=1)
    assert load_checkpoint(tmp_path).epoch == 1
    history = json.loads((tmp_path / 'history.json').read_text())
    assert [sorted(entry) for entry in history] == [['accuracy', 'epoch', 'loss', 'seconds']]
    assert not list(tmp_path.glob('*.part'))


def test_half_a_checkpoint_does_no_harm(data, recipe_values, tmp_path):
    training.train(recipe_from(recipe_values), data, tmp_path, stop_after=1)
    (tmp_path / 'checkpoint.pt.part').write_bytes(b'half')
    assert training.train(recipe_from(recipe_values), data, tmp_path, stop_after=2).epoch == 2


def test_refuses_to_go_on_with_another_recipe(data, recipe_values, tmp_path):
    training.train(recipe_from(recipe_values), data, tmp_path, stop_after=1)
    with pytest.raises(RecipeError, match='another recipe'):
        training.train(recipe_from({**recipe_values, 'seed': 8}), data, tmp_path)


def test_refuses_a_file_that_is_no_checkpoint(tmp_path):
    torch.save({'weights': torch.zeros(3)}, tmp_path / 'checkpoint.pt')
    with pytest.raises(RecipeError, match='not a checkpoint'):
        load_checkpoint(tmp_path)


def test_too_few_pictures_are_named(data, recipe_values, tmp_path):
    recipe = recipe_from({**recipe_values, 'batch_size': 64})
    with pytest.raises(RecipeError, match='56 pictures'):
        training.train(recipe, data, tmp_path)


def test_the_rate_rises_then_falls_to_zero(recipe_values):
    recipe = recipe_from(recipe_values)
    rates = [training.learning_rate(recipe, step, 100) for step in range(100)]
    assert max(rates) == recipe.learning_rate == rates[9] == rates[10]
    assert rates[0] == pytest.approx(recipe.learning_rate / 10)
    assert 0 < rates[-1] < recipe.learning_rate / 1000
    assert all(later <= earlier for earlier, later in pairwise(rates[10:]))


@pytest.fixture
def signals():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_and_the_same_command_goes_on(
        number, fer_folder, recipe_values, monkeypatch, capsys, signals):
    recipe = fer_folder / 'recipe.yaml'
    recipe.write_text(json.dumps(recipe_values))
    output = fer_folder / 'run'
    command = ['train', str(recipe), '--data', str(fer_folder), '--output', str(output)]
    monkeypatch.setattr('sys.argv', [*command, '--threads', '1'])
    train_epoch = training.Run.train_epoch

    def kill_in_the_second_epoch(run, on_step):
        if run.epoch == 1:
            os.kill(os.getpid(), number)
        return train_epoch(run, on_step)

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, 'train_epoch', kill_in_the_second_epoch)
        assert training.main() == 130
    assert 'goes on' in capsys.readouterr().err
    assert load_checkpoint(output).epoch == 1
    assert training.main() == 0
    assert load_checkpoint(output).epoch == 3


def test_missing_data_end_the_program_with_a_sentence(tmp_path, recipe_values, monkeypatch, capsys,
                                                      signals):
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(json.dumps(recipe_values))
    monkeypatch.setattr('sys.argv', ['train', str(recipe), '--data', str(tmp_path / 'nowhere'),
                                     '--output', str(tmp_path / 'run')])
    assert training.main() == 1
    assert 'does not exist' in capsys.readouterr().err
