"""Training: it learns, survives being stopped, and goes on as if it had not been."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from support.waiting import wait_until

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from rich.console import Console  # noqa: E402

from face_perception.training import train as training  # noqa: E402
from face_perception.training.architectures import mini_xception  # noqa: E402
from face_perception.training.checkpoints import branch_decay, load_checkpoint  # noqa: E402
from face_perception.training.classification import (  # noqa: E402
    ClassifierLearner,
    Mix,
    build,
    distance,
    load_network,
)
from face_perception.training.data import FaceSet, one_hot  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.trainer import Batch, DivergedError, Trainer, pick_device  # noqa: E402

CPU = torch.device('cpu')


pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture
def data(images):
    """Return images in seven kinds that differ in where they are bright."""
    labels = np.arange(56) % 7
    images = images(56, 48, 1, 0) // 4
    for image, label in zip(images, labels, strict=True):
        image[:, label * 6 : label * 6 + 8] += 150
    faces = FaceSet(images, one_hot(labels, 7), labels)
    return faces, faces


def run(values, data, output, teacher=None, stop_after=None):
    """Train by the recipe ``values`` and return the trainer."""
    recipe = recipe_from(values)
    trainer = Trainer(recipe, ClassifierLearner(recipe, *data, teacher), CPU)
    return training.train(recipe, trainer, output, stop_after)


@pytest.fixture
def no_curves(monkeypatch):
    """Draw nothing after each epoch: that takes longer than the epoch, and others look at it."""
    monkeypatch.setattr(training, 'learning_curves', lambda history, path: None)


@pytest.mark.usefixtures('no_curves')
def test_learns(data, recipe_values, tmp_path):
    plain = {'flip': 0.0, 'shift': 0.0, 'scale': 0.0, 'rotation': 0.0, 'erase': 0.0}
    trained = run({**recipe_values, 'epochs': 12, 'augmentation': plain}, data, tmp_path)
    assert trained.history[-1]['loss'] < trained.history[0]['loss'] / 2
    assert trained.history[-1]['accuracy'] > 0.7


def test_a_part_of_a_batch_is_a_batch_of_its_own():
    whole = Batch(torch.arange(7), torch.Generator().manual_seed(1), (3, 14))
    assert whole.split(1) == [whole]
    micro_batches = whole.split(3)
    assert [each.chosen.tolist() for each in micro_batches] == [[0, 1, 2], [3, 4], [5, 6]]
    assert [each.key for each in micro_batches] == [(3, 14), (3, 17), (3, 19)]
    assert len({float(torch.rand(1, generator=each.random)) for each in micro_batches}) == 3


@pytest.mark.usefixtures('no_curves')
def test_micro_batches_follow_the_mean_of_their_gradients(data, recipe_values, tmp_path):
    recipe = recipe_from({**recipe_values, 'epochs': 1, 'batch_size': 56, 'average': 0.0})
    learner = ClassifierLearner(recipe, *data)
    before = [value.detach().clone() for value in learner.network.parameters()]
    trainer = Trainer(recipe, learner, CPU, micro_batches=2)
    # The same images and changes, one micro-batch after the other on a network of the same weights.
    random = torch.Generator().manual_seed(1_000_003 * recipe.seed)
    order = torch.randperm(len(learner), generator=random)
    shares = []
    for micro_batch in Batch(order, random, (0, 0)).split(2):
        twin = build(recipe)
        for ours, value in zip(twin.parameters(), before, strict=True):
            ours.data.copy_(value)
        shares.append(torch.autograd.grad(learner.loss(micro_batch, twin), list(twin.parameters())))
    trainer.train_epoch()
    for value, *each in zip(learner.network.parameters(), *shares, strict=True):
        torch.testing.assert_close(value.grad, sum(each) / 2)


@pytest.mark.parametrize('count', [0, 4])
def test_micro_batches_that_are_too_small_are_refused(data, recipe_values, count):
    recipe = recipe_from({**recipe_values, 'batch_size': 7})
    with pytest.raises(RecipeError, match='micro-batches'):
        Trainer(recipe, ClassifierLearner(recipe, *data), CPU, count)


def same(one, other):
    """Tell whether two state dictionaries hold the same numbers."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures('no_curves')
