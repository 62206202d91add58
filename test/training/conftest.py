"""Small data sets made on the spot; no image of a real face is needed."""

import csv
import io
import zipfile

import cv2
import numpy as np
import pytest


def smooth_images(count, size, channels, seed):
    """Return uint8 ``[count, size, size, channels]`` of random soft blobs."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 6, 6, channels), dtype=np.uint8)
    return np.stack(
        [cv2.resize(image, (size, size)).reshape(size, size, channels) for image in coarse]
    )


@pytest.fixture
def images():
    """Return the function that draws random soft blobs."""
    return smooth_images


def write_fer(folder):
    """Write both splits of a tiny FER-2013; two images are in both."""
    random = np.random.default_rng(0)
    train, public = smooth_images(42, 48, 1, 1)[..., 0], smooth_images(14, 48, 1, 2)[..., 0]
    train[5], train[20] = public[3], public[9]
    for name, images in (('train', train), ('public', public)):
        votes = random.integers(0, 5, (len(images), 10)).astype(np.uint8)
        votes[:, 9] = 0
        np.savez(
            folder / f'fer2013_{name}.npz',
            image=images,
            ferplus_votes=votes,
            emotion=(np.arange(len(images)) % 7).astype(np.int8),
        )


def write_utkface(folder):
    """Write a tiny UTKFace: 60 chips, ages 4, 8, 12, ... years."""
    index = io.StringIO()
    writer = csv.writer(index)
    writer.writerow(['file', 'age', 'gender', 'race'])
    with zipfile.ZipFile(folder / 'utkface_train.zip', 'w') as archive:
        for number, image in enumerate(smooth_images(60, 96, 3, 3)):
            name = f'images/{number:04d}.png'
            archive.writestr(name, cv2.imencode('.png', image)[1].tobytes())
            writer.writerow([name, 4 * (number % 20 + 1), number % 2, number % 5])
        archive.writestr('index.csv', index.getvalue())


@pytest.fixture
def fer_folder(tmp_path):
    """Return a folder with a tiny FER-2013."""
    write_fer(tmp_path)
    return tmp_path


@pytest.fixture
def utkface_folder(tmp_path):
    """Return a folder with a tiny UTKFace."""
    write_utkface(tmp_path)
    return tmp_path


@pytest.fixture(scope='session')
def data_folder(tmp_path_factory):
    """Return a folder with both, for tests that only read them."""
    folder = tmp_path_factory.mktemp('data')
    write_fer(folder)
    write_utkface(folder)
    return folder


@pytest.fixture(scope='session')
def quick_recipe():
    """Return the settings of a run that takes a second; not to be changed."""
    return {
        'task': 'emotion',
        'color': 'gray',
        'crop_margin': 0.02,
        'epochs': 3,
        'batch_size': 8,
        'seed': 7,
    }


@pytest.fixture
def recipe_values(quick_recipe):
    """Return a copy of these settings."""
    return dict(quick_recipe)


@pytest.fixture
def one_thread():
    """Let PyTorch compute on one thread, so that two runs round alike."""
    torch = pytest.importorskip('torch')
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
