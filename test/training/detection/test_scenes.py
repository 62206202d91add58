"""Scenes: read as they are written, held out by occasion, faults named."""

import json
import zipfile

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.data import DatasetError  # noqa: E402
from face_perception.training.detection.scenes import load_scenes, read_scenes  # noqa: E402
from face_perception.training.recipe import recipe_from  # noqa: E402


def test_boxes_become_corners(scenes_folder):
    scenes = read_scenes(scenes_folder / 'scenes.zip')
    with zipfile.ZipFile(scenes_folder / 'scenes.zip') as archive:
        annotations = json.loads(archive.read('annotations.json'))['annotations']
    first = [entry['bbox'] for entry in annotations if entry['image_id'] == 0]
    assert len(scenes) == 24 and scenes[0].image.shape == (128, 160, 3)
    np.testing.assert_array_equal(scenes[0].boxes, [[x, y, x + w, y + h] for x, y, w, h in first])
    assert scenes[4].boxes.shape == (0, 4)
    assert scenes[7].ignored.all() and not scenes[8].ignored.any()


def test_whole_events_are_held_out(scenes_folder, detector_values):
    train, validation, apart = load_scenes(recipe_from(detector_values), scenes_folder)
    assert {scene.event for scene in train} == {'a', 'b'}
    assert {scene.event for scene in validation} == {'c'}
    assert len(train) + len(validation) == 24


def test_a_share_of_an_event_is_kept_apart_by_name(scenes_folder, detector_values):
    values = {**detector_values, 'held_out_events': ['b'], 'held_out_share': 0.5}
    one, again = (load_scenes(recipe_from(values), scenes_folder) for _ in range(2))
    assert {scene.event for scene in one.apart} == {'b'}
    names = [{scene.name for scene in part} for part in one]
    assert names == [{scene.name for scene in part} for part in again]
    assert len(set.union(*names)) == 24 == sum(map(len, names))
    assert 1 <= len(one.apart) <= 7


def test_an_unknown_event_is_named(scenes_folder, detector_values):
    recipe = recipe_from({**detector_values, 'held_out': ['c', 'wedding']})
    with pytest.raises(DatasetError, match='wedding'):
        load_scenes(recipe, scenes_folder)


def test_an_empty_folder_is_named(tmp_path, detector_values):
    with pytest.raises(DatasetError, match='annotations.json'):
        load_scenes(recipe_from(detector_values), tmp_path)


def test_a_missing_image_stops_or_is_skipped(scenes_folder, broken_zip, detector_values):
    (scenes_folder / 'more.zip').write_bytes(broken_zip)
    with pytest.raises(DatasetError, match='gone.png'):
        load_scenes(recipe_from(detector_values), scenes_folder)
    train, validation, apart = load_scenes(recipe_from(detector_values), scenes_folder, 'skip')
    assert len(train) + len(validation) == 24


def test_a_file_that_is_no_archive_is_named(scenes_folder, detector_values):
    (scenes_folder / 'bad.zip').write_bytes(b'cut off')
    with pytest.raises(DatasetError, match='bad.zip'):
        load_scenes(recipe_from(detector_values), scenes_folder)
