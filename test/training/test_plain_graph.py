"""Files with the mirror image inside become plain ones that want it, with equal predictions."""

import hashlib
import json
import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')

from face_perception.core.attributes.mirror import Shown  # noqa: E402
from face_perception.training import plain_graph  # noqa: E402
from face_perception.training.architectures import mini_xception  # noqa: E402
from face_perception.training.exported import load, metadata_of  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from support.older_files import with_mirror_inside  # noqa: E402


@pytest.fixture(params=[('gray', 1), ('rgb', 3)], ids=['gray', 'rgb'])
def plain(request):
    """Return a file's content as it is written now, before it says that it wants the mirror."""
    torch.manual_seed(4)
    color, channels = request.param
    metadata = {
        'task': 'gender',
        'labels': json.dumps(['female', 'male']),
        'color': color,
        'crop_margin': '0.1',
    }
    network = mini_xception(channels, 2).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1.1)
    return build_model(network, 1.0, 48, metadata)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['plain_graph', *map(str, arguments)])
    return plain_graph.main()


def test_the_predictions_stay_and_each_image_costs_once(plain, tmp_path, monkeypatch, capsys):
    path, older = tmp_path / 'gender.onnx', tmp_path / 'older.onnx'
    channels = plain.graph.input[0].type.tensor_type.shape.dim[3].dim_value
    content = plain.graph.SerializeToString(deterministic=True)
    for each in (path, older):
        each.write_bytes(
            with_mirror_inside(
                onnx.ModelProto.FromString(plain.SerializeToString())
            ).SerializeToString()
        )
    assert run(monkeypatch, path) == 0 and 'is plain now' in capsys.readouterr().out
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 48, channels), dtype=np.uint8)
    before, now = load(older), load(path)
    assert now.model.mirror and not before.model.mirror
    np.testing.assert_allclose(now.predict(images), before.predict(images), atol=1e-6)
    alone = now.predict(images, [Shown.IMAGE] * 9)
    assert np.abs(alone - before.predict(images)).max() > 1e-4
    assert onnx.load(str(path)).graph.SerializeToString(deterministic=True) == content
    assert metadata_of(path) == {**metadata_of(older), 'mirror': 'true'}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in path.with_name('SHA256SUMS').read_text()


def test_a_plain_file_stays_as_it_is(plain, tmp_path, monkeypatch, capsys):
    path = tmp_path / 'gender.onnx'
    path.write_bytes(plain.SerializeToString())
    before = path.read_bytes()
    assert run(monkeypatch, path) == 0 and 'no mirror image inside' in capsys.readouterr().out
    assert path.read_bytes() == before


def test_what_is_no_model_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / 'none.onnx').write_bytes(b'no model')
    assert run(monkeypatch, tmp_path / 'none.onnx') == 1
    assert 'cannot be read as an ONNX file' in capsys.readouterr().err


def test_ctrl_c_ends_it_in_a_word(tmp_path, monkeypatch, capsys):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(plain_graph, 'make_plain', interrupted)
    assert run(monkeypatch, tmp_path / 'gender.onnx') == 130
    assert capsys.readouterr().err == 'stopped\n'
