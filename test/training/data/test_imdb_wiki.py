"""IMDB-WIKI: Matlab's structs, ages, boxes of whole and cropped images, unusable rows."""

import datetime
import sys

import numpy as np
import pytest

from face_perception.core.types import GENDERS, Box
from face_perception.training.data import DatasetError, imdb_wiki, load_samples, load_task

savemat = pytest.importorskip('scipy.io', reason='needed to write .mat files').savemat

INFINITY, NAN = float('inf'), float('nan')
#: Names as the published files have them, with a number in place of a person's.
PATH = '17/{}_1970-03-01_2000.jpg'


def datenum(year, month, day):
    return datetime.date(year, month, day).toordinal() + 366


def row(
    path,
    gender=0.0,
    born=(1970, 3, 1),
    taken=2000,
    box=(41.0, 21.0, 100.0, 80.0),
    score=3.0,
    second=NAN,
):
    return {
        'dob': datenum(*born),
        'photo_taken': taken,
        'full_path': path,
        'gender': gender,
        'name': 'Somebody',
        'face_location': np.array([box]),
        'face_score': score,
        'second_face_score': second,
    }


def cells(values):
    """Return a Matlab cell array, 1 x N."""
    array = np.empty((1, len(values)), dtype=object)
    array[0] = values
    return array


def write(path, rows, name=None, leave_out=()):
    """Write ``rows`` in the layout of the published files: numbers 1 x N, cells for the rest."""
    struct = {}
    for field, kind in (
        ('dob', np.int32),
        ('photo_taken', np.uint16),
        ('full_path', None),
        ('gender', float),
        ('name', None),
        ('face_location', None),
        ('face_score', float),
        ('second_face_score', float),
    ):
        values = [entry[field] for entry in rows]
        if field == 'face_location':
            struct[field] = np.empty((1, len(values)), dtype=object)
            for index, value in enumerate(values):
                struct[field][0, index] = value
        else:
            struct[field] = cells(values) if kind is None else np.array([values], dtype=kind)
    for field in leave_out:
        del struct[field]
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {name or path.stem: struct})
    return path


@pytest.fixture
def rows(names):
    """Return rows of eleven images, the last of which is held out."""
    return [row(path, gender=float(number % 2)) for number, path in enumerate(names(11, PATH))]


@pytest.fixture
def wiki(tmp_path, rows, write_image):
    """Return a folder with a small wiki.mat and its images, 160 x 120 pixels."""
    for number, entry in enumerate(rows):
        write_image(tmp_path / 'wiki' / entry['full_path'], (120, 160), seed=number)
    write(tmp_path / 'wiki' / 'wiki.mat', rows)
    return tmp_path / 'wiki'


def test_reads_labels_ages_and_boxes(wiki, rows, recipe):
    train, validation = load_task(recipe('gender'), wiki)
    assert train.labels.tolist() == [number % 2 for number in range(10)]
    assert validation.labels.tolist() == [0] and train.images.shape == (10, 64, 64, 3)
    assert train.groups['age'].tolist() == [30] * 10
    (sample,) = load_samples('gender', wiki, 0.02)
    assert GENDERS[sample.label] == 'female' and sample.groups == {'age': 30}
    # Matlab's img(21:80, 41:100): 60 pixels, the first of them number 40 from 0.
    assert sample.box == Box(40, 20, 60, 60)
    assert sample.name == f'{rows[-1]["full_path"]} (wiki.mat, row 11)'


@pytest.mark.parametrize('given', ['file', 'folder', 'parent'])
def test_is_found_in_a_file_a_folder_or_one_above(wiki, given, recipe):
    path = {'file': wiki / 'wiki.mat', 'folder': wiki, 'parent': wiki.parent}[given]
    assert sum(map(len, load_task(recipe('gender'), path))) == 11


def test_both_sets_of_a_folder_are_read(wiki, rows, write_image, recipe):
    other = row('00/x.jpg', gender=1.0)
    write_image(wiki.parent / 'imdb' / other['full_path'], (120, 160), seed=99)
    write(wiki.parent / 'imdb' / 'imdb.mat', [other])
    assert sum(map(len, load_task(recipe('gender'), wiki.parent))) == 12


@pytest.mark.parametrize(
    'born, taken, age',
    [
        ((1970, 6, 30), 2000, 30),
        ((1970, 7, 1), 2000, 29),
        ((1970, 12, 31), 2000, 29),
        ((1970, 1, 1), 2000, 30),
        ((1899, 5, 10), 1968, 69),
    ],
)
def test_the_age_is_that_in_the_middle_of_the_year(tmp_path, born, taken, age):
    path = write(tmp_path / 'wiki.mat', [row('a.jpg', born=born, taken=taken)])
    (entry,) = imdb_wiki.read_rows(path)
    assert entry.age == age


@pytest.mark.parametrize(
    'change, why',
    [
        ({'score': -INFINITY}, 'without a face'),
        ({'second': 1.2}, 'with a second face'),
        ({'gender': NAN}, 'of unknown gender'),
        ({'born': (1991, 1, 1)}, 'not 10 to 100 years old'),
        ({'born': (1890, 1, 1)}, 'not 10 to 100'),
        ({'taken': 1960}, 'not 10 to 100'),
    ],
)
def test_unusable_rows_are_counted_and_not_malformed(wiki, rows, recipe, caplog, change, why):
    write(wiki / 'wiki.mat', [*rows, row('99/none.jpg', **change), row('99/no.jpg', **change)])
    with caplog.at_level('INFO'):
        assert sum(map(len, load_task(recipe('gender'), wiki))) == 11
    assert f'images {why}' in caplog.text and ': 2, left out' in caplog.text


