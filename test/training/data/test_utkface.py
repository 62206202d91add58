"""UTKFace as .zip: the gender flip, the split, the weights, and what a damaged file says."""

import csv
import io
import zipfile

import numpy as np
import pytest

from face_perception.core.types import GENDERS
from face_perception.training.data import DatasetError, load_samples, load_task, utkface
from face_perception.training.data.datasets import balancing_weights
from face_perception.training.data.entries import is_held_out

MARGIN = -0.05
HELD_OUT = [5, 22, 42, 56]
HEADER = 'file,age,gender,race\n'


@pytest.fixture
def chips(utkface_folder):
    return list(utkface.read_chips(utkface_folder / utkface.FILE))


def test_number_zero_means_male(chips):
    assert [GENDERS[chip.gender] for chip in chips[:4]] == ['male', 'female', 'male', 'female']


def test_labels_follow_the_order_of_the_outputs(utkface_folder, chips, recipe):
    train, validation = load_task(recipe('gender'), utkface_folder)
    expected = [chip.gender for chip in chips if chip.age >= 10 and not chip.held_out]
    assert train.labels.tolist() == expected
    assert (train.targets.argmax(axis=1) == train.labels).all()


def test_splits_by_name_and_leaves_small_children_out(utkface_folder, chips, recipe):
    train, validation = load_task(recipe('gender'), utkface_folder)
    assert len(train) + len(validation) == sum(chip.age >= 10 for chip in chips) < len(chips)
    assert min(train.groups['age'].min(), validation.groups['age'].min()) >= 10
    assert len(validation) == sum(chip.held_out and chip.age >= 10 for chip in chips) > 0


def test_unpacked_it_is_the_same(utkface_folder, tmp_path, recipe):
    with zipfile.ZipFile(utkface_folder / utkface.FILE) as archive:
        archive.extractall(tmp_path / 'unpacked')
    packed, unpacked = (
        load_task(recipe('gender'), path) for path in (utkface_folder, tmp_path / 'unpacked')
    )
    for one, other in zip(packed, unpacked, strict=True):
        assert len(one) and set(one.sources) == set(other.sources) == {'UTKFace'}
        assert one.labels.tolist() == other.labels.tolist()
        assert np.array_equal(one.images, other.images)


def test_the_split_never_changes():
    held_out = [number for number in range(60) if is_held_out(f'images/{number:04d}.webp')]
    assert held_out == [number for number in range(60) if is_held_out(f'{number:04d}.png')]
    # Trained networks have seen the others: another split would flatter them.
    assert held_out == HELD_OUT
    shares = np.mean([is_held_out(f'{number}.webp') for number in range(5000)])
    assert shares == pytest.approx(0.1, abs=0.02)


def test_samples_are_the_validation_set(utkface_folder, chips, recipe):
    _, validation = load_task(recipe('gender', crop_margin=MARGIN), utkface_folder)
    samples = load_samples('gender', utkface_folder, MARGIN)
    assert [sample.label for sample in samples] == validation.labels.tolist()
    expected = [chip for chip in chips if chip.held_out and chip.age >= 10]
    assert [sample.groups for sample in samples] == [
        {'age': chip.age, 'race': chip.race} for chip in expected
    ]
    assert [sample.name for sample in samples] == [chip.name for chip in expected]
    box = samples[0].box
    assert (*box.center, box.width) == pytest.approx((0.48 * 96, 0.45 * 96, 1.0 * 96))
    assert len(load_samples('gender', utkface_folder, MARGIN, split='train')) + len(samples) == sum(
        chip.age >= 10 for chip in chips
    )


def test_genders_count_the_same_at_every_age(utkface_folder, recipe):
    labels, groups = np.array([0, 1, 1, 1, 0, 0]), np.array([0, 0, 0, 0, 1, 1])
    weights = balancing_weights(labels, groups)
    np.testing.assert_allclose(weights, [2, 2 / 3, 2 / 3, 2 / 3, 1, 1], rtol=1e-6)
    assert weights.mean() == pytest.approx(1)
    sets = load_task(recipe('gender'), utkface_folder)
    ages, labels, weights = (
        np.concatenate(arrays)
        for arrays in zip(
            *((faces.groups['age'], faces.labels, faces.weights) for faces in sets), strict=True
        )
    )
    for low, high in ((10, 20), (20, 30), (60, 70), (70, 120)):
        inside = (ages >= low) & (ages < high)
        female, male = (weights[inside & (labels == label)].sum() for label in (0, 1))
        assert female == pytest.approx(male) and female > 0


