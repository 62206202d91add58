"""Scenes: read as they are written, held out by occasion, faults named."""

import io
import json
import zipfile

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.data import DatasetError  # noqa: E402
from face_perception.training.detection import scenes  # noqa: E402
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


def test_a_file_in_place_of_its_folder_is_told(scenes_folder, detector_values):
    with pytest.raises(DatasetError, match='give the folder'):
        load_scenes(recipe_from(detector_values), scenes_folder / 'scenes.zip')


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


@pytest.mark.parametrize(
    'annotations',
    [
        lambda content: [content],
        lambda content: {**content, 'annotations': None},
        lambda content: {**content, 'annotations': [3]},
        lambda content: {'images': content['images']},
        lambda content: {**content, 'images': 7},
    ],
)
def test_annotations_of_another_form_are_told_in_a_line(rewrite, annotations):
    path = rewrite(annotations)
    with pytest.raises(DatasetError, match='scenes.zip cannot be read as scenes') as caught:
        read_scenes(path, 'skip')
    assert 'form of COCO' in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'change',
    [
        lambda content: content['annotations'][0].update(bbox=[1, None, 3, 4]),
        lambda content: content['annotations'][0].update(bbox=[1, 2, 3]),
        lambda content: content['annotations'][0].update(bbox=[1, 2, 10**400, 4]),
        lambda content: content['annotations'][0].update(bbox=[50, 50, -20, -20]),
        lambda content: content['annotations'][0].update(bbox=None),
        lambda content: content['annotations'][0].update(attributes=None),
        lambda content: content['annotations'][0].update(attributes={'pose': float('inf')}),
        lambda content: content['images'][0].update(event=['a']),
        lambda content: content['images'][0].update(file_name=0),
        lambda content: content['images'][0].pop('id'),
        lambda content: content['images'].__setitem__(0, None),
    ],
)
def test_an_image_that_is_not_annotated_as_it_should_stops_or_is_skipped(rewrite, caplog, change):
    path = rewrite(lambda content: (change(content), content)[1])
    with pytest.raises(DatasetError, match='(images/00.png|0|image 0): .*--malformed skip'):
        read_scenes(path)
    assert len(read_scenes(path, 'skip')) == 23
    assert 'malformed and left out: 1' in caplog.text


def test_a_damaged_image_stops_or_is_skipped(rewrite):
    path = rewrite(damaged='images/05.png')
    with pytest.raises(DatasetError, match='scenes.zip: images/05.png: .*CRC'):
        read_scenes(path)
    assert len(read_scenes(path, 'skip')) == 23


def damage(content, name, offset):
    """Change the bytes of the compressed file ``name`` of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.getinfo(name).header_offset + 30 + len(name)
    for position in range(start + offset, start + offset + 20):
        content[position] ^= 0x5A


def encrypt(content, name, offset):
    """Say in all headers that a password is needed."""
    for mark, flags in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
        position = -1
        while (position := content.find(mark, position + 1)) >= 0:
            content[position + flags] |= 1


@pytest.mark.parametrize(('how', 'words'), [(damage, 'decompressing'), (encrypt, 'encrypted')])
def test_an_archive_that_cannot_be_unpacked_is_told_in_a_line(tmp_path, how, words):
    path, content = tmp_path / 'more.zip', io.BytesIO()
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('annotations.json', json.dumps({'images': list(range(500))}))
    content = bytearray(content.getvalue())
    how(content, 'annotations.json', 10)
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=f'more.zip cannot be read as scenes: .*{words}'):
        read_scenes(path)


def test_a_list_of_boxes_that_unpacks_to_more_than_any_memory_is_refused(
    tmp_path, monkeypatch, detector_values
):
    monkeypatch.setattr(scenes, 'LARGEST_INDEX', 1 << 20)
    with zipfile.ZipFile(tmp_path / 'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('annotations.json', ' ' * (1 << 21))
    with pytest.raises(DatasetError, match='unpacks to more than 1 MiB'):
        load_scenes(recipe_from(detector_values), tmp_path)