def test_a_resumed_run_equals_an_uninterrupted_one(data, recipe_values, tmp_path):
    whole = run(recipe_values, data, tmp_path / 'whole')
    run(recipe_values, data, tmp_path / 'resumed', stop_after=2)
    resumed = run(recipe_values, data, tmp_path / 'resumed')
    assert resumed.epoch == whole.epoch == 3
    assert same(whole.network.state_dict(), resumed.network.state_dict())
    assert same(whole.average.state_dict(), resumed.average.state_dict())
    assert [entry['loss'] for entry in whole.history] == [
        entry['loss'] for entry in resumed.history
    ]


@pytest.mark.usefixtures('no_curves')
def test_a_decay_branched_off_a_run_leaves_the_run_as_it_is(data, recipe_values, tmp_path):
    endless = {**recipe_values, 'epochs': 0, 'optimizer': 'muon', 'learning_rate': 0.01}
    run(endless, data, tmp_path / 'run', stop_after=2)
    before = (tmp_path / 'run' / 'checkpoint.pt').read_bytes()
    recipe = branch_decay(tmp_path / 'run', 2, tmp_path / 'decay')
    assert (recipe.epochs, recipe.decay) == (4, 2)
    # Stopped and taken up again, it is still the same decay.
    first = Trainer(recipe, ClassifierLearner(recipe, *data), CPU)
    training.train(recipe, first, tmp_path / 'decay', stop_after=3)
    assert branch_decay(tmp_path / 'run', 2, tmp_path / 'decay') == recipe
    ended = Trainer(recipe, ClassifierLearner(recipe, *data), CPU)
    training.train(recipe, ended, tmp_path / 'decay')
    rates = [entry['learning_rate'] for entry in ended.history]
    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.005])
    assert ended.optimizer.param_groups[0]['lr'] == 0
    assert (tmp_path / 'run' / 'checkpoint.pt').read_bytes() == before
    assert load_checkpoint(tmp_path / 'run')['epoch'] == 2


@pytest.mark.usefixtures('no_curves')
def test_a_decay_does_not_replace_another_run(data, recipe_values, tmp_path):
    run(recipe_values, data, tmp_path / 'other', stop_after=1)
    with pytest.raises(RecipeError, match='another run'):
        branch_decay(tmp_path / 'other', 2, tmp_path / 'other')
    # A decay of as many epochs, but of a run of another recipe.
    run({**recipe_values, 'epochs': 0}, data, tmp_path / 'a', stop_after=1)
    run({**recipe_values, 'epochs': 0, 'seed': 9}, data, tmp_path / 'b', stop_after=1)
    branch_decay(tmp_path / 'a', 2, tmp_path / 'decay')
    with pytest.raises(RecipeError, match='another run'):
        branch_decay(tmp_path / 'b', 2, tmp_path / 'decay')
    # The run may have gone on since.
    run({**recipe_values, 'epochs': 0}, data, tmp_path / 'a', stop_after=2)
    assert branch_decay(tmp_path / 'a', 2, tmp_path / 'decay').epochs == 3
    for epochs in (0, -1, 10**11):
        with pytest.raises(RecipeError, match='epoch'):
            branch_decay(tmp_path / 'a', epochs, tmp_path / 'decay')
        with pytest.raises(RecipeError, match='epoch'):
            branch_decay(tmp_path / 'a', epochs, tmp_path / 'new')
    assert not (tmp_path / 'new').exists()
    with pytest.raises(RecipeError, match='train first'):
        branch_decay(tmp_path / 'none', 2, tmp_path / 'new')


@pytest.mark.usefixtures('no_curves')
def test_a_loss_that_is_no_number_ends_the_run_before_its_checkpoint(
    data, recipe_values, tmp_path, monkeypatch
):
    run(recipe_values, data, tmp_path, stop_after=1)
    before = (tmp_path / 'checkpoint.pt').read_bytes()
    recipe = recipe_from(recipe_values)
    learner = ClassifierLearner(recipe, *data)
    loss = learner.loss
    monkeypatch.setattr(learner, 'loss', lambda *given: loss(*given) * float('nan'))
    with pytest.raises(DivergedError, match='lower learning_rate'):
        training.train(recipe, Trainer(recipe, learner, CPU), tmp_path)
    assert (tmp_path / 'checkpoint.pt').read_bytes() == before


