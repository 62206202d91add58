"""Leaning a file towards a label: what it predicts then, and what the file says about itself."""

import argparse
import hashlib
import json
import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from face_perception.core.types import EMOTIONS  # noqa: E402
from face_perception.training import label_offsets  # noqa: E402
from face_perception.training.architectures import mini_xception  # noqa: E402
from face_perception.training.exported import load, metadata_of  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from support.older_files import with_mirror_inside  # noqa: E402
from support.untrained import GENDER  # noqa: E402


@pytest.fixture(params=['plain', 'asks for mirror', 'older, mirror inside'])
def model(tmp_path, request):
    """Return a gender file that was never trained."""
    torch.manual_seed(3)
    metadata = dict(GENDER)
    network = mini_xception(3, 2).eval()
    path = tmp_path / 'gender.onnx'
    if request.param == 'asks for mirror':
        metadata['mirror'] = 'true'
    built = build_model(network, 1.3, 48, metadata)
    if request.param == 'older, mirror inside':
        with_mirror_inside(built)
    path.write_bytes(built.SerializeToString())
    return path


def predictions(path):
    pictures = np.random.RandomState(0).randint(0, 256, (5, 48, 48, 3)).astype(np.uint8)
    return load(path).predict(pictures)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['label_offsets', *map(str, arguments)])
    return label_offsets.main()


def test_a_written_offset_changes_the_odds_by_just_that(model, utkface_folder, monkeypatch):
    before = predictions(model)
    command = [model, '--data', utkface_folder, '--offsets', 'female=0.7', '--write']
    assert run(monkeypatch, *command) == 0
    after = predictions(model)
    change = np.log(after[:, 0] / after[:, 1]) - np.log(before[:, 0] / before[:, 1])
    np.testing.assert_allclose(change, 0.7, atol=1e-4)
    shifted = label_offsets.shifted(before, np.array([0.7, 0]))
    np.testing.assert_allclose(after, shifted, atol=1e-4)
    metadata = metadata_of(model)
    assert json.loads(metadata['training']) == {'data_sets': {}, 'offsets': {'female': 0.7}}
    assert 'accuracy' in json.loads(metadata['accuracy'])
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert digest in model.with_name('SHA256SUMS').read_text()
    assert run(monkeypatch, *command) == 0
    assert json.loads(metadata_of(model)['training'])['offsets'] == {'female': 1.4}


def test_without_writing_the_file_stays(model, utkface_folder, monkeypatch):
    before = model.read_bytes()
    assert run(monkeypatch, model, '--data', utkface_folder, '--offsets', 'male=1') == 0
    assert model.read_bytes() == before


@pytest.mark.parametrize('model', ['plain'], indirect=True)
def test_every_number_can_be_read_in_a_narrow_terminal(model, fer_folder, monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '80')
    torch.manual_seed(3)
    metadata = {**GENDER, 'task': 'emotion', 'labels': json.dumps(EMOTIONS), 'color': 'gray'}
    built = build_model(mini_xception(1, 7).eval(), 1.0, 48, metadata)
    model.write_bytes(built.SerializeToString())
    assert run(monkeypatch, model, '--data', fer_folder, '--offsets', 'fear=4') == 0
    said = capsys.readouterr().out
    assert '…' not in said
    assert said.count('accuracy %') == said.count('macro F1') == 2  # to learn from, held out
    (cells,) = (line.split('│') for line in said.splitlines()[-5:] if 'recall of neutral' in line)
    assert [cell.strip() for cell in cells[1:-1]][:3] == ['', '', 'recall of neutral %']
    lines = [line.split('│')[-2].strip() for line in said.splitlines() if 'recall of fear' in line]
    assert lines == ['100.0', '100.0']


@pytest.mark.parametrize('model', ['plain'], indirect=True)
@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['female=0.1', 'female=0.2', '--write'], 'female has more than one offset'),
        (['female=0.1', '--detectors', 'haar'], '--detectors goes with --write'),
    ],
)
def test_what_would_be_ignored_is_refused(
    model, utkface_folder, monkeypatch, capsys, arguments, words
):
    before = model.read_bytes()
    assert run(monkeypatch, model, '--data', utkface_folder, '--offsets', *arguments) == 1
    assert words in capsys.readouterr().err
    assert model.read_bytes() == before


@pytest.mark.parametrize('model', ['plain'], indirect=True)
def test_a_network_of_another_program_is_refused(model, utkface_folder, monkeypatch, capsys):
    graph = onnx.load(str(model))
    last = [node for node in graph.graph.node if node.op_type == 'Conv'][-1]
    bias = last.input.pop()
    after = next(node for node in graph.graph.node if last.output[0] in node.input)
    shape = onnx.numpy_helper.from_array(np.array([1, -1, 1, 1]), 'shape')
    graph.graph.initializer.append(shape)
    added = [
        onnx.helper.make_node('Reshape', [bias, 'shape'], ['bias']),
        onnx.helper.make_node('Add', [last.output[0], 'bias'], ['sum']),
    ]
    place = list(graph.graph.node).index(after)
    for node in reversed(added):
        graph.graph.node.insert(place, node)
    after.input[0] = 'sum'
    model.write_bytes(graph.SerializeToString())
    assert run(monkeypatch, model, '--data', utkface_folder, '--offsets', 'male=1') == 1
    assert 'only files of face_perception_export can be leaned' in capsys.readouterr().err


def test_an_unknown_label_is_named(model, utkface_folder, monkeypatch, capsys):
    assert run(monkeypatch, model, '--data', utkface_folder, '--offsets', 'fear=1') == 1
    assert 'fear is none of the labels female, male' in capsys.readouterr().err


@pytest.mark.parametrize('text', ['fear', 'fear=', '=1', 'fear=nan', 'fear=inf', 'fear=5'])
def test_an_offset_that_cannot_be_meant_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match='should be a label and a number'):
        label_offsets.parse_offset(text)
