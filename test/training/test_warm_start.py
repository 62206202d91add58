"""Starting from an exported file: the same outputs, in training too."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')

from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.training.architectures import (  # noqa: E402
    deep_mini_xception,
    mini_xception,
)
from face_perception.training.checkpoints import save_checkpoint  # noqa: E402
from face_perception.training.detection.graph import build_detector_model  # noqa: E402
from face_perception.training.detection.network import FaceDetector  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from face_perception.training.recipe import RecipeError, recipe_from  # noqa: E402
from face_perception.training.warm_start import SETTLED, start_from  # noqa: E402
from support.older_files import with_mirror_inside  # noqa: E402


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
        with_mirror_inside(build_model(former, 1.0, 48, {})).SerializeToString()
    )
    network = build(1, 7)
    start_from(network, tmp_path / 'former.onnx', images)
    assert network.training
    with torch.no_grad():
        expected = former(images)
        torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)
        # Statistics of the same images: training sees what inference sees.
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


@pytest.fixture
def run_of(tmp_path):
    """Return the folder of a run whose averaged network is the given one."""

    def write(network):
        recipe = recipe_from({'task': 'face_detection', 'epochs': 1, 'held_out': []})
        state = {f'module.{name}': value for name, value in network.state_dict().items()}
        save_checkpoint(tmp_path, recipe, {'average': state})
        return tmp_path

    return write


def smaller(network):
    """Return ``network`` without a block, and with the middles of the widest kernels."""
    del network.stages[0][-1]
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (5, 5):
            layer.weight = torch.nn.Parameter(layer.weight[:, :, 1:-1, 1:-1].clone())
            layer.kernel_size, layer.padding = (3, 3), (1, 1)
    return network


def test_a_network_that_has_grown_goes_on_where_the_run_is(run_of):
    images = torch.rand(4, 3, 64, 96) * 255
    former = trained_a_little(smaller(FaceDetector()), images)
    network = FaceDetector()
    start_from(network, run_of(former), images)
    network.eval()
    with torch.no_grad():
        for ours, theirs in zip(network(images), former(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)


def test_a_wider_network_goes_on_where_the_run_is(run_of):
    images = torch.rand(4, 3, 64, 96) * 255
    former = trained_a_little(FaceDetector(), images)
    network = FaceDetector(width=2)
    start_from(network, run_of(former), images)
    network.eval()
    with torch.no_grad():
        for ours, theirs in zip(network(images), former(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)
    kernels, count = network.stem[0].weight, len(former.stem[0].weight)
    assert len(kernels) == 2 * count
    assert kernels[count:].flatten(1).std(dim=0).min() > 0  # the new ones differ from each other


def test_a_network_that_has_grown_by_a_block_goes_on_where_the_file_is(tmp_path):
    images = torch.rand(4, 3, 64, 96) * 255
    former = FaceDetector()
    del former.stages[1][-1]
    trained_a_little(former, images)
    (tmp_path / 'former.onnx').write_bytes(build_detector_model(former, {}).SerializeToString())
    network = FaceDetector()
    start_from(network, tmp_path / 'former.onnx', images)
    with torch.no_grad():
        for ours, theirs in zip(network(images), former(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-2)


def test_kernels_of_a_file_get_the_size_of_a_long_training(tmp_path):
    images = torch.rand(4, 3, 64, 96) * 255
    former = trained_a_little(FaceDetector(), images)
    (tmp_path / 'former.onnx').write_bytes(build_detector_model(former, {}).SerializeToString())
    network = FaceDetector()
    start_from(network, tmp_path / 'former.onnx', images)
    kernels = [stage[1].weight for stage in network.stages]  # point-wise, behind depth-wise
    assert all(kernel.shape[2:] == (1, 1) for kernel in kernels)
    for kernel in kernels:
        sizes = kernel.square().mean(dim=(1, 2, 3)).sqrt()
        torch.testing.assert_close(sizes, torch.full_like(sizes, SETTLED), rtol=1e-4, atol=0)


def test_a_run_of_another_architecture_is_refused(run_of):
    wider = FaceDetector()
    wider.stem[3] = torch.nn.Conv2d(16, 40, 3)
    with pytest.raises(RecipeError, match='another architecture'):
        start_from(FaceDetector(), run_of(wider), torch.zeros(1, 3, 64, 64))
    lacking = FaceDetector()
    del lacking.laterals[2]
    with pytest.raises(RecipeError, match='another architecture'):
        start_from(FaceDetector(), run_of(lacking), torch.zeros(1, 3, 64, 64))


def test_another_architecture_is_refused(images, tmp_path):
    (tmp_path / 'former.onnx').write_bytes(
        build_model(mini_xception(1, 7).eval(), 1.0, 48, {}).SerializeToString()
    )
    with pytest.raises(RecipeError, match='another architecture'):
        start_from(deep_mini_xception(1, 7), tmp_path / 'former.onnx', images)
    stored = onnx.load(str(tmp_path / 'former.onnx'))
    del stored.graph.initializer[:]
    onnx.save(stored, str(tmp_path / 'former.onnx'))
    with pytest.raises(RecipeError, match='of another program'):
        start_from(mini_xception(1, 7), tmp_path / 'former.onnx', images)
    (tmp_path / 'none.onnx').write_bytes(b'no model')
    with pytest.raises(ModelError, match='none.onnx'):
        start_from(mini_xception(1, 7), tmp_path / 'none.onnx', images)
