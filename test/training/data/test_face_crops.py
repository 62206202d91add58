"""Crops with boxes: any source of faces, for either task, with a split by person."""

import csv
import io
import sys
import zipfile

import cv2
import numpy as np
import pytest

from face_perception.core.types import GENDERS, Box
from face_perception.training.data import (
    DatasetError,
    face_crops,
    indexed,
    load_samples,
    load_task,
)
from face_perception.training.data.datasets import UNLABELLED, split_for_calibration
from face_perception.training.data.entries import SPLITS
from face_perception.training.data.face_crops import split_of_person
from face_perception.training.data.faults import Faults, MalformedError

#: Of the persons lfw/0 to lfw/39.
HELD_OUT = [3, 6, 7, 15, 19, 20, 21, 29, 32, 39]
COLUMNS = ('file', 'label', 'source', 'x', 'y', 'w', 'h', 'person', 'age', 'group')


@pytest.fixture
def rows():
    """Return the rows of 60 images of 20 persons of one source and of nobody of another."""
    return [
        {
            'file': f'images/{number:03d}.png',
            'label': str(number % 2),
            'source': 'news' if number < 40 else 'portraits',
            'x': '20',
            'y': '16',
            'w': '40',
            'h': '56',
            'person': f'Person_{number // 2 % 20}' if number < 40 else '',
            'age': '',
            'group': '',
        }
        for number in range(60)
    ]


@pytest.fixture
def write(tmp_path, images):
    """Return the function that writes rows and their images, as a .zip or as a folder."""

    def to_path(rows, name='faces.zip', columns=COLUMNS):
        index = io.StringIO()
        table = csv.DictWriter(index, columns, extrasaction='ignore')
        table.writeheader()
        table.writerows(rows)
        contents = {
            row['file']: cv2.imencode('.png', image)[1].tobytes()
            for row, image in zip(rows, images(len(rows), 96, 3, 5))
        }
        contents['index.csv'] = index.getvalue().encode()
        path = tmp_path / name
        if name.endswith('.zip'):
            with zipfile.ZipFile(path, 'w') as archive:
                for file, content in contents.items():
                    archive.writestr(file, content)
            return path
        for file, content in contents.items():
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_bytes(content)
        return path

    return to_path


def everything(path, task='gender'):
    return [
        (split, sample)
        for split in ('train', 'validation')
        for sample in load_samples(task, path, 0.0, split=split)
    ]


def test_a_zip_and_a_folder_say_the_same(rows, write):
    packed, plain = everything(write(rows)), everything(write(rows, 'faces'))
    assert [(split, one.name, one.label, one.source, one.box) for split, one in packed] == [
        (split, one.name, one.label, one.source, one.box) for split, one in plain
    ]
    assert all(
        np.array_equal(one.image, other.image) for (_, one), (_, other) in zip(packed, plain)
    )


@pytest.mark.parametrize('task', ['gender', 'emotion'])
def test_the_index_may_stand_for_its_folder(rows, write, task):
    # Also for emotion, of which every other .csv is taken for FER-2013's.
    rows = [{**row, 'source': '', 'label': {'emotion': 'sad'}.get(task, '0')} for row in rows]
    folder = write(rows, 'faces')
    said = everything(folder / 'index.csv', task)
    assert [one.name for _, one in said] == [one.name for _, one in everything(folder, task)]
    assert {one.source for _, one in said} == {'faces'}


def test_labels_boxes_and_sources_are_those_of_the_index(rows, write):
    samples = {sample.name: sample for _, sample in everything(write(rows))}
    assert len(samples) == 60
    assert samples['images/000.png'].label == GENDERS.index('male')
    assert samples['images/001.png'].label == GENDERS.index('female')
    assert samples['images/000.png'].box == Box(20, 16, 40, 56)
    assert {sample.source for sample in samples.values()} == {'news', 'portraits'}


