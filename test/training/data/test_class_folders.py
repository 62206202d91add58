"""A folder per class: labels, splits, any size and colour, and unknown folders."""

import cv2
import numpy as np
import pytest

from face_perception.core.attributes.classifier import COLOR_CONVERSIONS
from face_perception.core.attributes.crops import crop_face
from face_perception.core.types import EMOTIONS, GENDERS
from face_perception.training.data import DatasetError, load_samples, load_task


@pytest.fixture
def emotions(tmp_path, write_image, names):
    """Return a folder with three images of each emotion, one of them held out."""
    for label, emotion in enumerate(EMOTIONS):
        for number, name in enumerate(names(3)):
            write_image(tmp_path / emotion / name, seed=10 * label + number)
    return tmp_path


def test_a_tenth_by_name_is_held_out(emotions, recipe, names):
    train, validation = load_task(recipe('emotion'), emotions)
    order = [EMOTIONS.index(name) for name in sorted(EMOTIONS)]
    assert train.labels.tolist() == [label for label in order for _ in range(2)]
    assert validation.labels.tolist() == order
    assert [sample.name for sample in load_samples('emotion', emotions, 0.0)] == [
        f'{emotion}/{names(3)[-1]}' for emotion in sorted(EMOTIONS)
    ]
    assert train.images.shape == (14, 48, 48, 1) and train.weights is None


@pytest.mark.parametrize(
    ('own', 'name'),
    [
        ('train', 'validation'),
        ('train', 'val'),
        ('train', 'test'),
        ('train', 'Val'),
        ('train', 'valid'),
        ('Training', 'Validation'),
    ],
)
def test_a_split_of_its_own_is_kept(tmp_path, write_image, recipe, own, name):
    for label, emotion in enumerate(EMOTIONS):
        for number in range(12):  # names that would be held out stay in training
            write_image(tmp_path / own / emotion / f'{number}.png', seed=20 * label + number)
        write_image(tmp_path / name / emotion / 'a.png', seed=20 * label + 15)
    train, validation = load_task(recipe('emotion'), tmp_path)
    assert (len(train), len(validation)) == (84, 7)
    samples = load_samples('emotion', tmp_path, 0.0)
    assert samples[2].name == f'{name}/fear/a.png' and samples[2].label == 2


@pytest.mark.parametrize('name', ['val', 'valid'])
def test_beside_a_validation_set_the_test_set_is_left_alone(tmp_path, write_image, recipe, name):
    for folder, seed in (('train', 0), (name, 10), ('test', 20)):
        for label, gender in enumerate(GENDERS):
            write_image(tmp_path / folder / gender / 'a.jpg', seed=seed + label)
    (tmp_path / 'test/female/broken.jpg').write_bytes(b'')
    train, validation = load_task(recipe('gender'), tmp_path)
    assert (len(train), len(validation)) == (2, 2)
    assert [sample.name for sample in load_samples('gender', tmp_path, 0.0)] == [
        f'{name}/female/a.jpg',
        f'{name}/male/a.jpg',
    ]
    tested = load_samples('gender', tmp_path, 0.0, split='test', malformed='skip')
    assert [sample.name for sample in tested] == ['test/female/a.jpg', 'test/male/a.jpg']


def test_training_images_alone_are_split_by_name(tmp_path, write_image, names, recipe):
    for number, name in enumerate(names(4)):
        write_image(tmp_path / 'train' / 'happy' / name, seed=number)
    train, validation = load_task(recipe('emotion'), tmp_path)
    assert (len(train), len(validation)) == (3, 1)
    assert len(load_samples('emotion', tmp_path, 0.0)) == 1


def test_the_private_half_of_a_copy_of_fer2013_is_only_to_test(tmp_path, write_image, recipe):
    write_image(tmp_path / 'train/sad/Training_1.jpg', seed=1)
    write_image(tmp_path / 'test/sad/PublicTest_2.jpg', seed=2)
    write_image(tmp_path / 'test/sad/PrivateTest_3.jpg', seed=3)
    write_image(tmp_path / 'train/sad/PrivateTest_4.jpg', seed=4)
    train, validation = load_task(recipe('emotion'), tmp_path)
    assert (len(train), len(validation)) == (1, 1)
    for split, name in (('validation', 'PublicTest_2'), ('test', 'PrivateTest_3')):
        samples = load_samples('emotion', tmp_path, 0.0, split=split)
        assert [sample.name for sample in samples] == [f'test/sad/{name}.jpg']


