"""Each degradation does to an image what its name says, always the same, and relative to it."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

pytest.importorskip('torchmetrics', reason='training needs the extra "train" (TorchMetrics)')

from face_perception.core.attributes.crops import crop_face  # noqa: E402
from face_perception.core.types import Box  # noqa: E402
from face_perception.training import robustness  # noqa: E402
from face_perception.training.data import Sample  # noqa: E402
from face_perception.training.robustness import DEGRADATIONS  # noqa: E402

BY_NAME = {entry.name: entry for entry in DEGRADATIONS}


def sample_of(image, label=0):
    """Return a sample whose face fills ``image``."""
    height, width = image.shape[:2]
    return Sample(image, Box(0, 0, width, height), label, {}, 'made up')


@pytest.fixture
def faces(images):
    return [sample_of(image) for image in images(4, 48, 3, 0)]


def flat(size, value):
    return sample_of(np.full((size, size, 3), value, dtype=np.uint8))


def degraded(name, sample):
    return next(BY_NAME[name].applied([sample]))


def test_names_are_unique_and_every_family_has_strengths():
    assert len(BY_NAME) == len(DEGRADATIONS)
    families = [entry.family for entry in DEGRADATIONS]
    assert all(2 <= families.count(family) <= 3 for family in families)


@pytest.mark.parametrize('name', BY_NAME)
def test_each_changes_the_sample_and_leaves_the_original_alone(faces, name):
    before = [sample.image.copy() for sample in faces]
    changed = list(BY_NAME[name].applied(faces))
    for sample, image, result in zip(faces, before, changed):
        np.testing.assert_array_equal(sample.image, image)
        assert result.image.shape == image.shape and result.image.dtype == np.uint8
        assert (result.label, result.name) == (sample.label, sample.name)
        assert (result.box != sample.box) == name.startswith('box_jitter')
        assert (result.image != image).any() == (not name.startswith('box_jitter'))


@pytest.mark.parametrize('name', BY_NAME)
def test_each_is_deterministic(faces, name):
    for first, second in zip(BY_NAME[name].applied(faces), BY_NAME[name].applied(faces)):
        np.testing.assert_array_equal(first.image, second.image)
        assert first.box == second.box


@pytest.mark.parametrize('family', sorted({entry.family for entry in DEGRADATIONS}))
def test_strengths_go_from_weak_to_strong(faces, family):
    def change(entry):
        results = list(entry.applied(faces))
        shown = [crop_face(result.image, result.box, 0, 48) for result in results]
        return np.mean(
            [
                np.abs(image.astype(float) - sample.image).mean()
                for image, sample in zip(shown, faces)
            ]
        )

    changes = [change(entry) for entry in DEGRADATIONS if entry.family == family]
    assert all(weak < strong for weak, strong in pairwise(changes))


@pytest.mark.parametrize(
    'name', ['gaussian_blur_4', 'motion_blur_20', 'low_resolution_16', 'rotation_30', 'jpeg_20']
)
def test_strengths_are_relative_to_the_face(images, name):
    large = sample_of(images(1, 192, 3, 0)[0])
    small = sample_of(cv2.resize(large.image, (48, 48), interpolation=cv2.INTER_AREA))
    as_small = cv2.resize(degraded(name, large).image, (48, 48), interpolation=cv2.INTER_AREA)
    difference = np.abs(as_small.astype(float) - degraded(name, small).image).mean()
    effect = np.abs(degraded(name, small).image.astype(float) - small.image).mean()
    assert difference < 0.5 * effect


@pytest.mark.parametrize('side', [48, 96, 192])
def test_noise_is_what_remains_on_a_face_of_48_pixels(side):
    image = degraded('sensor_noise_5', flat(side, 128)).image
    assert (image[..., 0] != image[..., 1]).any()
    seen = cv2.resize(image.astype(np.float32), (48, 48), interpolation=cv2.INTER_AREA)
    assert seen.std() == pytest.approx(0.05 * 255, rel=0.05)
    assert seen.mean() == pytest.approx(128, abs=1)


@pytest.mark.parametrize(
    'name, gain',
    [
        ('darkness_50', 0.5),
        ('darkness_25', 0.25),
        ('darkness_12', 0.12),
        ('overexposure_200', 2),
        ('overexposure_400', 4),
    ],
)
def test_exposure_scales_the_light(name, gain):
    image = degraded(name, flat(48, 100)).image
    light = (image / 255) ** robustness.GAMMA
    assert light.mean() == pytest.approx(gain * (100 / 255) ** robustness.GAMMA, rel=0.03)


def test_the_dark_is_noisy_and_white_clips():
    def noise(name):
        image = degraded(name, flat(48, 200)).image
        return image.std() / image.mean()

    assert noise('darkness_12') > 1.5 * noise('darkness_50') > 0
    large = degraded('darkness_50', flat(192, 200)).image.astype(np.float32)
    seen = cv2.resize(large, (48, 48), interpolation=cv2.INTER_AREA)
    assert seen.std() / seen.mean() == pytest.approx(noise('darkness_50'), rel=0.15)
    assert (degraded('overexposure_400', flat(48, 200)).image == 255).all()
    assert not degraded('darkness_12', flat(48, 0)).image.any()


def test_blur_keeps_the_brightness_and_widens_a_dot():
    dot = flat(96, 0)
    dot.image[46:50, 46:50] = 255
    for name, width in (('gaussian_blur_2', 0.02), ('gaussian_blur_4', 0.04)):
        image = degraded(name, dot).image[..., 0].astype(float)
        assert image.sum() == pytest.approx(dot.image[..., 0].sum(), rel=0.05)
        positions = np.arange(96) - 47.5
        variance = (image.sum(axis=0) * positions**2).sum() / image.sum()
        assert variance == pytest.approx((96 * width) ** 2 + 15 / 12, rel=0.15)


@pytest.mark.parametrize('angle', [0, np.pi / 4, np.pi / 2])
def test_motion_blur_is_a_line(angle):
    kernel = robustness.motion_kernel(8, angle)
    assert kernel.sum() == pytest.approx(1)
    rows, columns = np.nonzero(kernel)
    assert np.ptp(columns) == round(8 * np.cos(angle))
    assert np.ptp(rows) == round(8 * np.sin(angle))
    assert robustness.motion_kernel(0.1, angle).max() > 0.99


def test_a_face_of_few_pixels_has_no_detail_left():
    stripes = flat(96, 0)
    stripes.image[np.arange(96) % 6 < 3] = 255  # six pixels become one
    assert degraded('low_resolution_32', stripes).image.std() > 60
    assert degraded('low_resolution_16', stripes).image.std() < 1


def test_a_smaller_face_is_not_scaled_up_first():
    sample = flat(20, 0)
    sample.image[::2] = 200
    np.testing.assert_array_equal(degraded('low_resolution_24', sample).image, sample.image)


def test_rotation_turns_around_the_face():
    image = np.zeros((96, 96, 3), dtype=np.uint8)
    image[40:44, 70:74] = 255
    sample = replace(sample_of(image), box=Box(22, 22, 40, 40))
    for entry in DEGRADATIONS:
        if entry.family != 'rotation':
            continue
        light = next(entry.applied([sample])).image[..., 0].astype(float)
        x, y = (
            (light.sum(axis=axis) * np.arange(0.5, len(light))).sum() / light.sum() - 42
            for axis in (0, 1)
        )
        angle = np.radians(entry.strength)
        assert (x, abs(y)) == pytest.approx((30 * np.cos(angle), 30 * np.sin(angle)), abs=0.1)


@pytest.mark.parametrize('share', [0.05, 0.15])
def test_jittered_boxes_stay_within_their_bounds(share):
    random, box = np.random.default_rng(0), Box(10, 20, 40, 40)
    boxes = [robustness.jittered(box, random, share) for _ in range(500)]
    limit = 40 * share
    for value in (
        lambda moved: moved.center[0] - 30,
        lambda moved: moved.center[1] - 40,
        lambda moved: moved.width - 40,
        lambda moved: moved.height - 40,
    ):
        changes = [value(moved) for moved in boxes]
        assert -limit <= min(changes) < -0.9 * limit and 0.9 * limit < max(changes) <= limit


@pytest.mark.parametrize(
    'box',
    [Box(101.5, 71.5, 33, 33), Box(2, 3, 40, 50), Box(-10, 190, 30, 30), Box(300, 300, 20, 20)],
    ids=['inside', 'corner', 'beyond', 'outside'],
)
def test_what_is_near_a_face_gives_the_same_crop(images, box):
    sample = replace(sample_of(images(1, 200, 3, 0)[0]), box=box)
    near = robustness.near_face(sample)
    for margin in (-0.05, 0.0, 0.2):
        np.testing.assert_array_equal(
            crop_face(near.image, near.box, margin, 32), crop_face(sample.image, box, margin, 32)
        )
    if box.x < 200:
        assert near.image.size < sample.image.size / 2


def test_accuracies_are_named_and_counted():
    samples = [replace(flat(48, value), label=int(value > 120)) for value in (90, 110, 130, 150)]

    def predict(changed):
        bright = np.array([sample.image.mean() > 120 for sample in changed], dtype=float)
        return np.stack([1 - bright, bright], axis=1)

    chosen = [BY_NAME[name] for name in ('jpeg_50', 'darkness_25', 'overexposure_400')]
    assert robustness.accuracies(predict, samples, chosen) == {
        'clean': 1.0,
        'jpeg_50': 1.0,
        'darkness_25': 0.5,
        'overexposure_400': 0.5,
    }