def test_a_person_is_on_one_side(rows, write):
    sides = {}
    for split, sample in everything(write(rows)):
        number = int(sample.name[7:10])
        if number < 40:
            sides.setdefault(number // 2 % 20, set()).add(split)
    assert len(sides) == 20 and all(len(side) == 1 for side in sides.values())
    assert {split for side in sides.values() for split in side} == {'train', 'validation'}


def test_a_fifth_of_the_persons_is_held_out():
    splits = [split_of_person(f'news/{number}') for number in range(2000)]
    assert 0.17 < splits.count('validation') / 2000 < 0.23


def test_a_split_of_the_index_is_obeyed(rows, write):
    for row in rows:
        row['split'] = 'test' if row['source'] == 'news' else 'train'
    path = write(rows, columns=(*COLUMNS, 'split'))
    assert {sample.source for sample in load_samples('gender', path, 0.0, 'test')} == {'news'}
    assert len(load_samples('gender', path, 0.0, 'train')) == 20
    with pytest.raises(DatasetError, match='validation'):
        load_samples('gender', path, 0.0)


def test_names_of_emotions_are_labels_too(rows, write):
    rows = [{**row, 'label': 'fear' if int(row['label']) else '6'} for row in rows]
    labels = {sample.label for _, sample in everything(write(rows), 'emotion')}
    assert labels == {2, 6}


def test_numbers_of_genders_are_no_emotions(recipe, rows, write):
    path = write(rows)
    for malformed in ('stop', 'skip'):
        with pytest.raises(DatasetError, match='0 and 1, which look like genders.*angry'):
            load_samples('emotion', path, 0.0, malformed=malformed)
    rows[0]['label'] = 'Disgust'
    assert {sample.label for _, sample in everything(write(rows), 'emotion')} == {0, 1}


def test_the_split_does_not_depend_on_how_a_folder_is_spelled(rows, write, tmp_path, monkeypatch):
    for row in rows:
        row['source'], row['person'] = '', row['file']
    path = write(rows, 'mine')
    (tmp_path / 'other').symlink_to(path)
    monkeypatch.chdir(path)
    named = [
        [(split, sample.name, sample.source) for split, sample in everything(said)]
        for said in (path, '.', tmp_path / 'other')
    ]
    assert named[0] == named[1] == named[2] and {source for *_, source in named[0]} == {'mine'}


def test_the_persons_held_out_never_change():
    # Trained networks have seen the others: another split would flatter them.
    held_out = [number for number in range(40) if split_of_person(f'lfw/{number}') != 'train']
    assert held_out == HELD_OUT


def test_words_of_an_index_can_be_shown(recipe, rows, write):
    for row in rows:
        row['source'], row['group'] = '\x1b[31mred', 'one\ntwo\u202e' + 100 * 'x'
    path = write(rows)
    for _, sample in everything(path):
        assert sample.source == r'\x1b[31mred' and sample.group.startswith(r'one\ntwo\u202exx')
        assert len(sample.group) < 80
    assert set(load_task(recipe('gender'), path)[0].sources) == {r'\x1b[31mred'}


def test_a_source_of_which_nothing_is_held_out_is_named(recipe, rows, write, caplog):
    for row in rows:
        row['split'] = 'train' if row['source'] == 'portraits' else ''
    path = write(rows, columns=(*COLUMNS, 'split'))
    load_task(recipe('gender'), path)
    (record,) = caplog.records
    assert record.getMessage().startswith('portraits: learned from but not measured')
    assert 'column split' in record.getMessage()
    for row in rows[40:]:
        row['label'] = 'unknown'
    caplog.clear()
    load_task(recipe('gender', distillation=0.5), write(rows))
    assert not caplog.records  # what only a teacher is asked about is never measured


def test_age_and_group_are_kept_and_children_left_out(rows, write):
    for number, row in enumerate(rows):
        row['age'], row['group'] = str(number), 'asian' if number % 2 else 'Martian'
    samples = [sample for _, sample in everything(write(rows))]
    assert sorted(sample.groups['age'] for sample in samples) == list(range(10, 60))
    assert {(sample.group, sample.groups.get('race')) for sample in samples} == {
        ('asian', 2),
        ('Martian', None),
    }


def test_optional_columns_may_be_absent(rows, write):
    path = write(rows, 'mine.zip', ('file', 'label', 'x', 'y', 'w', 'h'))
    assert {sample.source for _, sample in everything(path)} == {'mine'}


def test_several_files_are_read_at_once(recipe, rows, write, utkface_folder):
    path = write(rows)
    train, validation = load_task(recipe('gender'), [utkface_folder, path])
    both = np.concatenate([train.weights, validation.weights])
    sources = train.count_by_source()
    assert set(sources) == {'UTKFace', 'news', 'portraits'}
    assert sum(sources.values()) == len(train) and set(train.groups['age'][-5:]) == {-1}
    assert validation.count_by_source()['news'] > 0
    assert both.mean() == pytest.approx(1, abs=1e-5)


def test_labels_count_the_same_within_each_source(recipe, rows, write, utkface_folder):
    rows = [row for number, row in enumerate(rows) if number % 2 == 0 or number % 6 == 1]
    sets = load_task(recipe('gender'), [utkface_folder, write(rows)])
    for source in ('news', 'portraits'):
        shares = [
            sum(
                faces.weights[(faces.sources == source) & (faces.labels == label)].sum()
                for faces in sets
            )
            for label in (0, 1)
        ]
        assert shares[0] == pytest.approx(shares[1], rel=1e-4)


def test_rare_sources_count_more_where_the_recipe_says_so(recipe, rows, write):
    rows = rows[:40] + [
        {**row, 'person': f'Nobody_{number}'} for number, row in enumerate(rows[40:46])
    ]
    path = write(rows)
    for share, ratio in ((0.0, 6 / 40), (1.0, 1.0)):
        sets = load_task(recipe('gender', balance_sources=share), path)
        totals = [
            sum(faces.weights[faces.sources == name].sum() for faces in sets)
            for name in ('news', 'portraits')
        ]
        assert totals[1] / totals[0] == pytest.approx(ratio, rel=1e-4)


def test_filled_images_and_crops_with_boxes_learn_together(recipe, rows, write, fer_folder):
    path = write([{**row, 'label': 'fear' if row['label'] == '1' else 'sad'} for row in rows])
    for data in ([fer_folder, path], [path, fer_folder]):
        train, _ = load_task(recipe('emotion'), data)
        assert train.images.shape[1:] == (64, 64, 1)
        plain, _ = load_task(recipe('emotion'), fer_folder)
        known = train.images[train.sources == 'FER-2013']
        np.testing.assert_array_equal(known[:, 8:-8, 8:-8], plain.images)
        np.testing.assert_array_equal(known[:, 0, 8:-8], plain.images[:, 0])


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'label': 'both'}, 'label both'),
        ({'label': ''}, 'none'),
        ({'label': '2'}, 'label 2'),
        ({'w': '0'}, 'no area'),
        ({'x': 'left'}, 'not all numbers'),
        ({'h': 'nan'}, 'no area'),
        ({'w': '1e300'}, 'not lie in the'),
        ({'w': '100000', 'h': '100000'}, 'not lie in the'),
        ({'x': '-5000'}, 'not lie in the'),
        ({'age': '200'}, 'age 200'),
        ({'age': 'old'}, 'age old'),
        ({'file': 'images/lost.png'}, 'lost'),
        ({'split': 'holdout'}, 'split holdout'),
    ],
)
def test_a_bad_row_is_named_or_left_out(rows, write, changes, message):
    path = write(rows, columns=(*COLUMNS, 'split'))
    broken = [{**rows[0], **changes}, *rows[1:]]
    index = io.StringIO()
    table = csv.DictWriter(index, (*COLUMNS, 'split'))
    table.writeheader()
    table.writerows(broken)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(path.with_name('b.zip'), 'w') as other:
        for name in archive.namelist():
            other.writestr(name, index.getvalue() if name == 'index.csv' else archive.read(name))
    with pytest.raises(DatasetError, match=message):
        everything(other.filename)
    skipped = [
        sample
        for split in ('train', 'validation')
        for sample in load_samples('gender', other.filename, 0.0, split, 'skip')
    ]
    assert len(skipped) == 59


