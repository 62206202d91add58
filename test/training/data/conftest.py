"""Recipes without PyTorch, and small files in the forms of the published data sets."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from face_perception.training.data.entries import is_held_out


@pytest.fixture
def recipe():
    """Return the function that makes what a loader wants to know of a recipe."""

    def make(task, **changes):
        values = {
            'task': task,
            'color': {'emotion': 'gray', 'gender': 'rgb'}[task],
            'crop_margin': 0.02,
            'input_size': 48,
            'votes_weight': 0.4,
            'balance_sources': 0.0,
            'balance_ages': 0.0,
            'balance_labels': 0.0,
            'source_weights': {},
            'distillation': 0.0,
        }
        return SimpleNamespace(**{**values, **changes})

    return make


@pytest.fixture
def write_image(images):
    """Return the function that writes a colour image of soft blobs and returns its pixels."""

    def write(path, size=(48, 48), seed=0):
        height, width = size
        image = cv2.resize(images(1, 48, 3, seed)[0], (width, height))
        path.parent.mkdir(parents=True, exist_ok=True)
        encoded = cv2.imencode('.png' if path.suffix == '.png' else '.jpg', image)[1]
        path.write_bytes(encoded.tobytes())
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR)

    return write


@pytest.fixture
def names():
    """Return the function that makes file names of which the last is held out."""

    def make(count, pattern='{}.png'):
        every = [pattern.format(number) for number in range(200)]
        train = [name for name in every if not is_held_out(name)]
        return [*train[: count - 1], next(name for name in every if is_held_out(name))]

    return make


@pytest.fixture
def fer_rows(images):
    """Return rows (emotion, pixels, Usage) of 14 training, 7 public and 7 private images."""
    usages = ['Training'] * 14 + ['PublicTest'] * 7 + ['PrivateTest'] * 7
    faces = images(28, 48, 1, 5)[..., 0]
    return [
        [str(number % 7), ' '.join(map(str, face.ravel())), usage]
        for number, (face, usage) in enumerate(zip(faces, usages, strict=True))
    ]


@pytest.fixture
def gray_of():
    """Return the function that turns a row of FER-2013 into pixels ``[48, 48]``."""
    return lambda row: np.array(row[1].split(), dtype=np.uint8).reshape(48, 48)
