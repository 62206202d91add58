"""What goes wrong in training and evaluation ends with a sentence, and loses nothing."""

import json
import os
import signal
import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from face_perception.training import checkpoints, evaluate, export  # noqa: E402
from face_perception.training import train as training  # noqa: E402
from face_perception.training.checkpoints import load_checkpoint, save_checkpoint  # noqa: E402
from face_perception.training.classification import ClassifierLearner, load_network  # noqa: E402
from face_perception.training.data import FaceSet, one_hot  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.trainer import Trainer, pick_device  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture
def start(images, monkeypatch, tmp_path):
    """Return the function that trains by settings in a folder, for so many epochs."""
    monkeypatch.setattr(training, 'learning_curves', lambda history, path: None)
    labels = np.arange(16) % 7
    faces = FaceSet(images(16, 48, 1, 0), one_hot(labels, 7), labels)

    def run(values, epochs):
        recipe = recipe_from(values)
        trainer = Trainer(recipe, ClassifierLearner(recipe, faces, faces), torch.device('cpu'))
        return training.train(recipe, trainer, tmp_path, epochs)

    return run


def test_a_diverged_epoch_is_not_saved(start, recipe_values, tmp_path, monkeypatch):
    start(recipe_values, 1)
    before = (tmp_path / 'checkpoint.pt').read_bytes()
    honest = ClassifierLearner.loss

    def nothing(self, batch, network):
        return honest(self, batch, network) * float('nan')

    monkeypatch.setattr(ClassifierLearner, 'loss', nothing)
    with pytest.raises(Exception, match='epoch 2.*learning_rate'):
        start(recipe_values, 3)
    assert (tmp_path / 'checkpoint.pt').read_bytes() == before
    assert len(json.loads((tmp_path / 'history.json').read_text())) == 1


def test_a_checkpoint_with_nan_is_not_exported(start, recipe_values, tmp_path):
    start(recipe_values, 1)
    state = load_checkpoint(tmp_path)
    recipe = state.pop('recipe')
    name = next(name for name in state['average'] if name.endswith('weight'))
    state['average'][name].fill_(float('nan'))
    save_checkpoint(tmp_path, recipe, state)
    with pytest.raises(RecipeError, match='train anew'):
        load_network(tmp_path)


def test_a_full_disk_leaves_the_checkpoint_before(start, recipe_values, tmp_path, monkeypatch):
    start(recipe_values, 1)
    before = (tmp_path / 'checkpoint.pt').read_bytes()

    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(checkpoints.os, 'fsync', full)
    with pytest.raises(RecipeError, match='No space left.*make room'):
        start(recipe_values, 2)
    assert (tmp_path / 'checkpoint.pt').read_bytes() == before
    assert not list(tmp_path.glob('*.part'))


def test_a_checkpoint_of_other_shapes_is_named(start, recipe_values, tmp_path):
    start(recipe_values, 1)
    state = load_checkpoint(tmp_path)
    recipe = state.pop('recipe')
    for part in ('network', 'average'):
        name = next(name for name, value in state[part].items() if value.ndim == 4)
        state[part][name] = torch.zeros(3, 1, 3, 3)
    save_checkpoint(tmp_path, recipe, state)
    for use in (lambda: start(recipe_values, 2), lambda: load_network(tmp_path)):
        with pytest.raises(RecipeError, match='checkpoint'):
            use()


def test_ctrl_c_inside_a_load_is_no_damage(tmp_path, monkeypatch):
    (tmp_path / 'checkpoint.pt').write_bytes(b'whatever')

    def interrupted(*arguments, **options):
        training.interrupt(signal.SIGINT, None)

    monkeypatch.setattr(torch, 'load', interrupted)
    with pytest.raises(training.InterruptedRunError):
        load_checkpoint(tmp_path)


def test_ctrl_c_while_the_data_are_read_ends_with_130(tmp_path, recipe_values, monkeypatch, capsys):
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(json.dumps(recipe_values))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(training, 'make_learner', interrupted)
    arguments = [str(recipe), '--data', str(tmp_path), '--output', str(tmp_path / 'run')]
    monkeypatch.setattr(sys, 'argv', ['train', *arguments])
    try:
        assert training.main() == 130
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before):
            signal.signal(number, handler)
    assert 'goes on' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['tpu', 'cpu:x', 'meta', 'meta:7:7'])
def test_an_unknown_device_is_named(name):
    with pytest.raises(RecipeError, match=name):
        pick_device(name)


@pytest.mark.parametrize(
    'option',
    [['--threads', '0'], ['--threads', 'x'], ['--micro-batches', '-1'], ['--parts', '-1']],
)
def test_numbers_of_threads_start_at_one(option, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['train', 'r', '--data', 'd', '--output', 'o', *option])
    with pytest.raises(SystemExit) as end:
        training.main()
    assert end.value.code == 2 and 'no whole number' in capsys.readouterr().err


def test_an_output_that_is_a_file_ends_with_a_sentence(
    data_folder, tmp_path, recipe_values, monkeypatch, capsys
):
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(json.dumps({**recipe_values, 'epochs': 1}))
    (tmp_path / 'run').write_text('a file')
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    arguments = [str(recipe), '--data', str(data_folder), '--output', str(tmp_path / 'run')]
    monkeypatch.setattr(sys, 'argv', ['train', *arguments])
    try:
        assert training.main() == 1
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers):
            signal.signal(number, handler)
    assert capsys.readouterr().err.startswith('error: ')


@pytest.mark.skipif(not os.path.isdir('/proc/self'), reason='nobody can write there')
def test_a_folder_that_takes_no_files_is_told_before_the_work(
    recipe_values, tmp_path, monkeypatch, capsys
):
    (tmp_path / 'recipe.yaml').write_text(json.dumps(recipe_values))
    options = ['--data', str(tmp_path / 'nowhere'), '--output', '/proc/self']
    for program, first in ((training, tmp_path / 'recipe.yaml'), (evaluate, 'gone.onnx')):
        monkeypatch.setattr(signal, 'signal', lambda number, handler: None)
        monkeypatch.setattr(sys, 'argv', ['program', str(first), *options])
        assert program.main() == 1
        assert 'nothing can be written into /proc/self' in capsys.readouterr().err


@pytest.mark.parametrize(
    'options, message',
    [(['--robustness'], '--robustness'), (['--split', 'test'], '--split test')],
)
def test_options_that_a_detector_ignores_are_refused(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(evaluate, 'metadata_of', lambda path: {'task': evaluate.DETECTION})
    monkeypatch.setattr(sys, 'argv', ['evaluate', 'd.onnx', '--data', str(tmp_path), *options])
    assert evaluate.main() == 1
    assert message in capsys.readouterr().err


def test_detectors_are_not_measured_with_detectors(tmp_path, monkeypatch):
    recipe = recipe_from({'task': 'face_detection', 'epochs': 1, 'held_out': ['a']})
    monkeypatch.setattr(export, 'finished_checkpoint', lambda run: {'recipe': recipe})
    with pytest.raises(RecipeError, match='--detectors'):
        export.export('run', tmp_path, tmp_path / 'd.onnx', ['haar'])


def test_several_folders_of_scenes_are_refused(tmp_path, monkeypatch):
    recipe = recipe_from({'task': 'face_detection', 'epochs': 1, 'held_out': ['a']})
    with pytest.raises(Exception, match='one folder'):
        training.make_learner(recipe, ['a', 'b'], [], 'stop', torch.device('cpu'))
