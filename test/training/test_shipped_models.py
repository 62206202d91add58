"""The files in models/: whole, within the contract, and described by the numbers they carry."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='needed to look into the ONNX files')

MODELS = Path(__file__).parents[2] / 'models'
LABELS = {
    'emotion': ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'],
    'gender': ['female', 'male'],
}


@pytest.fixture(params=LABELS)
def shipped(request):
    """Return the task, the model and its metadata."""
    model = onnx.load(str(MODELS / f'{request.param}_mini_xception.onnx'))
    return request.param, model, {entry.key: entry.value for entry in model.metadata_props}


def test_the_sums_are_those_of_the_files():
    lines = (MODELS / 'SHA256SUMS').read_text().splitlines()
    sums = {name: digest for digest, name in (line.split('  ') for line in lines)}
    for path in MODELS.glob('*.onnx'):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sums[path.name]


def test_the_metadata_are_complete(shipped):
    task, _, metadata = shipped
    assert json.loads(metadata['labels']) == LABELS[task] and metadata['task'] == task
    assert metadata['color'] in ('gray', 'rgb') and metadata['input_size'] == '48'
    assert -0.3 < float(metadata['crop_margin']) < 0.5
    assert {'data_sets', 'recipe', 'epochs', 'seed'} <= set(json.loads(metadata['training']))
    assert {'version', 'architecture', 'parameters', 'accuracy'} <= set(metadata)


def test_the_network_is_small_and_loads_in_old_runtimes(shipped):
    _, model, metadata = shipped
    weights = sum(np.prod(entry.dims) for entry in model.graph.initializer)
    assert max(weights, int(metadata['parameters'])) <= 60_000
    assert [node.op_type for node in model.graph.node].count('Add') == 6  # residual blocks
    assert model.opset_import[0].version <= 17 and model.ir_version <= 8


def test_the_network_is_good_enough_to_ship(shipped):
    task, _, metadata = shipped
    accuracy = json.loads(metadata['accuracy'])
    assert accuracy['accuracy'] > {'emotion': 0.65, 'gender': 0.95}[task]
    assert accuracy['accuracy_jittered_boxes'] > accuracy['accuracy'] - 0.025
    assert accuracy['accuracy_jittered_boxes'] > {'emotion': 0.655, 'gender': 0.95}[task]
    assert accuracy['calibration_error'] < 0.03


@pytest.fixture
def detector():
    """Return the detector's file and its metadata."""
    model = onnx.load(str(MODELS / 'face_detector.onnx'))
    return model, {entry.key: entry.value for entry in model.metadata_props}


def test_the_detector_is_small_and_says_how_it_was_made(detector):
    model, metadata = detector
    weights = sum(np.prod(entry.dims) for entry in model.graph.initializer)
    assert max(weights, int(metadata['parameters'])) <= 100_000
    assert model.opset_import[0].version <= 17 and model.ir_version <= 8
    assert {'data_sets', 'recipe', 'epochs', 'seed'} <= set(json.loads(metadata['training']))


def test_the_detector_is_better_than_the_one_before(detector):
    numbers = json.loads(detector[1]['accuracy'])
    assert numbers['average_precision'] > 0.84 and numbers['recall'] >= 0.75
    assert numbers['precision'] >= 0.93 and numbers['false_per_100_cuts'] <= 2
    # Of 28 images that were kept apart: at most a single box.
    assert numbers['false_per_100_face_free'] <= 3.6


def test_each_node_of_the_detector_has_a_name_of_its_own(detector):
    # ONNX Runtime 1.18 to 1.21 fuse nodes into new ones named after them, and refuse two of a name.
    names = [node.name for node in detector[0].graph.node]
    assert all(names) and len(set(names)) == len(names)


def test_the_model_card_gives_the_numbers_of_the_detector(detector):
    card = (MODELS / 'README.md').read_text()
    numbers = json.loads(detector[1]['accuracy'])
    missing = [
        name
        for name, value in numbers.items()
        if name.startswith('average_precision') and f'{value:.3f}' not in card
    ]
    assert not missing


def test_the_model_card_gives_the_numbers_of_the_files(shipped):
    task, _, metadata = shipped
    card = (MODELS / 'README.md').read_text()
    accuracy = json.loads(metadata['accuracy'])
    percents = [name for name in accuracy if name.startswith(('accuracy', 'recall'))]
    missing = [name for name in percents if f'{100 * accuracy[name]:.1f} %' not in card]
    assert not missing
    assert f'{accuracy["macro_f1"]:.3f}' in card and f'{accuracy["calibration_error"]:.3f}' in card
