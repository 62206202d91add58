"""Faces of other images are pasted into samples."""

import csv
import io
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.data import DatasetError  # noqa: E402
from face_perception.training.detection.augmentation import (  # noqa: E402
    DetectorAugmentation,
    augmented_sample,
)
from face_perception.training.detection.learner import DetectorLearner  # noqa: E402
from face_perception.training.detection.pasted import Patch, Patches, read_crops  # noqa: E402
from face_perception.training.detection.scenes import load_scenes, read_scenes  # noqa: E402
from face_perception.training.recipe import recipe_from  # noqa: E402


@pytest.fixture
def scenes(scenes_folder):
    return read_scenes(scenes_folder / 'scenes.zip')


def is_skin(image):
    """Return where an image is as the drawn faces are: more red than blue, and bright."""
    image = image.astype(int)
    return (image[..., 2] - image[..., 0] > 25) & (image[..., 2] > 100)


def test_a_pasted_face_is_where_its_box_says_and_nowhere_else(scenes):
    patches, seen = Patches([], scenes), 0
    for seed in range(60):
        image = np.full((160, 160, 3), 60, np.uint8)
        boxes = patches.paste(image, np.zeros((0, 4), np.float32), 20, np.random.default_rng(seed))
        skin = is_skin(image)
        for x1, y1, x2, y2 in boxes:
            x, y = (x1 + x2) / 2, (y1 + y2) / 2
            half = 0.25 * (x2 - x1)
            inside = skin[int(y - half) : int(y + half), int(x - half) : int(x + half)]
            assert 0 <= x1 and x2 <= 160.5 and inside.mean() > 0.5
            skin[max(int(y1) - 3, 0) : int(y2) + 4, max(int(x1) - 3, 0) : int(x2) + 4] = False
            seen += 1
        assert skin.mean() < 0.001
    assert seen > 30


def test_nothing_is_pasted_over_a_face(scenes):
    patches, box = Patches([], scenes), np.array([[60, 60, 110, 110]], np.float32)
    for seed in range(30):
        image = np.full((160, 160, 3), 60, np.uint8)
        for x1, y1, x2, y2 in patches.paste(image, box, 20, np.random.default_rng(seed)):
            assert x2 < 60 or x1 > 110 or y2 < 60 or y1 > 110
        assert (image[65:105, 65:105] == 60).all()


def test_without_faces_only_background_is_pasted(scenes):
    empty = [scene for scene in scenes if len(scene.boxes) == 0]
    image = np.full((160, 160, 3), 200, np.uint8)
    none = np.zeros((0, 4), np.float32)
    added = [
        Patches([], empty).paste(image, none, 20, np.random.default_rng(seed)) for seed in range(5)
    ]
    assert sum(map(len, added)) == 0 and (image < 150).any()


def test_what_is_wider_than_the_sample_is_left_out():
    wide = Patch(np.full((60, 300, 3), 200, np.uint8), np.array([10, 5, 290, 55], np.float32))
    image, none = np.full((64, 64, 3), 60, np.uint8), np.zeros((0, 4), np.float32)
    for seed in range(20):
        for x1, _, x2, _ in Patches([wide], []).paste(image, none, 20, np.random.default_rng(seed)):
            assert x2 - x1 <= 64.5


def test_samples_repeat_and_scenes_stay_as_they_are(scenes):
    before = [scene.image.copy() for scene in scenes]
    how = replace(DetectorAugmentation(), paste=1.0)
    once, again = (
        [
            augmented_sample(
                scenes, index, 128, how, np.random.default_rng(index), None, Patches([], scenes)
            )
            for index in range(12)
        ]
        for _ in range(2)
    )
    for first, second in zip(once, again, strict=True):
        assert np.array_equal(first.image, second.image)
        assert np.array_equal(first.boxes, second.boxes)
        assert len(first.boxes) == len(first.ignored)
    assert all(np.array_equal(scene.image, was) for scene, was in zip(scenes, before, strict=True))
    plain = replace(how, paste=0.0)
    fewer = sum(
        len(augmented_sample(scenes, index, 128, plain, np.random.default_rng(index)).boxes)
        for index in range(12)
    )
    assert sum(len(sample.boxes) for sample in once) > fewer


def write_crops(folder, label='female', left=20, name='0.png'):
    """Write a file of three crops, of which the last is held out, the first ``name`` in it."""
    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(['file', 'label', 'x', 'y', 'w', 'h', 'split'])
    with zipfile.ZipFile(folder / 'portraits.zip', 'w') as archive:
        for number, split in enumerate(('train', 'train', 'validation')):
            image = np.full((96, 96, 3), 50 * number, np.uint8)
            archive.writestr(f'{number}.png', cv2.imencode('.png', image)[1].tobytes())
            named, x = (f'{number}.png', 20) if number else (name, left)
            table.writerow([named, label, x, 10, 50, 70, split])
        archive.writestr('index.csv', rows.getvalue())
    return folder


@pytest.fixture
def crops_folder(scenes_folder):
    """Return the folder of scenes with a file of crops beside, of which one is held out."""
    return write_crops(scenes_folder)


def test_crops_of_the_training_split_are_read_and_told(crops_folder, detector_values):
    crops = read_crops(crops_folder)
    assert {name: len(patches) for name, patches in crops.items()} == {'portraits': 2}
    patch = crops['portraits'][1]
    assert isinstance(patch, Patch) and patch.image.shape[0] >= 80
    assert patch.box[2] - patch.box[0] == 50 and patch.box[3] - patch.box[1] == 70
    values = detector_values | {'augmentation': {'paste': 0.5}}
    recipe = recipe_from(values)
    learner = DetectorLearner(recipe, load_scenes(recipe, crops_folder), 'cpu', crops)
    assert learner.data_sets['portraits'] == {'training': 2, 'validation': 0}
    assert read_crops(crops_folder / 'nowhere') == {}


@pytest.mark.parametrize('label', ['happy', '6', 'unknown', ''])
def test_crops_of_any_task_are_pasted(tmp_path, label):
    assert len(read_crops(write_crops(tmp_path, label))['portraits']) == 2


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        ({'name': 'gone.png'}, 'gone.png: the image is missing'),
        ({'left': 5000}, '0.png: the box 5000, 10, 50, 70 does not lie in'),
        ({'left': 'x'}, 'line 2'),
    ],
)
def test_a_crop_that_cannot_be_used_stops_or_is_skipped(tmp_path, caplog, wrong, words):
    write_crops(tmp_path, **wrong)
    with pytest.raises(DatasetError, match=f'portraits.zip: .*{words}'):
        read_crops(tmp_path)
    assert len(read_crops(tmp_path, 'skip')['portraits']) == 1
    assert 'malformed and left out: 1' in caplog.text
