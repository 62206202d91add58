"""Reading UTKFace: the gender flip, the split, the crop, and what a damaged file says."""

import zipfile

import numpy as np
import pytest

from face_perception.core.crops import crop_face
from face_perception.core.types import GENDERS
from face_perception.training import utkface
from face_perception.training.datasets import DatasetError, balancing_weights

MARGIN = -0.05


def test_number_zero_means_male(utkface_folder):
    chips = list(utkface.read_chips(utkface_folder / utkface.FILE))
    assert [GENDERS[chip.gender] for chip in chips[:4]] == ['male', 'female', 'male', 'female']


def test_labels_follow_the_order_of_the_outputs(utkface_folder):
    train, validation = utkface.load_gender(utkface_folder, MARGIN, 48)
    chips = list(utkface.read_chips(utkface_folder / utkface.FILE))
    expected = [chip.gender for chip in chips if chip.age >= 10 and not chip.held_out]
    assert train.labels.tolist() == expected
    assert (train.targets.argmax(axis=1) == train.labels).all()


def test_splits_by_name_and_leaves_small_children_out(utkface_folder):
    train, validation = utkface.load_gender(utkface_folder, MARGIN, 48)
    chips = list(utkface.read_chips(utkface_folder / utkface.FILE))
    assert len(train) + len(validation) == sum(chip.age >= 10 for chip in chips) < len(chips)
    assert min(train.groups['age'].min(), validation.groups['age'].min()) >= 10
    assert len(validation) == sum(chip.held_out and chip.age >= 10 for chip in chips) > 0


def test_the_split_does_not_change_from_run_to_run():
    held_out = [number for number in range(60) if utkface.is_held_out(f'images/{number:04d}.webp')]
    assert held_out == [number for number in range(60) if utkface.is_held_out(f'{number:04d}.png')]
    shares = np.mean([utkface.is_held_out(f'{number}.webp') for number in range(5000)])
    assert shares == pytest.approx(0.1, abs=0.02)


def test_the_middle_of_a_canvas_is_the_served_crop(utkface_folder):
    chip = next(utkface.read_chips(utkface_folder / utkface.FILE))
    canvas = utkface.canvas(chip.image, chip.face_box, MARGIN, 48)
    assert canvas.shape == (64, 64, 3)
    served = crop_face(chip.image, chip.face_box, MARGIN, 48).astype(int)
    difference = {(x, y): np.abs(canvas[8 + y:56 + y, 8 + x:56 + x] - served).mean()
                  for x in (-1, 0, 1) for y in (-1, 0, 1)}
    assert min(difference, key=difference.get) == (0, 0)
    assert difference[0, 0] < 3


def test_genders_count_the_same_at_every_age():
    labels, groups = np.array([0, 1, 1, 1, 0, 0]), np.array([0, 0, 0, 0, 1, 1])
    weights = balancing_weights(labels, groups)
    np.testing.assert_allclose(weights, [2, 2 / 3, 2 / 3, 2 / 3, 1, 1], rtol=1e-6)
    assert weights.mean() == pytest.approx(1)


def test_gray_canvases_have_one_channel(utkface_folder):
    train, _ = utkface.load_gender(utkface_folder, MARGIN, 48, color='gray')
    assert train.images.shape[1:] == (64, 64, 1)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match='utkface_train.zip does not exist'):
        utkface.load_gender(tmp_path, MARGIN, 48)


@pytest.mark.parametrize('files', [
    {},
    {'index.csv': 'file,age,gender,race\nimages/0.png,20,1,0\n'},
    {'index.csv': 'file,age,gender,race\nimages/0.png,20,1,0\n', 'images/0.png': b'no picture'},
    {'index.csv': 'file,age,gender,race\nimages/0.png,old,1,0\n', 'images/0.png': b'x'},
    {'index.csv': 'file,age\nimages/0.png,20\n', 'images/0.png': b'x'},
], ids=['no index', 'no picture', 'damaged picture', 'no number', 'no column'])
def test_a_malformed_file_is_refused(tmp_path, files):
    with zipfile.ZipFile(tmp_path / utkface.FILE, 'w') as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(DatasetError, match='utkface_train.zip'):
        utkface.load_gender(tmp_path, MARGIN, 48)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / utkface.FILE).write_bytes(b'not a zip')
    with pytest.raises(DatasetError, match='cannot be read'):
        utkface.load_gender(tmp_path, MARGIN, 48)