def test_gray_canvases_have_one_channel(utkface_folder, recipe):
    train, _ = load_task(recipe('gender', color='gray'), utkface_folder)
    assert train.images.shape[1:] == (64, 64, 1)


def test_the_file_itself_is_read_too(utkface_folder, recipe):
    path = utkface_folder / utkface.FILE
    path.rename(path.with_name('faces.zip'))
    assert len(load_samples('gender', path.with_name('faces.zip'), MARGIN)) > 0


def rewrite(path, name, content=None, row=None):
    """Replace (or drop) a file of the archive and change values of its row in the index."""
    with zipfile.ZipFile(path) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    files.pop(name)
    if content is not None:
        files[name] = content
    rows = list(csv.DictReader(io.StringIO(files['index.csv'].decode())))
    rows = [{**entry, **(row or {})} if entry['file'] == name else entry for entry in rows]
    index = io.StringIO()
    writer = csv.DictWriter(index, ['file', 'age', 'gender', 'race'])
    writer.writeheader()
    writer.writerows(rows)
    files['index.csv'] = index.getvalue().encode()
    with zipfile.ZipFile(path, 'w') as archive:
        for entry, data in files.items():
            archive.writestr(entry, data)


@pytest.mark.parametrize(
    'content, row, message',
    [
        (None, {}, 'missing'),
        (b'', {}, 'zero bytes'),
        (b'no image', {}, 'cannot be decoded'),
        (b'x', {'age': 'old'}, 'age old'),
        (b'x', {'gender': '2'}, 'gender 2'),
        (b'x', {'race': '5'}, 'race 5'),
        (b'x', {'age': '-3'}, 'age -3'),
        ('oblong', {}, '96x50'),
    ],
)
def test_a_broken_row_is_named_or_left_out(
    utkface_folder, images, recipe, content, row, message, write_image
):
    name = next(
        f'images/{number:04d}.png'
        for number in range(30, 60)
        if not is_held_out(f'{number:04d}') and number % 20 > 5
    )
    if content == 'oblong':
        write_image(utkface_folder / 'oblong.png', (50, 96))
        content = (utkface_folder / 'oblong.png').read_bytes()
    complete = sum(map(len, load_task(recipe('gender'), utkface_folder)))
    rewrite(utkface_folder / utkface.FILE, name, content, row)
    with pytest.raises(DatasetError, match=f'utkface.*{name}.*{message}'):
        load_task(recipe('gender'), utkface_folder / utkface.FILE)
    sets = load_task(recipe('gender'), utkface_folder, malformed='skip')
    assert sum(map(len, sets)) == complete - 1


@pytest.mark.parametrize(
    'files, message',
    [
        ({}, 'no index.csv; if it holds a folder per class, unpack it'),
        ({'index.csv': HEADER}, 'no usable image'),
        ({'index.csv': 'file,age\nimages/0.png,20\n'}, 'no column gender or race'),
        ({'index.csv': HEADER + 'images/0.png,20\n'}, 'not all numbers'),
        ({'index.csv': b'\xff\xff'}, 'cannot be read'),
    ],
    ids=['no index', 'no row', 'no column', 'short row', 'no text'],
)
def test_a_malformed_file_is_refused(tmp_path, recipe, files, message):
    with zipfile.ZipFile(tmp_path / utkface.FILE, 'w') as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(DatasetError, match=message):
        load_task(recipe('gender'), tmp_path)


def test_faces_too_young_are_no_data(tmp_path, recipe):
    with zipfile.ZipFile(tmp_path / utkface.FILE, 'w') as archive:
        archive.writestr('index.csv', HEADER + 'images/0.png,9,1,0\n')
    with pytest.raises(DatasetError, match='no usable image for train'):
        load_task(recipe('gender'), tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path, recipe):
    (tmp_path / utkface.FILE).write_bytes(b'not a zip')
    with pytest.raises(DatasetError, match='cannot be read'):
        load_task(recipe('gender'), tmp_path)
