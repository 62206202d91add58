"""The joined graph predicts as the two files; crops that differ are refused."""

import importlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
onnx = pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
onnxruntime = pytest.importorskip('onnxruntime', reason='needed to run an exported file')

from onnx import numpy_helper, version_converter  # noqa: E402

from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.core.onnx_models import load_classifier  # noqa: E402
from face_perception.training.architectures import mini_xception  # noqa: E402
from face_perception.training.joined import joined  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from face_perception.training.recipe import LABELS  # noqa: E402


@pytest.fixture
def write(tmp_path):
    """Return the function that writes an untrained classifier of a task."""

    def write(task, margin='0.0'):
        torch.manual_seed(3)
        channels = {'emotion': 1, 'gender': 3}[task]
        metadata = {
            'task': task,
            'labels': json.dumps(LABELS[task]),
            'input_size': '48',
            'color': {1: 'gray', 3: 'rgb'}[channels],
            'crop_margin': margin,
            'version': '0',
            'architecture': 'mini_xception',
        }
        network = mini_xception(channels, len(LABELS[task])).eval()
        path = tmp_path / f'{task}.onnx'
        path.write_bytes(build_model(network, 1.0, 48, metadata).SerializeToString())
        return path

    return write


def session(content):
    return onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])


@pytest.mark.parametrize('count', [1, 6])
def test_predicts_as_the_two_files(write, count):
    paths = write('emotion'), write('gender')
    crops = np.random.default_rng(0).integers(0, 256, (count, 48, 48, 3), dtype=np.uint8)
    grays = np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops])[..., None]
    expected = [
        session(str(path)).run(None, {'image': images})[0]
        for path, images in zip(paths, (grays, crops), strict=True)
    ]
    model = session(joined(*paths).SerializeToString())
    for ours, theirs in zip(
        model.run(['emotion', 'gender'], {'image': crops}), expected, strict=True
    ):
        # OpenCV computes luma in whole numbers: a few pixels differ by one.
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_crops_that_differ_are_refused(write):
    with pytest.raises(ModelError, match='margin'):
        joined(write('emotion'), write('gender', '0.1'))


def of_opset_18(path):
    """Make the file at ``path`` one of another program's, with an operator as it is from 18 on."""
    model = version_converter.convert_version(onnx.load(path), 18)
    axes = numpy_helper.from_array(np.array([2, 3]), 'axes')
    model.graph.initializer.append(axes)
    (pooling,) = (node for node in model.graph.node if node.op_type == 'GlobalAveragePool')
    pooling.op_type = 'ReduceMean'
    pooling.input.append(axes.name)
    onnx.save(model, path)
    return path


def test_files_of_another_opset_are_joined_in_theirs_and_two_different_ones_refused(write):
    older = write('emotion'), write('gender')
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    expected = session(joined(*older).SerializeToString()).run(None, {'image': images})
    newer = of_opset_18(older[0])
    with pytest.raises(ModelError, match='the opsets differ, 18 and 15: export both with the same'):
        joined(newer, older[1])
    model = session(joined(newer, of_opset_18(older[1])).SerializeToString())
    for ours, theirs in zip(model.run(None, {'image': images}), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_what_onnx_does_not_accept_is_told_in_a_sentence(write):
    paths = write('emotion'), write('gender')
    for path in paths:
        model = onnx.load(path)
        model.opset_import[0].version = 12  # in which the luma of a crop is summed otherwise
        onnx.save(model, path)
    with pytest.raises(ModelError, match='joined is no graph that ONNX accepts: .*ReduceSum'):
        joined(*paths)


def test_the_benchmark_joins_the_shipped_files_which_have_margins_of_their_own(
    tmp_path, monkeypatch
):
    root = Path(__file__).parents[2]
    monkeypatch.syspath_prepend(root / 'benchmarks')
    one_call = importlib.import_module('one_call')
    emotion, gender = (
        root / 'models' / f'{task}_mini_xception.onnx' for task in ('emotion', 'gender')
    )
    margin = load_classifier(emotion, 'emotion').crop_margin
    copy = one_call.with_margin(gender, margin, tmp_path)
    assert load_classifier(copy, 'gender').crop_margin == margin
    outputs = session(joined(emotion, copy).SerializeToString()).get_outputs()
    assert [output.name for output in outputs] == ['emotion', 'gender']