def test_an_impossible_date_of_birth_is_no_usable_age(tmp_path):
    odd = [{**row('a.jpg'), 'dob': value} for value in (0, 47, 2**31 - 1)]
    assert {entry.unusable for entry in imdb_wiki.read_rows(write(tmp_path / 'wiki.mat', odd))} == {
        'not 10 to 100 years old'
    }


@pytest.mark.parametrize(
    'change, message',
    [
        ({'gender': 2.0}, 'gender 2.0'),
        ({'box': (50.0, 50.0, 20.0, 80.0)}, 'no box'),
        ({'box': (NAN, 1.0, 2.0, 3.0)}, 'no box'),
        ({'box': (900.0, 900.0, 999.0, 999.0)}, 'outside the image of 160x120'),
    ],
)
def test_a_malformed_row_is_named_or_left_out(wiki, rows, recipe, change, message):
    write(wiki / 'wiki.mat', [*rows[:-2], row(rows[-2]['full_path'], **change), rows[-1]])
    with pytest.raises(DatasetError, match=f'wiki.mat, row 10.*{message}'):
        load_task(recipe('gender'), wiki)
    assert sum(map(len, load_task(recipe('gender'), wiki, malformed='skip'))) == 10


@pytest.mark.parametrize('content, message', [(None, 'missing'), (b'', 'zero bytes')])
def test_a_missing_or_empty_image_is_named_or_left_out(wiki, rows, recipe, content, message):
    path = wiki / rows[3]['full_path']
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    name = f'{rows[3]["full_path"]} .wiki.mat, row 4.'
    with pytest.raises(DatasetError, match=f'{name}: .*{message}'):
        load_task(recipe('gender'), wiki)
    assert len(load_task(recipe('gender'), wiki, malformed='skip')[0]) == 9


def test_a_cropped_face_is_in_the_middle_of_its_image():
    whole = (701.0, 301.0, 800.0, 400.0)
    assert imdb_wiki.face_box(whole, 1600, 1200) == Box(700, 300, 100, 100)
    cropped = imdb_wiki.face_box(whole, 181, 180)  # 1.8 times as long, within a pixel
    assert cropped.center == pytest.approx((90.5, 90))
    assert cropped.width == pytest.approx(181 / 1.8)
    named = imdb_wiki.face_box(whole, 90, 90, cropped=True)  # made smaller by somebody
    assert named.center == (45, 45) and named.width == pytest.approx(50)


def test_the_folder_of_the_cropped_set_tells(tmp_path, names, write_image):
    path = names(1, PATH)[0]
    write_image(tmp_path / 'wiki_crop' / path, (90, 90))
    write(tmp_path / 'wiki_crop' / 'wiki.mat', [row(path, box=(701.0, 301.0, 800.0, 400.0))])
    (sample,) = load_samples('gender', tmp_path / 'wiki_crop', 0.0)
    assert sample.box.center == (45, 45) and sample.box.width == pytest.approx(50)


def test_a_box_may_reach_beyond_the_image(wiki, rows, recipe):
    write(
        wiki / 'wiki.mat',
        [row(entry['full_path'], box=(-20.0, 1.0, 80.0, 130.0)) for entry in rows],
    )
    (sample,) = load_samples('gender', wiki, 0.0)
    assert sample.box == Box(-21, 0, 101, 130)
    assert load_task(recipe('gender'), wiki)[0].images.shape == (10, 64, 64, 3)


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda path: path.write_bytes(b'no matlab'), 'cannot be read as a Matlab file'),
        (lambda path: path.write_bytes(b''), 'cannot be read as a Matlab file'),
        (
            lambda path: path.write_bytes(
                b'MATLAB 7.3 MAT-file' + b' ' * 105 + b'\x00\x02IM' + b'x' * 99
            ),
            'cannot be read as a Matlab file',
        ),
        (lambda path: write(path, [row('a.jpg')], name='faces'), r"neither imdb nor wiki.*'faces'"),
        (lambda path: write(path, [row('a.jpg')], leave_out=['gender']), "fields.*'gender'"),
        (lambda path: savemat(path, {'wiki': np.zeros((2, 2))}), 'has not the fields'),
        (
            lambda path: savemat(
                path,
                {
                    'wiki': {
                        **{name: np.zeros((1, 2)) for name in imdb_wiki.FIELDS},
                        'dob': np.zeros((1, 3)),
                    }
                },
            ),
            'not the same length',
        ),
    ],
    ids=['no matlab', 'empty', 'version 7.3', 'other name', 'no gender', 'no struct', 'lengths'],
)
def test_another_file_is_refused(tmp_path, recipe, make, message):
    make(tmp_path / 'wiki.mat')
    with pytest.raises(DatasetError, match=message):
        load_task(recipe('gender'), tmp_path, malformed='skip')


def test_without_scipy_a_sentence_says_what_to_install(wiki, recipe, monkeypatch):
    monkeypatch.setitem(sys.modules, 'scipy.io', None)
    with pytest.raises(DatasetError, match='pip install scipy'):
        load_task(recipe('gender'), wiki)
