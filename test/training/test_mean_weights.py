"""The mean of files: what it predicts, says of itself, and refuses."""

import json
import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from onnx import numpy_helper  # noqa: E402

from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.training import mean_weights  # noqa: E402
from face_perception.training.across_sources import learned_from  # noqa: E402
from face_perception.training.architectures import deep_mini_xception, mini_xception  # noqa: E402
from face_perception.training.exported import load, metadata_of  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from face_perception.training.provenance import origin  # noqa: E402
from support.untrained import GENDER  # noqa: E402


def classifier(path, architecture=mini_xception, seed=0):
    """Write a gender file of random weights."""
    torch.manual_seed(seed)
    network = architecture(3, 2).eval()
    training = {'data_sets': {path.stem: {'training': 3, 'validation': 1}}}
    metadata = {
        **GENDER,
        'architecture': architecture.__name__,
        'training': json.dumps(training),
    }
    path.write_bytes(build_model(network, 1.0, 48, metadata).SerializeToString())


def kernels(path):
    return [
        numpy_helper.to_array(each)
        for each in onnx.load(str(path)).graph.initializer
        if len(each.dims) == 4
    ]


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['mean_weights', *map(str, arguments)])
    return mean_weights.main()


def test_it_lies_between_the_files(tmp_path, utkface_folder, monkeypatch):
    a, b, mean = (tmp_path / f'{name}.onnx' for name in ('a', 'b', 'mean'))
    classifier(a)
    classifier(b, seed=1)
    command = [a, b, '--shares', 1, 3, '--data', utkface_folder, '--output', mean]
    assert run(monkeypatch, *command) == 0
    first, second, between = map(kernels, (a, b, mean))
    assert len(first) > 10 and first[0].shape == second[0].shape == between[0].shape
    for one, other, middle in zip(first, second, between, strict=True):
        np.testing.assert_allclose(middle, 0.25 * one + 0.75 * other, atol=1e-7)
    assert any(np.abs(one - other).max() > 0.1 for one, other in zip(first, second, strict=True))
    assert len(load(mean).predict(np.zeros((2, 48, 48, 3), np.uint8))) == 2

    metadata = metadata_of(mean)
    parts = json.loads(metadata['training'])['mean_of']
    assert [(part['name'], part['share']) for part in parts] == [('a.onnx', 0.25), ('b.onnx', 0.75)]
    assert parts[1]['data_sets'] == {'b': {'training': 3, 'validation': 1}}
    assert 'accuracy' in json.loads(metadata['accuracy'])
    assert 'mean.onnx' in (tmp_path / 'SHA256SUMS').read_text()


def test_what_a_mean_has_learned_from_stays_known(tmp_path, utkface_folder, monkeypatch):
    a, b, mean = (tmp_path / f'{name}.onnx' for name in ('a', 'b', 'mean'))
    classifier(a)
    classifier(b, seed=1)
    assert run(monkeypatch, a, b, '--data', utkface_folder, '--output', mean) == 0
    assert learned_from(mean) == {'a', 'b'}
    assert [each['name'] for each in origin(mean)['mean_of']] == ['a.onnx', 'b.onnx']


def test_layers_that_would_stay_as_they_are_are_refused(tmp_path):
    classifier(tmp_path / 'a.onnx')
    graph = onnx.load(str(tmp_path / 'a.onnx'))
    graph.graph.initializer.append(numpy_helper.from_array(np.eye(2, dtype=np.float32), 'eye'))
    graph.graph.node[-1].op_type = 'MatMul'  # was Identity
    graph.graph.node[-1].input.append('eye')
    (tmp_path / 'a.onnx').write_bytes(graph.SerializeToString())
    load(tmp_path / 'a.onnx')
    with pytest.raises(ModelError, match=r'no mean is made \(MatMul\)'):
        mean_weights.mean_of([tmp_path / 'a.onnx'] * 2, [1, 1])


def test_what_cannot_be_a_mean_is_refused(tmp_path, utkface_folder, monkeypatch, capsys):
    a, deep, none = (tmp_path / f'{name}.onnx' for name in ('a', 'deep', 'none'))
    classifier(a)
    classifier(deep, deep_mini_xception)
    foreign = tmp_path / 'foreign.onnx'
    foreign.write_bytes(onnx.ModelProto().SerializeToString() or bytes(2))
    rest = ['--data', utkface_folder, '--output', tmp_path / 'out.onnx']
    for files, shares, words in (
        ([a, deep], [], f'{deep} is of another architecture than {a}'),
        ([a, none], [], 'does not exist'),
        ([a, a], ['--shares', 1], '--shares must be 2 numbers above 0'),
        ([a, a], ['--shares', 1, 0], '--shares must be 2 numbers above 0'),
        ([a, a], ['--shares', 1, 'inf'], '--shares must be 2 numbers above 0'),
        ([a, a], ['--shares', 1, 'nan'], '--shares must be 2 numbers above 0'),
        ([a, a], ['--shares', 1e308, 1e308], '--shares must be 2 numbers above 0 and up to 1000'),
        ([foreign, a], [], 'foreign.onnx'),
    ):
        assert run(monkeypatch, *files, *rest[:2], *rest[2:], *shares) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / 'out.onnx').exists()
    with pytest.raises(ModelError, match='cannot be read as an ONNX file'):
        none.write_text('no network')
        mean_weights.mean_of([a, none], [1, 1])
