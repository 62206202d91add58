"""Which margin suits a network and a detector, and how it gets into the file."""

import hashlib
import json
import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from face_perception.core.types import Box  # noqa: E402
from face_perception.training import across_sources, margin_accuracy  # noqa: E402
from face_perception.training.architectures import mini_xception  # noqa: E402
from face_perception.training.data import DatasetError, Sample  # noqa: E402
from face_perception.training.exported import load, metadata_of  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from support.untrained import GENDER  # noqa: E402


@pytest.fixture
def model(tmp_path):
    """Return a gender file that was never trained."""
    torch.manual_seed(3)
    metadata = {**GENDER, 'training': '{}'}
    path = tmp_path / 'gender.onnx'
    path.write_bytes(build_model(mini_xception(3, 2).eval(), 1.0, 48, metadata).SerializeToString())
    return path


def test_each_margin_shows_the_network_another_crop(model, images, monkeypatch):
    samples = [
        Sample(image, Box(30, 20, 40, 50), number % 2, {}, str(number), 'mine')
        for number, image in enumerate(images(12, 96, 3, 4))
    ]
    monkeypatch.setattr(across_sources, 'find_face', lambda image, kind: Box(20, 10, 60, 70))
    seen = {}
    real = margin_accuracy.probabilities_of

    def note(classifier, asked):
        asked = list(asked)
        seen[classifier.model.crop_margin, asked[0].box.width] = classifier.batch(
            asked[0].image, [asked[0].box]
        )
        return real(classifier, asked)

    monkeypatch.setattr(margin_accuracy, 'probabilities_of', note)
    table = margin_accuracy.accuracies(load(model), samples, (0.0, 0.2), 'onnx')
    assert set(table) == {0.0, 0.2} and set(table[0.0]) == {'mine'}
    assert set(seen) == {(0.0, 40), (0.0, 60), (0.2, 40), (0.2, 60)}
    assert not np.array_equal(seen[0.0, 40], seen[0.2, 40])


def test_the_best_margin_counts_each_source_the_same():
    table = {0.0: {'a': (0.9, 0.9), 'b': (0.5, 0.5)}, 0.1: {'a': (0.8, 0.8), 'b': (0.7, 0.7)}}
    assert margin_accuracy.best_margin(table) == 0.1


def test_a_margin_is_written_with_its_numbers_and_its_sum(model, utkface_folder, monkeypatch):
    arguments = [str(model), '--data', str(utkface_folder), '--write', '0.03', '--detector', 'haar']
    monkeypatch.setattr(sys, 'argv', ['margin_accuracy', *arguments])
    assert margin_accuracy.main() == 0
    metadata = metadata_of(model)
    assert metadata['crop_margin'] == '0.03' and load(model).model.crop_margin == 0.03
    assert 'accuracy' in json.loads(metadata['accuracy'])
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert digest in model.with_name('SHA256SUMS').read_text()


def test_images_without_a_face_have_no_best_margin(model, images, monkeypatch):
    samples = [
        Sample(image, Box(30, 20, 40, 50), 0, {}, '', 'mine') for image in images(2, 96, 3, 4)
    ]
    monkeypatch.setattr(across_sources, 'find_face', lambda image, kind: None)
    with pytest.raises(DatasetError, match='the detector onnx finds no face'):
        margin_accuracy.accuracies(load(model), samples, (0.0,), 'onnx')


@pytest.mark.parametrize('margin', ['nan', '1e6', '-0.5', 'wide'])
def test_a_margin_is_one_that_a_file_can_have(monkeypatch, capsys, margin):
    monkeypatch.setattr('sys.argv', ['x', 'a.onnx', '--data', 'd', '--margins', margin])
    with pytest.raises(SystemExit):
        margin_accuracy.main()
    assert 'a margin of -0.4 to 1' in capsys.readouterr().err
