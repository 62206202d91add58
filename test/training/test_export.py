"""The exported file: same outputs as PyTorch, the agreed contract, the same bytes each time."""

import hashlib
import json
import os
import stat

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
onnxruntime = pytest.importorskip('onnxruntime', reason='needed to run an exported file')

from face_perception.core.attributes.mirror import (  # noqa: E402
    Shown,
    one_per_face,
    with_mirrors,
)
from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.training.architectures import ARCHITECTURES  # noqa: E402
from face_perception.training.augmentation import center_crop  # noqa: E402
from face_perception.training.checkpoints import load_checkpoint, record_sum, write_model  # noqa: E402
from face_perception.training.classification import (  # noqa: E402
    ClassifierLearner,
    load_network,
    to_tensor,
)
from face_perception.training.classifier_report import measure  # noqa: E402
from face_perception.training.data import load_samples, load_task  # noqa: E402
from face_perception.training.export import export  # noqa: E402
from face_perception.training.exported import load  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.train import train  # noqa: E402
from face_perception.training.trainer import Trainer  # noqa: E402


def random_network(channels, classes, architecture='mini_xception'):
    """Return a network whose batch normalisations do something."""
    torch.manual_seed(0)
    network = ARCHITECTURES[architecture](channels, classes)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize('architecture', ARCHITECTURES)
@pytest.mark.parametrize('channels, classes, temperature', [(1, 7, 1.0), (3, 2, 1.7)])
@pytest.mark.parametrize('count, mirror', [(1, False), (5, True), (40, True)])
def test_the_graph_predicts_as_the_network(
    architecture, channels, classes, temperature, count, mirror
):
    check_parity(architecture, channels, classes, temperature, count, mirror)


@pytest.mark.parametrize('channels, classes', [(1, 7), (3, 2)])
def test_the_shipped_kind_of_graph_predicts_as_the_network_on_a_thousand_crops(channels, classes):
    check_parity('deep_mini_xception', channels, classes, 1.3, 1000, True)


def check_parity(architecture, channels, classes, temperature, count, mirror):
    network = random_network(channels, classes, architecture)
    model = build_model(network, temperature, 48, {})
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    images = np.random.default_rng(0).integers(0, 256, (count, 48, 48, channels), dtype=np.uint8)
    with torch.inference_mode():
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        logits = network(pixels)
        if mirror:
            logits = (logits + network(pixels.flip(3))) / 2
        expected = (logits / temperature).softmax(dim=1).numpy()
    shown = [Shown.BOTH if mirror else Shown.IMAGE] * count
    asked = np.stack(with_mirrors(images, shown))
    served = one_per_face(session.run(None, {'image': asked})[0], shown)
    np.testing.assert_allclose(served, expected, atol=1e-4)


def test_the_graph_is_lean_and_old_enough_for_old_runtimes():
    model = build_model(random_network(1, 7), 1.0, 48, {})
    operators = [node.op_type for node in model.graph.node]
    assert 'BatchNormalization' not in operators and 'Transpose' not in operators
    assert operators.count('Add') == 4  # one per residual block
    assert model.opset_import[0].version <= 17 and model.ir_version <= 8


@pytest.fixture(scope='module', params=['emotion', 'gender'])
def exported(request, data_folder, quick_recipe, tmp_path_factory):
    """Return the path of a file exported after one epoch, its run, its data and its numbers."""
    colors = {'emotion': 'gray', 'gender': 'rgb'}
    recipe = recipe_from(
        {
            **quick_recipe,
            'task': request.param,
            'epochs': 1,
            'color': colors[request.param],
            'mirror': request.param == 'emotion',
            'votes_task': 0.5 if request.param == 'emotion' else 0.0,
        }
    )
    folder = tmp_path_factory.mktemp(request.param)
    run, path = folder / 'run', folder / f'{request.param}.onnx'
    learner = ClassifierLearner(recipe, *load_task(recipe, data_folder))
    train(recipe, Trainer(recipe, learner, torch.device('cpu')), run)
    return path, run, data_folder, export(run, data_folder, path)


