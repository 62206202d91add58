"""The joined graph predicts as the two files; crops that differ are refused."""

import importlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
onnxruntime = pytest.importorskip('onnxruntime', reason='needed to run an exported file')

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