def test_leaves_a_checkpoint_a_history_and_a_plot(data, recipe_values, tmp_path):
    run(recipe_values, data, tmp_path, stop_after=1)
    assert load_checkpoint(tmp_path)['epoch'] == 1
    history = json.loads((tmp_path / 'history.json').read_text())
    assert [list(entry) for entry in history] == [
        ['epoch', 'loss', 'learning_rate', 'accuracy', 'seconds']
    ]
    assert (tmp_path / 'learning_curves.png').stat().st_size > 1000
    assert not list(tmp_path.glob('*.part'))


def test_a_run_that_is_done_says_so_and_tells_of_its_last_epoch(data, recipe_values, tmp_path):
    run({**recipe_values, 'epochs': 1}, data, tmp_path)
    (tmp_path / 'history.json').unlink()  # killed between the two files
    recipe, console = recipe_from({**recipe_values, 'epochs': 1}), Console(file=io.StringIO())
    trainer = Trainer(recipe, ClassifierLearner(recipe, *data), CPU)
    training.train(recipe, trainer, tmp_path, console=console)
    assert 'Nothing is left to do: 1 of 1 epochs are done' in console.file.getvalue()
    assert len(json.loads((tmp_path / 'history.json').read_text())) == 1


def test_workers_are_refused_where_nobody_needs_them(recipe_values, data_folder):
    with pytest.raises(RecipeError, match='--workers makes samples for a detector'):
        training.make_learner(
            recipe_from(recipe_values), [str(data_folder)], [], 'stop', CPU, workers=2
        )


def test_half_a_checkpoint_does_no_harm(data, recipe_values, tmp_path):
    run(recipe_values, data, tmp_path, stop_after=1)
    (tmp_path / 'checkpoint.pt.part').write_bytes(b'half')
    assert run(recipe_values, data, tmp_path, stop_after=2).epoch == 2


def test_refuses_to_go_on_with_another_recipe(data, recipe_values, tmp_path):
    run(recipe_values, data, tmp_path, stop_after=1)
    with pytest.raises(RecipeError, match='another recipe'):
        run({**recipe_values, 'seed': 8}, data, tmp_path)


@pytest.mark.parametrize('content', [{'weights': 3}, None], ids=['other content', 'no archive'])
def test_refuses_a_file_that_is_no_checkpoint(tmp_path, content):
    if content:
        torch.save(content, tmp_path / 'checkpoint.pt')
    else:
        (tmp_path / 'checkpoint.pt').write_bytes(b'cut off')
    with pytest.raises(RecipeError, match='not a checkpoint'):
        load_checkpoint(tmp_path)


def test_too_few_images_are_named(data, recipe_values, tmp_path):
    with pytest.raises(RecipeError, match='56 images'):
        run({**recipe_values, 'batch_size': 64}, data, tmp_path)


@pytest.mark.usefixtures('no_curves')
def test_the_rate_rises_then_falls_to_nothing(data, recipe_values, tmp_path):
    trained = run({**recipe_values, 'epochs': 10, 'warmup': 3, 'decay': 7}, data, tmp_path)
    rates = [entry['learning_rate'] for entry in trained.history]
    # 56 images in batches of 8 are 7 steps an epoch; an epoch is told by its first one.
    assert rates[:4] == pytest.approx([0.004 / 21, 0.004 * 8 / 21, 0.004 * 15 / 21, 0.004])
    assert rates[4:] == pytest.approx([0.004 * left / 7 for left in (6, 5, 4, 3, 2, 1)])
    assert trained.optimizer.param_groups[0]['lr'] == 0


def test_the_average_is_not_the_network(data, recipe_values, tmp_path):
    trained = run(recipe_values, data, tmp_path)
    averaged = trained.average.module.state_dict()
    assert not same(averaged, trained.network.state_dict())
    assert same(load_network(tmp_path).state_dict(), averaged)


