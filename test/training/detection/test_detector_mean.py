"""The mean of detectors: a file of its own, with its own calibration, threshold and numbers."""

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
pytest.importorskip('sklearn', reason='training needs the extra "train" (scikit-learn)')

from face_perception.core.detectors import OnnxDetector  # noqa: E402
from face_perception.training import mean_weights  # noqa: E402
from face_perception.training.detection.graph import build_detector_model  # noqa: E402
from face_perception.training.detection.network import FaceDetector  # noqa: E402
from face_perception.training.exported import metadata_of  # noqa: E402
from face_perception.training.recipe import recipe_from  # noqa: E402


def test_a_detectors_mean_is_calibrated_and_measured(
    tmp_path, scenes_folder, detector_values, monkeypatch, capsys
):
    paths = [tmp_path / f'{name}.onnx' for name in ('a', 'b')]
    recipe = recipe_from(detector_values).as_dict()
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        metadata = {
            'task': 'face_detection',
            'input_multiple': '32',
            'score_threshold': '0.5',
            'training': json.dumps({'recipe': recipe}),
        }
        model = build_detector_model(FaceDetector().eval(), metadata)
        path.write_bytes(model.SerializeToString())
    mean = tmp_path / 'mean.onnx'
    command = ['mean_weights', *paths, '--data', scenes_folder, '--output', mean]
    monkeypatch.setattr('sys.argv', [*map(str, command), '--detectors', 'haar'])
    assert mean_weights.main() == 1
    assert '--detectors is for classifiers' in capsys.readouterr().err
    monkeypatch.setattr('sys.argv', [str(each) for each in command])
    assert mean_weights.main() == 0
    training = json.loads(metadata_of(mean)['training'])
    assert [part['share'] for part in training['mean_of']] == [0.5, 0.5]
    assert len(training['calibration']) == 2
    assert 'average_precision' in json.loads(metadata_of(mean)['accuracy'])
    OnnxDetector(mean).detect(np.zeros((96, 96, 3), np.uint8))