def test_the_file_keeps_the_contract(exported):
    path, run, data, numbers = exported
    model = onnx.load(str(path))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    task = path.stem
    channels, labels = {
        'emotion': (1, ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']),
        'gender': (3, ['female', 'male']),
    }[task]
    assert json.loads(metadata['labels']) == labels
    assert metadata['task'] == task and metadata['architecture'] == 'mini_xception'
    assert metadata['color'] == {1: 'gray', 3: 'rgb'}[channels]
    assert (metadata['input_size'], metadata['crop_margin']) == ('48', '0.02')
    assert metadata['mirror'] == {'emotion': 'true', 'gender': 'false'}[task]
    assert metadata['version'] == '0.1.0' and int(metadata['parameters']) <= 60_000
    training = json.loads(metadata['training'])
    assert {'data_sets', 'recipe', 'epochs', 'seed'} <= set(training)
    train, validation = load_task(load_checkpoint(run)['recipe'], data)
    assert training['data_sets'] == {
        {'emotion': 'FER-2013', 'gender': 'UTKFace'}[task]: {
            'training': len(train),
            'validation': len(validation),
        }
    }
    assert json.loads(metadata['accuracy']) == numbers
    session = load(path).model.session
    (image,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == (
        'image',
        'tensor(uint8)',
        ['N', 48, 48, channels],
    )
    assert (probabilities.name, probabilities.type, probabilities.shape) == (
        'probabilities',
        'tensor(float)',
        ['N', len(labels)],
    )


def test_the_numbers_are_those_of_the_file(exported):
    path, _, data, numbers = exported
    classifier = load(path)
    samples = load_samples(path.stem, data, classifier.model.crop_margin)
    assert measure(classifier, samples) == numbers
    assert numbers['images'] > 0 and 0 <= numbers['accuracy'] <= 1


def test_the_same_checkpoint_gives_the_same_bytes_and_sum(exported):
    path, run, data, _ = exported
    content = path.read_bytes()
    export(run, data, path)
    assert path.read_bytes() == content
    sums = path.with_name('SHA256SUMS').read_text()
    assert sums == f'{hashlib.sha256(content).hexdigest()}  {path.name}\n'


def test_what_is_served_of_a_sample_is_what_was_trained_on(exported):
    path, run, data, _ = exported
    classifier = load(path)
    _, validation = load_task(load_checkpoint(run)['recipe'], data)
    samples = load_samples(path.stem, data, classifier.model.crop_margin)
    assert [sample.label for sample in samples] == validation.labels.tolist()
    trained = center_crop(to_tensor(validation), 48).permute(0, 2, 3, 1).numpy().astype(int)
    for sample, crop in zip(samples, trained, strict=True):
        served = classifier.batch(sample.image, [sample.box])[0]
        # FER-2013 pixel for pixel; UTKFace is resampled from a slightly wider image.
        assert np.abs(served - crop).mean() <= (0 if path.stem == 'emotion' else 3)


def test_the_file_predicts_as_the_trained_network(exported):
    path, run, data, _ = exported
    classifier, network = load(path), load_network(run)
    _, validation = load_task(load_checkpoint(run)['recipe'], data)
    images = center_crop(to_tensor(validation), 48)
    metadata = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    training = json.loads(metadata['training'])
    with torch.inference_mode():
        logits = network(images.float())
        if training['recipe']['mirror']:
            logits = (logits + network(images.flip(3).float())) / 2
        expected = (logits / training['temperature']).softmax(dim=1).numpy()
    served = classifier.predict(images.permute(0, 2, 3, 1).contiguous().numpy())
    np.testing.assert_allclose(served, expected, atol=1e-4)


def test_export_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(RecipeError, match='no checkpoint'):
        export(tmp_path, tmp_path, tmp_path / 'model.onnx')


@pytest.mark.parametrize('content', [b'no model', None], ids=['no model', 'no metadata'])
def test_a_file_that_does_not_keep_the_contract_is_refused(tmp_path, content):
    path = tmp_path / 'model.onnx'
    path.write_bytes(content or build_model(random_network(1, 2), 1.0, 48, {}).SerializeToString())
    with pytest.raises(ModelError, match='model.onnx'):
        load(path)


def test_sums_of_others_stay_as_they_are(tmp_path):
    """Lines of theirs, names that are not ASCII, and what is no line of a sum."""
    sums = tmp_path / 'SHA256SUMS'
    theirs, former = b'0' * 64 + b' *theirs.onnx', b'1' * 64 + b'  a.onnx'
    sums.write_bytes(b'\n'.join([b'# mod\xe8les', b'', theirs, former, b'']))
    for name in ('a.onnx', 'mod\xe8le.onnx'):
        (tmp_path / name).write_bytes(b'')
        record_sum(tmp_path / name, 'f' * 64)
    lines = sums.read_bytes().splitlines()
    assert len(lines) == 4
    assert {b'# mod\xe8les', theirs, b'f' * 64 + b'  a.onnx'} <= {*lines}
    assert 'f' * 64 + '  mod\xe8le.onnx' in [line.decode(errors='replace') for line in lines]


def test_where_no_file_can_be_written_is_said_before_anything_is_measured(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    for name, words in (
        ('', 'no name of a file'),
        ('.', 'no name of a file'),
        ('missing/a.onnx', 'does not exist: make it first'),
        ('pipe', 'a device or a pipe'),
    ):
        with pytest.raises(ModelError, match=words):
            export(tmp_path, tmp_path, name and tmp_path / name)
    assert stat.S_ISFIFO((tmp_path / 'pipe').stat().st_mode)


def test_a_link_stays_one(tmp_path):
    (tmp_path / 'kept').mkdir()
    (tmp_path / 'a.onnx').symlink_to(tmp_path / 'kept' / 'b.onnx')
    write_model(tmp_path / 'a.onnx', onnx.ModelProto())
    assert (tmp_path / 'a.onnx').is_symlink() and (tmp_path / 'kept' / 'b.onnx').is_file()
    assert 'b.onnx' in (tmp_path / 'kept' / 'SHA256SUMS').read_text()