@pytest.mark.parametrize('size', [(48, 48), (200, 200), (120, 90), (31, 64)])
@pytest.mark.parametrize('color', ['gray', 'rgb'])
def test_what_is_trained_on_is_what_is_served(tmp_path, write_image, names, recipe, size, color):
    for number, name in enumerate(names(3)):
        image = write_image(tmp_path / 'female' / name, size, seed=number)
    made = recipe('gender', color=color, crop_margin=-0.05)
    _, validation = load_task(made, tmp_path)
    (sample,) = load_samples('gender', tmp_path, -0.05)
    np.testing.assert_array_equal(sample.image, image)
    served = cv2.cvtColor(crop_face(sample.image, sample.box, -0.05, 48), COLOR_CONVERSIONS[color])
    np.testing.assert_array_equal(validation.images[0], served.reshape(48, 48, -1))
    if size == (48, 48) and color == 'rgb':
        np.testing.assert_array_equal(served, image[..., ::-1])


def test_any_kind_of_image_is_read(tmp_path, images, recipe, names):
    kinds = [
        images(1, 60, 1, 1)[0],
        images(1, 60, 4, 2)[0],
        images(1, 60, 3, 3)[0].astype(np.uint16) * 257,
    ]
    (tmp_path / 'neutral/deeper').mkdir(parents=True)
    for image, name in zip(kinds, names(3), strict=True):
        cv2.imwrite(str(tmp_path / 'neutral/deeper' / name), image)
    train, validation = load_task(recipe('emotion'), tmp_path)
    assert train.labels.tolist() == [6, 6] and len(validation) == 1
    # 16 bits per channel lose their lower half, not their order of magnitude
    assert abs(int(validation.images.mean()) - kinds[2].mean() / 257) < 12


def test_copies_of_validation_images_are_left_out(emotions, recipe, names):
    held_out = emotions / 'angry' / names(3)[-1]
    (emotions / 'sad' / names(3)[0]).write_bytes(held_out.read_bytes())
    train, validation = load_task(recipe('emotion'), emotions)
    assert train.labels.tolist().count(4) == 1 and len(train) == 13


def test_genders_count_the_same(tmp_path, write_image, names, recipe):
    for gender, count in (('female', 3), ('male', 7)):
        for number, name in enumerate(names(count)):
            write_image(tmp_path / gender / name, seed=10 * count + number)
    train, validation = load_task(recipe('gender'), tmp_path)
    np.testing.assert_allclose(train.weights[train.labels == 0], 10 / (2 * 3), rtol=1e-6)
    np.testing.assert_allclose(train.weights[train.labels == 1], 10 / (2 * 7), rtol=1e-6)
    assert train.groups == {} and len(validation.weights) == 2


@pytest.mark.parametrize('where', ['anger', 'train/anger'])
def test_an_unknown_folder_is_named_or_left_out(tmp_path, write_image, names, recipe, where):
    root = tmp_path / 'train' if where.startswith('train') else tmp_path
    for number, name in enumerate(names(3)):
        write_image(root / 'happy' / name, seed=number)
    write_image(tmp_path / where / '1.png', seed=9)
    with pytest.raises(DatasetError, match=f'{where}: the folder is none of angry, disgust'):
        load_task(recipe('emotion'), tmp_path)
    train, _ = load_task(recipe('emotion'), tmp_path, malformed='skip')
    assert train.labels.tolist() == [3, 3]


def test_an_unknown_split_is_named(emotions, write_image, recipe):
    write_image(emotions / 'train/sad/1.png')
    write_image(emotions / 'val/sad/2.png', seed=1)
    with pytest.raises(DatasetError, match='angry: the folder is none of train'):
        load_task(recipe('emotion'), emotions)


def test_validation_without_training_is_refused(tmp_path, write_image, recipe):
    write_image(tmp_path / 'val/sad/2.png')
    with pytest.raises(DatasetError, match='no folder train beside val'):
        load_task(recipe('emotion'), tmp_path)


@pytest.mark.parametrize('content, message', [(b'', 'zero bytes'), (b'no image', 'decoded')])
def test_a_broken_image_is_named_or_left_out(emotions, recipe, names, content, message):
    (emotions / 'fear' / names(3)[0]).write_bytes(content)
    with pytest.raises(DatasetError, match=f'fear/{names(3)[0]}: .*{message}'):
        load_task(recipe('emotion'), emotions)
    train, _ = load_task(recipe('emotion'), emotions, malformed='skip')
    assert train.labels.tolist().count(2) == 1 and len(train) == 13


def test_other_files_are_passed_over(emotions, recipe):
    for name in ('.DS_Store', 'notes.txt', '._0.png'):
        (emotions / 'angry' / name).write_bytes(b'x')
    (emotions / '__MACOSX').mkdir()
    assert len(load_task(recipe('emotion'), emotions)[0]) == 14


def test_a_label_without_images_is_warned_of(emotions, recipe, caplog):
    for path in (emotions / 'disgust').iterdir():
        path.unlink()
    load_task(recipe('emotion'), emotions)
    assert 'no image to learn disgust from' in caplog.text