@pytest.mark.usefixtures('no_curves')
def test_a_teacher_teaches(data, recipe_values, tmp_path):
    """A network that hears the teacher alone comes to predict as it does, whatever the labels."""
    plain = {'flip': 0.0, 'shift': 0.0, 'scale': 0.0, 'rotation': 0.0, 'erase': 0.0}
    run({**recipe_values, 'epochs': 12, 'augmentation': plain}, data, tmp_path / 'teacher')
    teacher = load_network(tmp_path / 'teacher')
    wrong = FaceSet(data[0].images, np.roll(data[0].targets, 1, axis=1), data[0].labels)
    values = {**recipe_values, 'epochs': 12, 'augmentation': plain, 'distillation': 1.0}
    trained = run(values, (wrong, data[1]), tmp_path / 'student', teacher)
    assert trained.history[-1]['accuracy'] > 0.7


def test_mixing_does_the_same_to_images_and_targets():
    mix = Mix(6, 0.4, torch.Generator().manual_seed(3), CPU)
    first = torch.zeros(6)
    first[:3] = 1  # each of these lies over one of the others
    shares = mix(first)
    torch.testing.assert_close(shares[:3], 1 - mix(1 - first)[:3])
    assert 0 < shares.min() and shares.max() < 1 and shares.unique().numel() == 6
    images = torch.rand(6, 1, 4, 4)
    torch.testing.assert_close(mix(images)[0], shares[0] * images[0] + (1 - shares[0]) * images[5])
    torch.testing.assert_close(mix(torch.eye(6)).sum(dim=1), torch.ones(6))


@pytest.mark.usefixtures('no_curves')
def test_mixed_images_teach_too(data, recipe_values, tmp_path):
    plain = {'flip': 0.0, 'shift': 0.0, 'scale': 0.0, 'rotation': 0.0, 'erase': 0.0}
    values = {**recipe_values, 'epochs': 12, 'augmentation': plain}
    trained = run({**values, 'mixup': 0.2}, data, tmp_path / 'mixed')
    assert trained.history[-1]['accuracy'] > 0.7
    alone = run(values, data, tmp_path / 'alone', stop_after=1)
    assert trained.history[0]['loss'] != alone.history[0]['loss']


@pytest.mark.usefixtures('no_curves')
def test_votes_teach_what_the_labels_do_not_say(data, recipe_values, tmp_path):
    """With labels that mean nothing, votes alone make features that tell the images apart."""
    plain = {'flip': 0.0, 'shift': 0.0, 'scale': 0.0, 'rotation': 0.0, 'erase': 0.0}
    faces = data[0]
    blind = FaceSet(
        faces.images,
        np.full_like(faces.targets, 1 / 7),
        faces.labels,
        votes=one_hot(faces.labels, 10),
    )
    values = {**recipe_values, 'epochs': 12, 'augmentation': plain, 'votes_task': 1.0}
    recipe = recipe_from(values)
    learner = ClassifierLearner(recipe, blind, faces)
    training.train(recipe, Trainer(recipe, learner, CPU), tmp_path)
    outputs = learner.network.eval()(learner.images.float())
    assert outputs.shape[1] == 7 + 10
    guesses = outputs[:, 7:].argmax(dim=1).numpy()
    assert (guesses == faces.labels).mean() > 0.7
    assert load_network(tmp_path)(learner.images[:2].float()).shape == (2, 7)


def test_a_votes_task_without_votes_is_refused(data, recipe_values, tmp_path):
    with pytest.raises(RecipeError, match='votes'):
        run({**recipe_values, 'votes_task': 1.0}, data, tmp_path)


