"""UTKFace's own files: labels from names, real oddities of names, sub-folders."""

import pytest

from face_perception.core.types import GENDERS
from face_perception.training.data import DatasetError, load_samples, load_task
from face_perception.training.data.entries import is_held_out

#: Names of the published set that lack a label, or have one that does not exist.
MALFORMED = (
    '61_1_20170109150557335.jpg.chip.jpg',
    '39_1_20170116174525125.jpg',
    '61_3_20170109150557335.jpg',
    '20_5_0_20170116174525125.jpg',
    '20_1_7_20170116174525125.jpg',
    '200_1_0_20170116174525125.jpg',
    'me.jpg',
)


def name_of(age, gender, race, number, ending='.jpg.chip.jpg'):
    return f'{age}_{gender}_{race}_201701161745{number:05d}{ending}'


@pytest.fixture
def folder(tmp_path, write_image):
    """Return a folder with 40 chips, ages 5, 15, 25, ..., in two sub-folders."""
    for number in range(40):
        name = name_of(5 + 10 * (number % 8), number % 2, number % 5, number)
        write_image(tmp_path / 'chips' / f'{number % 2}' / name, (200, 200), seed=number)
    return tmp_path / 'chips'


def test_labels_are_read_from_names(folder):
    samples = load_samples('gender', folder, 0.0) + load_samples('gender', folder, 0.0, 'train')
    assert len(samples) == 35  # without the five-year-olds
    for sample in samples:
        age, gender, race = (int(part) for part in sample.name.split('/')[1].split('_')[:3])
        assert sample.groups == {'age': age, 'race': race} and age >= 10
        assert GENDERS[sample.label] == ('male', 'female')[gender]
        assert sample.box.width == pytest.approx(200) and sample.image.shape == (200, 200, 3)


def test_splits_by_name(folder, recipe):
    train, validation = load_task(recipe('gender'), folder)
    held_out = [
        path
        for path in folder.rglob('*.jpg')
        if is_held_out(path.name) and not path.name.startswith('5_')
    ]
    assert (len(train), len(validation)) == (35 - len(held_out), len(held_out))
    assert len(validation) > 0 and train.images.shape[1:] == (64, 64, 3)
    assert set(train.groups) == {'age', 'race'} and train.weights.mean() == pytest.approx(
        1, abs=0.2
    )


@pytest.mark.parametrize('ending', ['.jpg', '.JPG', ' .jpg.chip.jpg', 'jpg.chip.jpg', '.png'])
def test_complete_labels_are_enough(tmp_path, write_image, ending):
    write_image(tmp_path / name_of(30, 1, 2, 1, ending), (200, 200))
    (sample,) = [
        sample for split in ('train', 'validation') for sample in load_or_nothing(tmp_path, split)
    ]
    assert (GENDERS[sample.label], sample.groups) == ('female', {'age': 30, 'race': 2})


def load_or_nothing(folder, split):
    try:
        return load_samples('gender', folder, 0.0, split)
    except DatasetError:
        return []


@pytest.mark.parametrize('name', MALFORMED)
def test_a_bad_name_is_named_or_left_out(folder, write_image, recipe, name):
    write_image(folder / name, (200, 200))
    with pytest.raises(DatasetError, match=f'chips: {name}: '):
        load_task(recipe('gender'), folder)
    assert sum(map(len, load_task(recipe('gender'), folder, malformed='skip'))) == 35


def test_an_image_that_is_not_aligned_is_malformed(folder, write_image, recipe):
    write_image(folder / 'part1' / name_of(30, 1, 2, 77, '.jpg'), (300, 200))
    with pytest.raises(DatasetError, match='200x300, not square.*aligned and cropped'):
        load_task(recipe('gender'), folder)
    assert sum(map(len, load_task(recipe('gender'), folder, malformed='skip'))) == 35


def test_the_same_image_in_two_folders_counts_once(folder, recipe, caplog):
    again = folder / 'again'
    again.mkdir()
    for path in list((folder / '0').iterdir()):
        (again / path.name).write_bytes(path.read_bytes())
    with caplog.at_level('INFO'):
        assert sum(map(len, load_task(recipe('gender'), folder))) == 35
    assert '20 images of a name' in caplog.text


def test_nothing_but_malformed_names_is_no_data(tmp_path, write_image, recipe):
    write_image(tmp_path / 'me.jpg')
    with pytest.raises(DatasetError, match='holds no data for gender'):
        load_task(recipe('gender'), tmp_path, malformed='skip')
