"""Finding out what a path holds, and what is said of malformed data."""

import logging
import subprocess
import sys

import pytest

from face_perception.training import data
from face_perception.training.data import DatasetError, load_samples, load_task
from face_perception.training.data.datasets import split_for_calibration


@pytest.mark.parametrize(
    'task, known',
    [
        (
            'emotion',
            [
                'fer2013_train.npz and fer2013_public.npz',
                'fer2013.csv or icml_face_data.csv',
                'fer2013new.csv',
                'a folder per class (angry, disgust',
            ],
        ),
        (
            'gender',
            [
                'utkface_train.zip',
                'imdb.mat or wiki.mat',
                'a folder per class (female, male)',
                '[age]_[gender]_[race]_[date&time].jpg',
            ],
        ),
    ],
)
def test_an_unknown_folder_is_refused_with_the_known_forms(tmp_path, recipe, task, known):
    (tmp_path / 'holiday').mkdir()
    (tmp_path / 'notes.txt').write_text('x')
    for malformed in ('stop', 'skip'):
        with pytest.raises(DatasetError) as caught:
            load_task(recipe(task), tmp_path, malformed)
        assert all(text in str(caught.value) for text in [*known, 'it holds holiday, notes.txt'])


def test_an_empty_folder_and_an_unknown_file_are_refused(tmp_path, recipe):
    with pytest.raises(DatasetError, match='it is empty'):
        load_task(recipe('gender'), tmp_path)
    (tmp_path / 'notes.txt').write_text('x')
    with pytest.raises(DatasetError, match=r'notes.txt holds no data for gender'):
        load_samples('gender', tmp_path / 'notes.txt', 0.0)


@pytest.mark.parametrize('malformed', ['stop', 'skip'])
def test_a_path_that_is_not_there_is_named(tmp_path, recipe, malformed):
    with pytest.raises(DatasetError, match='nowhere does not exist'):
        load_task(recipe('emotion'), tmp_path / 'nowhere', malformed)


def test_one_folder_may_hold_the_data_of_both_tasks(fer_folder, utkface_folder, recipe):
    assert fer_folder == utkface_folder
    assert load_task(recipe('emotion'), fer_folder)[0].targets.shape[1] == 7
    assert load_task(recipe('gender'), fer_folder)[0].targets.shape[1] == 2


@pytest.fixture
def broken(tmp_path, write_image, names):
    """Return a folder in which eight of ten training images are broken."""
    for number, name in enumerate(names(11)):
        write_image(tmp_path / 'happy' / name, seed=number)
        if 2 <= number < 10:
            (tmp_path / 'happy' / name).write_bytes(b'broken')
    return tmp_path


def test_skipping_warns_of_the_first_and_counts_all(broken, recipe, caplog):
    train, validation = load_task(recipe('emotion'), broken, malformed='skip')
    assert (len(train), len(validation)) == (2, 1)
    loader = 'face_perception.training.data'
    assert all(record.name.startswith(loader) for record in caplog.records)
    warnings = [
        record.getMessage() for record in caplog.records if record.levelno == logging.WARNING
    ]
    described = [text for text in warnings if 'cannot be decoded; left out' in text]
    assert len(described) == 5 and all(f'{broken}: happy/' in text for text in described)
    assert f'{broken}: malformed and left out: 8' in warnings


def test_stopping_is_the_default(broken, recipe):
    with pytest.raises(DatasetError, match='cannot be decoded'):
        load_task(recipe('emotion'), broken)
    assert len(load_samples('emotion', broken, 0.0)) == 1  # none of its images is broken


def test_nothing_left_is_an_error(broken, recipe):
    for path in broken.rglob('*.png'):
        path.write_bytes(b'')
    with pytest.raises(DatasetError, match='no usable image for train'):
        load_task(recipe('emotion'), broken, malformed='skip')
    with pytest.raises(DatasetError, match='no usable image for validation: .* a column split'):
        load_samples('emotion', broken, 0.0, malformed='skip')


def test_nothing_but_copies_is_an_error(tmp_path, write_image, names, recipe):
    for name in names(3):
        write_image(tmp_path / 'happy' / name, seed=1)
    with pytest.raises(DatasetError, match='no usable image for train beside'):
        load_task(recipe('emotion'), tmp_path)


def test_copies_are_left_out_of_a_gender_training_too(tmp_path, write_image, names, recipe):
    for gender in ('female', 'male'):
        for number, name in enumerate(names(6, gender + '_{}.png')):
            seed = {'male_': 50}.get(name[:5], 0) + number
            write_image(tmp_path / gender / name, seed=5 if name.startswith('female_0.') else seed)
    train, validation = load_task(recipe('gender'), tmp_path)
    assert (len(train), len(validation)) == (9, 2)
    assert not set(train.digests.tolist()) & set(validation.digests.tolist())
    assert train.labels.tolist().count(0) == 4 and len(train.weights) == 9


def test_a_split_that_a_form_has_not_is_an_error(fer_folder):
    with pytest.raises(DatasetError, match='no usable image for test'):
        load_samples('emotion', fer_folder, 0.0, split='test')


def test_a_slip_of_the_caller_is_no_fault_of_the_data(fer_folder, recipe):
    with pytest.raises(ValueError, match='stop'):
        load_task(recipe('emotion'), fer_folder, malformed='ignore')
    with pytest.raises(ValueError, match='validation'):
        load_samples('emotion', fer_folder, 0.0, split='valid')


def test_a_warning_is_only_given_where_a_label_is_missing(fer_folder, recipe, caplog):
    load_task(recipe('emotion'), fer_folder)
    assert not caplog.records


def test_the_package_offers_what_it_documents():
    for name in ('FaceSet', 'DatasetError', 'Sample', 'one_hot', 'load_task', 'load_samples'):
        assert name in data.__all__ and hasattr(data, name)


def test_reading_data_needs_no_training_framework():
    script = (
        'import sys; import face_perception.training.data; '
        'print({"torch", "yaml", "scipy", "onnx"} & set(sys.modules))'
    )
    done = subprocess.run(
        [sys.executable, '-c', script],
        capture_output=True,
        text=True,
        check=True,
        env={'PYTHONPATH': ':'.join(filter(None, sys.path))},
    )
    assert done.stdout.strip() == 'set()'


def test_what_calibrates_is_not_learned_from(fer_folder, recipe):
    train, _ = load_task(recipe('emotion'), fer_folder)
    learned, kept_back = split_for_calibration(train, 0.3)
    assert len(learned) + len(kept_back) == len(train) and 3 < len(kept_back) < 25
    both = {image.tobytes() for image in learned.images} & {
        image.tobytes() for image in kept_back.images
    }
    assert not both
    again = split_for_calibration(train, 0.3)[1]
    assert [image.tobytes() for image in again.images] == [
        image.tobytes() for image in kept_back.images
    ]
    assert len(split_for_calibration(train, 0.0)[1]) == 0


def test_weights_that_leave_nothing_to_learn_from_are_refused(fer_folder, recipe):
    nothing = recipe('emotion', source_weights={'FER-2013': 0.0})
    with pytest.raises(DatasetError, match='source_weights of the recipe are 0'):
        load_task(nothing, fer_folder)