def test_distance_is_the_divergence_of_softened_predictions():
    logits, taught = torch.randn(5, 7), torch.randn(5, 7)
    ours, theirs = (values.double().div(3).softmax(dim=1) for values in (logits, taught))
    expected = 9 * (theirs * (theirs / ours).log()).sum(dim=1)
    torch.testing.assert_close(
        distance(logits, taught, 3.0).double(), expected, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize('share, teacher', [(0.5, None), (0.0, mini_xception(1, 7))])
def test_a_teacher_and_its_recipe_belong_together(data, recipe_values, tmp_path, share, teacher):
    with pytest.raises(RecipeError, match='teacher'):
        run({**recipe_values, 'distillation': share}, data, tmp_path, teacher)


def test_an_unknown_architecture_is_named(data, recipe_values, tmp_path):
    with pytest.raises(RecipeError, match='mini_xception.*vgg'):
        run({**recipe_values, 'architecture': 'vgg'}, data, tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a CUDA device')
def test_a_missing_device_is_named():
    assert pick_device('auto') == CPU
    with pytest.raises(RecipeError, match='--device cpu'):
        pick_device('cuda')


def start(data, values, output, folder):
    """Start the command in a process of its own, whose recipe is written to ``folder``."""
    recipe = folder / 'recipe.yaml'
    recipe.write_text(json.dumps(values))
    return subprocess.Popen(
        [
            sys.executable,
            '-m',
            'face_perception.training.train',
            str(recipe),
            '--data',
            str(data),
            '--output',
            str(output),
            '--threads',
            '1',
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Wait for a process; returns its exit status and what it said on both streams."""
    said = process.communicate(timeout=300)
    return process.returncode, *said


def epochs_done(output):
    path = output / 'history.json'
    return len(json.loads(path.read_text())) if path.exists() else 0


@pytest.fixture(scope='module')
def whole(data_folder, quick_recipe, tmp_path_factory):
    """Return the settings of a run, and the checkpoint that it leaves when nobody stops it."""
    values = {**quick_recipe, 'epochs': 8}
    folder = tmp_path_factory.mktemp('whole')
    process = start(data_folder, values, folder / 'run', folder)
    assert finish(process)[0] == 0
    return values, load_checkpoint(folder / 'run')


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_goes_on_to_the_same_result(number, data_folder, whole, tmp_path):
    values, expected = whole
    process = start(data_folder, values, tmp_path / 'run', tmp_path)
    wait_until(lambda: epochs_done(tmp_path / 'run') >= 2 or process.poll() is not None, 300)
    os.kill(process.pid, number)
    status, _, said = finish(process)
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert 'Traceback' not in said and 1 < epochs_done(tmp_path / 'run') < 8
    status, printed, _ = finish(start(data_folder, values, tmp_path / 'run', tmp_path))
    assert status == 0 and 'Resuming after epoch' in printed
    stopped = load_checkpoint(tmp_path / 'run')
    assert stopped['epoch'] == expected['epoch'] == 8
    assert same(stopped['average'], expected['average'])


def test_missing_data_end_the_program_with_a_sentence(tmp_path, recipe_values):
    status, _, said = finish(start(tmp_path, recipe_values, tmp_path / 'run', tmp_path))
    assert status == 1 and said.startswith('error: ') and 'Traceback' not in said


@pytest.mark.usefixtures('no_curves')
def test_a_wish_to_stop_is_not_lost_where_its_exception_is(
    data, recipe_values, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, '_asked_to_stop', threading.Event())
    learn, calls = ClassifierLearner.loss, []

    def interrupted(learner, batch, network):
        calls.append(1)
        if len(calls) == 2:
            with contextlib.suppress(training.InterruptedRunError):  # as destructors do
                training.interrupt(signal.SIGINT, None)
        return learn(learner, batch, network)

    monkeypatch.setattr(ClassifierLearner, 'loss', interrupted)
    with pytest.raises(training.InterruptedRunError, match='goes on'):
        run({**recipe_values, 'epochs': 3}, data, tmp_path)
    assert len(calls) == 2


@pytest.mark.parametrize('content', [b'', b'hello'])
def test_what_is_no_checkpoint_is_told_in_words(tmp_path, content):
    (tmp_path / 'checkpoint.pt').write_bytes(content)
    with pytest.raises(RecipeError, match=f'cannot read its {len(content)} bytes'):
        load_checkpoint(tmp_path)


@pytest.mark.usefixtures('no_curves')
def test_names_of_numbers_are_no_markup(data, recipe_values, tmp_path, monkeypatch):
    recipe = recipe_from(recipe_values)
    learner = ClassifierLearner(recipe, *data)
    monkeypatch.setattr(learner, 'validate', lambda network: {'accuracy_[/x]': 0.5})
    console = Console(record=True, file=io.StringIO())
    training.train(recipe, Trainer(recipe, learner, CPU), tmp_path, 1, console)
    assert 'accuracy_[/x] 0.5' in console.export_text()
