"""Reading FER-2013: labels, votes, copies, and what a damaged file says."""

import numpy as np
import pytest

from face_perception.core.crops import crop_face
from face_perception.core.types import EMOTIONS
from face_perception.training import fer2013
from face_perception.training.datasets import DatasetError


def test_reads_pictures_and_labels(fer_folder):
    faces = fer2013.load_fer2013(fer_folder / fer2013.TRAIN_FILE)
    assert faces.images.shape == (42, 48, 48, 1) and faces.images.dtype == np.uint8
    assert faces.labels.tolist() == [index % 7 for index in range(42)]
    assert (faces.targets.argmax(axis=1) == faces.labels).all()


@pytest.mark.parametrize('vote, emotion', [
    ('anger', 'angry'), ('disgust', 'disgust'), ('fear', 'fear'), ('happiness', 'happy'),
    ('sadness', 'sad'), ('surprise', 'surprise'), ('neutral', 'neutral')])
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


def test_training_leaves_out_copies_of_validation_pictures(fer_folder):
    train, public = fer2013.load_emotion(fer_folder, 0.4)
    assert (len(train), len(public)) == (40, 14)
    known = {image.tobytes() for image in public.images}
    assert not any(image.tobytes() in known for image in train.images)


def test_training_leaves_out_what_voters_call_no_face(fer_folder):
    path = fer_folder / fer2013.TRAIN_FILE
    with np.load(path) as file:
        content = dict(file)
    content['ferplus_votes'][0] = 0
    content['ferplus_votes'][0, 9] = 10
    np.savez(path, **content)
    train, _ = fer2013.load_emotion(fer_folder, 0.4)
    assert len(train) == 39


@pytest.mark.parametrize('margin', [-0.1, 0.0, 0.02, 0.2])
def test_the_crop_of_the_face_box_is_the_whole_picture(pictures, margin):
    picture = pictures(1, 48, 1, 0)[0, ..., 0]
    crop = crop_face(picture, fer2013.face_box(margin), margin, 48)
    np.testing.assert_array_equal(crop, picture)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match='fer2013_public.npz does not exist'):
        fer2013.load_emotion(tmp_path, 0.4)


@pytest.mark.parametrize('content', [
    {},
    {'image': np.zeros((2, 48, 48), np.uint8)},
    {'image': np.zeros((2, 32, 32), np.uint8)},
    {'image': np.zeros((3, 48, 48), np.uint8)},
    {'image': np.zeros((2, 48, 48), np.float32)},
    {'emotion': np.array([0, 7], np.int8)},
], ids=['no key', 'no labels', 'wrong size', 'wrong count', 'wrong type', 'unknown label'])
def test_a_malformed_file_is_refused(tmp_path, content):
    good = {'image': np.zeros((2, 48, 48), np.uint8), 'emotion': np.zeros(2, np.int8),
            'ferplus_votes': np.zeros((2, 10), np.uint8)}
    path = tmp_path / 'file.npz'
    complete = len(content) == 1 and not (
        'image' in content and content['image'].shape == (2, 48, 48)
        and content['image'].dtype == np.uint8)
    np.savez(path, **({**good, **content} if complete else content))
    with pytest.raises(DatasetError, match='file.npz'):
        fer2013.load_fer2013(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / 'file.npz'
    path.write_bytes(b'not a zip')
    with pytest.raises(DatasetError, match='cannot be read'):
        fer2013.load_fer2013(path)
