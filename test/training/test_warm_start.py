"""Starting from an exported file: the same answers, in training too."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')

from face_perception.training.architectures import (  # noqa: E402
    deep_mini_xception,
    mini_xception,
)
from face_perception.training.detection.graph import build_detector_model  # noqa: E402
from face_perception.training.detection.network import FaceDetector  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from face_perception.training.recipe import RecipeError  # noqa: E402
from face_perception.training.warm_start import start_from  # noqa: E402


def trained_a_little(network, images):
    """Return ``network`` with normalisations that do something."""
    with torch.no_grad():
        for _ in range(20):
            network.train()(images)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
    return network.eval()


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(16, 1, 48, 48) * 255


@pytest.mark.parametrize('build', [mini_xception, deep_mini_xception])
def test_a_classifier_goes_on_where_the_file_is(build, images, tmp_path):
    former = trained_a_little(build(1, 7), images)
    (tmp_path / 'former.onnx').write_bytes(
        build_model(former, 1.0, 48, {}, mirror=True).SerializeToString())
    network = build(1, 7)
    start_from(network, tmp_path / 'former.onnx', images)
    assert network.training
    with torch.no_grad():
        expected = former(images)
        torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)
        # Statistics of the same pictures: training sees what inference sees.
        torch.testing.assert_close(network.eval()(images), expected, rtol=1e-2, atol=1e-2)


def test_a_detector_goes_on_where_the_file_is(tmp_path):
    images = torch.rand(4, 3, 64, 96) * 255
    former = trained_a_little(FaceDetector(), images)
    (tmp_path / 'former.onnx').write_bytes(build_detector_model(former, {}).SerializeToString())
    network = FaceDetector()
    start_from(network, tmp_path / 'former.onnx', images)
    with torch.no_grad():
        for ours, theirs in zip(network(images), former(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-2)


def test_other_classes_start_anew_and_the_rest_goes_on(images, tmp_path):
    former = trained_a_little(mini_xception(1, 7), images)
    (tmp_path / 'former.onnx').write_bytes(build_model(former, 1.0, 48, {}).SerializeToString())
    network = mini_xception(1, 17)
    start_from(network, tmp_path / 'former.onnx', images)
    with torch.no_grad():
        features = [part.layers[:-3](images / 127.5 - 1) for part in (network, former)]
        assert network(images).shape == (16, 17)
    np.testing.assert_allclose(*(part.numpy() for part in features), rtol=1e-2, atol=1e-2)


def test_another_architecture_is_refused(images, tmp_path):
    (tmp_path / 'former.onnx').write_bytes(
        build_model(mini_xception(1, 7).eval(), 1.0, 48, {}).SerializeToString())
    with pytest.raises(RecipeError, match='another architecture'):
        start_from(deep_mini_xception(1, 7), tmp_path / 'former.onnx', images)
    (tmp_path / 'none.onnx').write_bytes(b'no model')
    with pytest.raises(RecipeError, match='none.onnx'):
        start_from(mini_xception(1, 7), tmp_path / 'none.onnx', images)