@pytest.mark.parametrize('name', ['faces', 'faces.zip'])
@pytest.mark.parametrize('task', ['gender', 'emotion'])
def test_a_missing_column_is_no_crop_with_box(rows, write, name, task):
    path = write(rows, name, ('file', 'label', 'x', 'y'))
    with pytest.raises(DatasetError, match='known form') as caught:
        everything(path, task)
    first, *others = str(caught.value).splitlines()
    assert first.endswith('index.csv has no column w or h for crops with boxes')
    assert others == (
        ['  - and no column age or gender or race for UTKFace'] if task == 'gender' else []
    )


@pytest.mark.parametrize(
    'damage', [lambda text: text.replace(',', ';').encode(), lambda text: text.encode('utf-16')]
)
def test_an_index_of_another_sort_is_named(rows, write, damage):
    index = write(rows, 'faces') / 'index.csv'
    index.write_bytes(damage(index.read_text()))
    with pytest.raises(DatasetError, match='index.csv has no column file or .*UTF-8, with commas'):
        everything(index.parent)


def test_an_archive_without_an_index_at_its_top_is_told_so(tmp_path):
    with zipfile.ZipFile(tmp_path / 'faces.zip', 'w') as archive:
        archive.writestr('faces/index.csv', 'file,label,x,y,w,h\n')
    with pytest.raises(DatasetError, match='faces.zip cannot be read as .*index.csv at the top'):
        everything(tmp_path / 'faces.zip')


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / 'faces.zip'
    path.write_bytes(b'PK\x03\x04 cut off')
    with pytest.raises(DatasetError, match='faces.zip'):
        everything(path)


