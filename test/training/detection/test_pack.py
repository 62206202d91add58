"""Scenes are made smaller, with their boxes."""

import sys
import zipfile

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection import pack  # noqa: E402
from face_perception.training.detection.scenes import load_scenes, read_scenes  # noqa: E402
from face_perception.training.recipe import recipe_from  # noqa: E402


def packed(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['pack', *map(str, arguments)])
    return pack.main()


def test_boxes_are_where_they_were_and_all_else_stays(scenes_folder, tmp_path, monkeypatch):
    small = tmp_path / 'small'
    assert packed(monkeypatch, scenes_folder, small, '--long-side', 80, '--quality', 90) == 0
    before, after = (read_scenes(folder / 'scenes.zip') for folder in (scenes_folder, small))
    assert [scene.event for scene in before] == [scene.event for scene in after]
    for scene, smaller in zip(before, after, strict=True):
        assert smaller.image.shape[:2] == (64, 80)
        np.testing.assert_allclose(smaller.boxes, scene.boxes / 2, atol=0.01)
        assert np.array_equal(scene.ignored, smaller.ignored)
        for x1, y1, x2, y2 in smaller.boxes[~smaller.ignored].astype(int):
            middle = smaller.image[(y1 + y2) // 2, (x1 + x2) // 2].astype(int)
            assert middle[2] > middle[0]  # skin
    assert (small / 'scenes.zip').stat().st_size < (scenes_folder / 'scenes.zip').stat().st_size


def test_the_same_scenes_are_kept_back(scenes_folder, tmp_path, monkeypatch, detector_values):
    # Which are, is drawn by name: a network that learned from packed scenes is measured on others.
    recipe = recipe_from({**detector_values, 'held_out_events': ['a', 'b'], 'held_out_share': 0.4})
    small = tmp_path / 'small'
    assert packed(monkeypatch, scenes_folder, small, '--long-side', 80) == 0
    before, after = (load_scenes(recipe, folder) for folder in (scenes_folder, small))
    assert [scene.name for scene in after.apart] == [scene.name for scene in before.apart] != []
    assert [scene.name for scene in after.train] == [scene.name for scene in before.train]


def test_images_that_are_left_out_are_named_and_counted(rewrite, tmp_path, monkeypatch, caplog):
    def damage(content):
        content['images'][3]['file_name'] = 'annotations.json'
        # As of WIDER FACE's images without a face.
        content['annotations'].append({'image_id': 5, 'bbox': [0, 0, 0, 0]})
        return content

    path = rewrite(damage)
    assert packed(monkeypatch, path.parent, tmp_path / 'small') == 0
    assert 'annotations.json: it is no image' in caplog.text
    assert 'the bbox [0, 0, 0, 0] is not x, y, width and height of a face with' in caplog.text
    assert 'malformed and left out: 2' in caplog.text
    assert len(read_scenes(tmp_path / 'small' / 'scenes.zip')) == 22


def test_crops_to_be_pasted_are_not_forgotten(scenes_folder, tmp_path, monkeypatch, capsys):
    with zipfile.ZipFile(scenes_folder / 'crops.zip', 'w') as archive:
        archive.writestr('index.csv', 'file,label,x,y,w,h\n')
    assert packed(monkeypatch, scenes_folder, tmp_path / 'small') == 0
    assert 'crops.zip: crops' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['nowhere', 'small'], 'no .zip'),
        (['{data}', '{data}'], 'another folder'),
    ],
)
def test_what_cannot_be_packed_is_one_sentence(
    scenes_folder, tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    given = [argument.format(data=scenes_folder) for argument in arguments]
    assert packed(monkeypatch, *given) == 1
    said = capsys.readouterr().err
    assert words in said and said.count('\n') == 1


def test_a_quality_that_is_none_is_refused(scenes_folder, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        packed(monkeypatch, scenes_folder, tmp_path / 'small', '--quality', 0)
    assert '--quality: 0 is no whole number from 1 to 100' in capsys.readouterr().err


@pytest.mark.parametrize(
    'annotations',
    [
        lambda content: [content],
        lambda content: {**content, 'annotations': None},
        lambda content: {**content, 'annotations': [{'image_id': 0}]},
    ],
)
def test_scenes_that_cannot_be_read_are_told_in_a_line(
    scenes_folder, tmp_path, monkeypatch, capsys, rewrite, annotations
):
    rewrite(annotations)
    assert packed(monkeypatch, scenes_folder, tmp_path / 'small') == 1
    said = capsys.readouterr().err
    assert 'scenes.zip cannot be read as scenes' in said and said.count('\n') == 1
    assert list((tmp_path / 'small').iterdir()) == []


def test_a_small_box_keeps_an_area(scenes_folder, tmp_path, monkeypatch, rewrite):
    thin = [{'image_id': 0, 'bbox': [1, 2, 0.01, 20]}]
    rewrite(lambda content: {**content, 'annotations': thin})
    small = tmp_path / 'small'
    assert packed(monkeypatch, scenes_folder, small, '--long-side', 32) == 0
    assert len(read_scenes(small / 'scenes.zip')[0].boxes) == 1


def test_a_name_of_a_file_is_no_markup(scenes_folder, tmp_path, monkeypatch, capsys):
    (scenes_folder / 'scenes.zip').rename(scenes_folder / 'of [indoor].zip')
    assert packed(monkeypatch, scenes_folder, tmp_path / 'small') == 0
    assert capsys.readouterr().out.startswith('of [indoor].zip ')
