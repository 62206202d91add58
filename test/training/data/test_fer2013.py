"""FER-2013 as .npz: labels, votes, copies, and what a damaged file says."""

import numpy as np
import pytest

from face_perception.core.attributes.crops import crop_face
from face_perception.core.types import EMOTIONS
from face_perception.training.data import DatasetError, fer2013, load_samples, load_task


def change(path, **arrays):
    """Replace arrays of an .npz file; ``None`` leaves one out."""
    with np.load(path) as file:
        content = {**dict(file), **arrays}
    np.savez(path, **{name: array for name, array in content.items() if array is not None})


def test_reads_images_and_labels(fer_folder):
    faces = fer2013.load_fer2013(fer_folder / fer2013.TRAIN_FILE)
    assert faces.images.shape == (42, 48, 48, 1) and faces.images.dtype == np.uint8
    assert faces.labels.tolist() == [index % 7 for index in range(42)]
    assert (faces.targets.argmax(axis=1) == faces.labels).all()


@pytest.mark.parametrize(
    'vote, emotion',
    [
        ('anger', 'angry'),
        ('disgust', 'disgust'),
        ('fear', 'fear'),
        ('happiness', 'happy'),
        ('sadness', 'sad'),
        ('surprise', 'surprise'),
        ('neutral', 'neutral'),
    ],
)
def test_votes_count_for_their_emotion(vote, emotion):
    votes = np.zeros((1, 10), dtype=np.uint8)
    votes[0, fer2013.VOTES.index(vote)] = 10
    targets = fer2013.mixed_targets(np.array([0]), votes, 1.0)
    assert EMOTIONS[targets[0].argmax()] == emotion


def test_targets_mix_label_and_votes():
    votes = np.zeros((2, 10), dtype=np.uint8)
    votes[0, fer2013.VOTES.index('neutral')] = 8
    targets = fer2013.mixed_targets(np.array([0, 3]), votes, 0.4)
    np.testing.assert_allclose(targets[0], [0.6, 0, 0, 0, 0, 0, 0.4], atol=1e-6)
    np.testing.assert_allclose(targets[1], np.eye(7)[3], atol=1e-6)  # no votes: label alone


def test_the_sets_are_those_of_the_files(fer_folder, recipe):
    train, public = load_task(recipe('emotion'), fer_folder)
    with np.load(fer_folder / fer2013.PUBLIC_FILE) as file:
        np.testing.assert_array_equal(public.images[..., 0], file['image'])
        np.testing.assert_array_equal(public.labels, file['emotion'])
    np.testing.assert_array_equal(public.targets, np.eye(7)[public.labels])  # no votes mixed in
    expected = fer2013.load_fer2013(fer_folder / fer2013.TRAIN_FILE, 0.4)
    keep = [index for index in range(42) if index not in (5, 20)]
    np.testing.assert_array_equal(train.images, expected.images[keep])
    np.testing.assert_array_equal(train.targets, expected.targets[keep])
    assert train.labels.dtype == np.int64 and train.targets.dtype == np.float32
    assert train.weights is None and list(train.groups) == ['not_a_face']


def test_training_leaves_out_copies_of_validation_images(fer_folder, recipe):
    train, public = load_task(recipe('emotion'), fer_folder)
    assert (len(train), len(public)) == (40, 14)
    known = {image.tobytes() for image in public.images}
    assert not any(image.tobytes() in known for image in train.images)


def test_training_leaves_out_what_voters_call_no_face(fer_folder, recipe):
    path = fer_folder / fer2013.TRAIN_FILE
    votes = fer2013._read_arrays(path)[2]
    votes[0] = [0] * 9 + [10]
    change(path, ferplus_votes=votes)
    train, _ = load_task(recipe('emotion'), fer_folder)
    assert len(train) == 39


@pytest.mark.parametrize('size, color, channels', [(64, 'gray', 1), (48, 'rgb', 3)])
def test_images_take_the_size_and_colours_of_the_recipe(fer_folder, recipe, size, color, channels):
    _, public = load_task(recipe('emotion', input_size=size, color=color), fer_folder)
    assert public.images.shape == (14, size, size, channels)
    plain = load_task(recipe('emotion'), fer_folder)[1].images.astype(int)
    assert np.abs(public.images.mean(axis=(1, 2, 3)) - plain.mean(axis=(1, 2, 3))).max() < 1


@pytest.mark.parametrize('margin', [-0.1, 0.0, 0.02, 0.2])
def test_the_crop_of_a_sample_is_the_whole_image(fer_folder, margin):
    samples = load_samples('emotion', fer_folder, margin)
    with np.load(fer_folder / fer2013.PUBLIC_FILE) as file:
        for sample, image in zip(samples, file['image'], strict=True):
            crop = crop_face(sample.image, sample.box, margin, 48)
            np.testing.assert_array_equal(crop, np.repeat(image[..., np.newaxis], 3, axis=2))
    assert samples[3].name == 'fer2013_public.npz, image 3 (the first is 0)'
    assert samples[3].groups == {}


def test_either_file_stands_for_the_folder(fer_folder):
    from_file = load_samples('emotion', fer_folder / fer2013.PUBLIC_FILE, 0.0)
    assert [sample.label for sample in from_file] == [index % 7 for index in range(14)]


def test_measuring_needs_no_training_file(fer_folder, recipe):
    (fer_folder / fer2013.TRAIN_FILE).unlink()
    assert len(load_samples('emotion', fer_folder, 0.0)) == 14
    with pytest.raises(DatasetError, match='fer2013_train.npz does not exist'):
        load_task(recipe('emotion'), fer_folder)


@pytest.mark.parametrize(
    'content',
    [
        {'emotion': None},
        {'image': np.zeros((42, 32, 32), np.uint8)},
        {'image': np.zeros((41, 48, 48), np.uint8)},
        {'image': np.zeros((42, 48, 48), np.float32)},
        {'emotion': np.zeros(42, np.float32)},
        {'emotion': np.int8(3)},
    ],
    ids=['no labels', 'wrong size', 'wrong count', 'wrong type', 'no integers', 'one label'],
)
def test_a_file_of_another_shape_is_refused(fer_folder, recipe, content):
    change(fer_folder / fer2013.TRAIN_FILE, **content)
    for malformed in ('stop', 'skip'):
        with pytest.raises(DatasetError, match='fer2013_train.npz'):
            load_task(recipe('emotion'), fer_folder, malformed)


def test_a_label_out_of_range_is_named_or_left_out(fer_folder, recipe):
    labels = (np.arange(42) % 7).astype(np.int8)
    labels[11] = 7
    change(fer_folder / fer2013.TRAIN_FILE, emotion=labels)
    with pytest.raises(DatasetError, match=r'fer2013_train.npz, image 11 .*label 7'):
        load_task(recipe('emotion'), fer_folder)
    with pytest.raises(DatasetError, match='label 7'):
        fer2013.load_fer2013(fer_folder / fer2013.TRAIN_FILE)
    train, _ = load_task(recipe('emotion'), fer_folder, malformed='skip')
    assert len(train) == 39


@pytest.mark.parametrize('content', [b'not a zip', b'', b'PK\x03\x04 cut'])
def test_a_file_of_another_kind_is_refused(fer_folder, recipe, content):
    (fer_folder / fer2013.PUBLIC_FILE).write_bytes(content)
    with pytest.raises(DatasetError, match='fer2013_public.npz cannot be read'):
        load_task(recipe('emotion'), fer_folder)