def test_faces_without_a_label_are_for_teachers_alone(recipe, rows, write):
    for row in rows[40:]:
        row['label'] = 'unknown'
    path = write(rows)
    labelled, held_out = load_task(recipe('gender'), path)
    assert set(labelled.count_by_source()) == {'news'}
    train, validation = load_task(recipe('gender', distillation=0.5), path)
    unknown = train.sources == 'portraits'
    assert unknown.sum() == 20 and (train.labels[unknown] == UNLABELLED).all()
    assert (train.targets[unknown] == 0).all() and (train.targets[~unknown].sum(axis=1) == 1).all()
    assert len(validation) == len(held_out) and UNLABELLED not in validation.labels
    learned, calibration = split_for_calibration(train, 0.5)
    assert UNLABELLED not in calibration.labels and len(learned) + len(calibration) == len(train)
    assert UNLABELLED not in [sample.label for sample in load_samples('gender', path, 0.1, 'train')]


def test_copies_are_left_out_though_other_images_have_borders(fer_folder, recipe, rows, write):
    alone = load_task(recipe('emotion'), fer_folder)[0]
    for row in rows:
        row['label'] = 'unknown'
    beside, validation = load_task(recipe('emotion', distillation=0.5), [fer_folder, write(rows)])
    assert beside.images.shape[1] > alone.images.shape[1] == validation.images.shape[1]
    fer = beside.select(beside.labels != UNLABELLED)
    assert len(fer) == len(alone) == 40 and len(beside) == 100
    np.testing.assert_array_equal(fer.digests, alone.digests)
    # And the same images as before are kept back to calibrate on.
    kept_back, before = (split_for_calibration(faces, 0.3)[1] for faces in (beside, alone))
    np.testing.assert_array_equal(kept_back.digests, before.digests)
    assert 0 < len(before) < 40


def test_images_that_cannot_be_had_and_those_that_fill_the_memory_are_malformed(
    tmp_path, monkeypatch
):
    head = 'file,label,x,y,w,h\n'
    monkeypatch.setattr(indexed, 'LARGEST_IMAGE', 1 << 20)
    bomb = tmp_path / 'bomb.zip'
    with zipfile.ZipFile(bomb, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('index.csv', head + 'a.png,female,5,5,20,20\n')
        archive.writestr('a.png', bytes(1 << 22))
    folder = tmp_path / 'folder'
    folder.mkdir()
    rows = {'/dev/zero,male,5,5,9,9\n': 'no regular file'}
    if sys.version_info >= (3, 11):  # before, the whole table is refused
        rows['a\0.png,male,5,5,9,9\n'] = 'cannot be read'
    (folder / 'index.csv').write_text(head + ''.join(rows))
    for path, words in (
        (bomb, ['unpacks to more than 1 MiB']),
        (folder, list(rows.values())),
    ):
        found = 0
        for entry in face_crops.read(path, SPLITS, Faults(path), GENDERS):
            with pytest.raises(MalformedError, match=words[found]):
                entry.read()
            found += 1
        assert found == len(words)


def test_an_index_that_unpacks_to_more_than_any_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(indexed, 'LARGEST_INDEX', 1 << 20)
    path = tmp_path / 'bomb.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('index.csv', 'file,label,x,y,w,h\n' + '\n' * (1 << 21))
    with pytest.raises(DatasetError, match='unpacks to more than 1 MiB'):
        list(face_crops.read(path, SPLITS, Faults(path), GENDERS))


def test_an_open_quote_in_the_index_gives_a_sentence_of_one_line(tmp_path):
    (tmp_path / 'index.csv').write_text('file,label,x,y,w,h\n"a.png,male,1,1,9,9\nb.png,male\n')
    with pytest.raises(DatasetError, match='unexpected end of data') as caught:
        list(face_crops.read(tmp_path, SPLITS, Faults(tmp_path), GENDERS))
    assert '\n' not in str(caught.value)


def test_an_index_that_cannot_be_read_to_its_end_says_why(tmp_path):
    for content, words in (
        ('a.png,mâle,1,1,9,9'.encode('latin-1'), 'utf-8'),
        (b'"a.png,male,1,1,9,9', 'unexpected end of data'),
    ):
        (tmp_path / 'index.csv').write_bytes(b'file,label,x,y,w,h\n' + content)
        with pytest.raises(DatasetError, match=words) as caught:
            load_samples('gender', tmp_path, 0.0, 'train')
        assert 'index.csv' in str(caught.value) and '\n' not in str(caught.value)
