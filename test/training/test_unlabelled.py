import csv

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from face_perception.core.types import EMOTIONS, Box  # noqa: E402
from face_perception.training import across_sources, unlabelled  # noqa: E402
from face_perception.training.data.datasets import UNLABELLED  # noqa: E402
from face_perception.training.data.face_crops import COLUMNS, read  # noqa: E402
from face_perception.training.data.faults import Faults  # noqa: E402


@pytest.fixture
def crops(tmp_path, images):
    """Return a folder of six images of gender, of which one is held out."""
    rows = []
    for number, image in enumerate(images(6, 96, 3, 0)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), image)
        split = 'validation' if number == 3 else 'train'
        rows.append([f'{number}.png', 'female', 30, 20, 40, 50, 'mine', split])
    with open(tmp_path / 'index.csv', 'w', newline='') as file:
        csv.writer(file).writerows([[*COLUMNS, 'source', 'split'], *rows])
    return tmp_path


def test_faces_of_another_task_are_written_without_their_labels(crops, tmp_path, monkeypatch):
    found = iter([Box(10, 12, 40, 48), None, *[Box(10, 12, 40, 48)] * 3])
    monkeypatch.setattr(across_sources, 'find_face', lambda image, detector: next(found))
    output = tmp_path / 'faces.zip'
    assert unlabelled.gather('gender', [str(crops)], output, side=24) == 4
    splits, faults = ('train', 'validation'), Faults(output, 'stop')
    # What is read of an archive is read while it is open.
    read_now = [(entry, *entry.read()) for entry in read(output, splits, faults, EMOTIONS)]
    entries, image, box = [each[0] for each in read_now], *read_now[0][1:]
    assert [entry.label for entry in entries] == [UNLABELLED] * 4
    assert {entry.split for entry in entries} == {'train'}
    assert {entry.source for entry in entries} == {'mine_unlabelled'}
    assert image.shape == (48, 48, 3)  # halved, as the face may be 24 pixels high
    assert box == Box(5, 6, 20, 24)
    original = cv2.imread(str(crops / '0.png'))
    np.testing.assert_array_equal(
        image, cv2.resize(original, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    )


def test_data_without_a_face_end_with_a_sentence(crops, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(across_sources, 'find_face', lambda image, detector: None)
    output = tmp_path / 'faces.zip'
    arguments = ['unlabelled', str(crops), '--task', 'gender', '--output', str(output)]
    monkeypatch.setattr('sys.argv', arguments)
    assert unlabelled.main() == 1
    assert 'no face is found' in capsys.readouterr().err and not output.exists()


@pytest.mark.parametrize('side', ['0', '-3', 'large'])
def test_a_side_that_cannot_be_meant_is_refused(crops, tmp_path, monkeypatch, capsys, side):
    output = tmp_path / 'faces.zip'
    arguments = ['unlabelled', str(crops), '--task=gender', f'--output={output}', f'--side={side}']
    monkeypatch.setattr('sys.argv', arguments)
    with pytest.raises(SystemExit, match='2'):
        unlabelled.main()
    assert f'{side} is no whole number from 16 to 1024' in capsys.readouterr().err
