"""Augmented samples: boxes follow the faces through every change, and repeat with the seed."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection.augmentation import (  # noqa: E402
    DetectorAugmentation,
    augmented_sample,
)
from face_perception.training.detection.distractors import (  # noqa: E402
    _letter,
    _sign,
    _wheel,
)
from face_perception.training.detection.scenes import read_scenes  # noqa: E402

#: Only geometry, so that faces stay bright on dark.
GEOMETRY = DetectorAugmentation(
    brightness=0,
    contrast=0,
    colour=0,
    dark=0,
    gray=0,
    blur=0,
    noise=0,
    jpeg=0,
    ignored_below=8,
    largest_face=0.5,
)


@pytest.fixture
def scenes(scenes_folder):
    return read_scenes(scenes_folder / 'scenes.zip')


@pytest.mark.parametrize(
    'change',
    [
        {'mosaic': 0, 'tilt': 0, 'flip': 0},
        {'mosaic': 0, 'tilt': 0, 'flip': 1},
        {'mosaic': 0, 'tilt': 1, 'flip': 0.5},
        {'mosaic': 1, 'tilt': 0, 'flip': 0.5},
        {'mosaic': 0, 'tilt': 0, 'flip': 0.5, 'stretch': 0.4},
        {'mosaic': 0, 'tilt': 1, 'flip': 0.5, 'stretch': 0.4},
    ],
)
def test_boxes_lie_where_the_faces_are(scenes, change):
    how, counted = replace(GEOMETRY, **change), 0
    for seed in range(40):
        sample = augmented_sample(scenes, seed % len(scenes), 128, how, np.random.default_rng(seed))
        assert sample.image.shape == (128, 128, 3) and len(sample.boxes) == len(sample.ignored)
        for x1, y1, x2, y2 in sample.boxes[~sample.ignored]:
            assert 0 <= x1 < x2 <= 128 and 0 <= y1 < y2 <= 128
            if min(x1, y1) < 2 or max(x2, y2) > 126:
                continue
            # Skin has more red than blue; background and eyes have no such colour.
            patch = sample.image[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1].astype(int)
            skin = patch[..., 2] - patch[..., 0] > 40
            rows, columns = np.flatnonzero(skin.any(1)), np.flatnonzero(skin.any(0))
            assert len(rows) and rows[-1] - rows[0] > 0.75 * (y2 - y1)
            assert columns[-1] - columns[0] > 0.75 * (x2 - x1)
            counted += 1
    assert counted > 20


def test_the_same_seed_gives_the_same_view(scenes):
    one, same, other = (
        augmented_sample(scenes, 0, 96, DetectorAugmentation(), np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.boxes, same.boxes)
    assert not np.array_equal(one.image, other.image)


def test_small_and_invalid_faces_are_ignored(scenes):
    for seed in range(30):
        how = replace(GEOMETRY, ignored_below=30, mosaic=0)
        sample = augmented_sample(scenes, seed % 4, 128, how, np.random.default_rng(seed))
        heights = sample.boxes[:, 3] - sample.boxes[:, 1]
        assert sample.ignored[heights < 30].all()
    sample = augmented_sample(scenes, 7, 128, replace(GEOMETRY, mosaic=0), np.random.default_rng(0))
    assert sample.ignored.all()


def test_a_gray_view_has_no_colour(scenes):
    sample = augmented_sample(
        scenes, 0, 96, DetectorAugmentation(gray=1.0, noise=0, jpeg=0), np.random.default_rng(1)
    )
    assert (sample.image[..., 0] == sample.image[..., 2]).all()


def test_covered_faces_keep_their_boxes(scenes):
    plain = replace(GEOMETRY, mosaic=0, tilt=0, flip=0, smallest_face=60, largest_face=0.8)
    covered = replace(plain, cover=1.0)
    changed = 0
    for seed in range(20):
        one, other = (
            augmented_sample(scenes, 1, 128, how, np.random.default_rng(seed))
            for how in (plain, covered)
        )
        np.testing.assert_array_equal(one.boxes, other.boxes)
        different = (one.image != other.image).any(axis=2)
        changed += different.any()
        rows, columns = np.nonzero(different)
        for row, column in zip(
            rows[::50], columns[::50]
        ):  # only on a face or beside it, where an arm is
            slack = 1.0 * (one.boxes[:, 2:] - one.boxes[:, :2])
            inside = (one.boxes[:, :2] - slack <= (column, row)).all(axis=1) & (
                one.boxes[:, 2:] + slack >= (column, row)
            ).all(axis=1)
            assert inside.any()
    assert changed >= 15


def test_distractors_are_drawn_between_the_faces(scenes):
    plain = replace(GEOMETRY, mosaic=0, tilt=0)
    changed = 0
    for seed in range(40):
        one, other = (
            augmented_sample(
                scenes,
                seed % len(scenes),
                128,
                replace(plain, distract=chance),
                np.random.default_rng(seed),
            )
            for chance in (0.0, 1.0)
        )
        np.testing.assert_array_equal(one.boxes, other.boxes)
        different = (one.image != other.image).any(axis=2)
        changed += different.any()
        for x1, y1, x2, y2 in one.boxes:
            assert not different[int(np.ceil(y1)) : int(y2), int(np.ceil(x1)) : int(x2)].any()
    assert changed > 25


@pytest.mark.parametrize('draw', [_wheel, _sign, _letter])
def test_a_distractor_is_about_as_large_as_asked(draw):
    for seed in range(20):
        image = np.full((200, 200, 3), (60, 190, 60), np.uint8)
        draw(image, np.array([100.0, 100.0]), 40.0, np.random.default_rng(seed))
        rows = np.flatnonzero((image != (60, 190, 60)).any(axis=(1, 2)))
        assert 15 < np.ptp(rows) < 120
        assert abs(rows.mean() - 100) < 40
