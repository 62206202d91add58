"""Each random change does what its name says, and none leaves the pixel range."""

from dataclasses import fields, replace

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training import augmentation  # noqa: E402
from face_perception.training.augmentation import Augmentation, center_crop  # noqa: E402

NOTHING = Augmentation(**{entry.name: 0.0 for entry in fields(Augmentation)})


@pytest.fixture
def canvas(images):
    return torch.from_numpy(images(6, 64, 3, 0)).permute(0, 3, 1, 2).contiguous()


def changed(canvas, seed=0, **changes):
    random = torch.Generator().manual_seed(seed)
    return augmentation.augment(canvas, 48, replace(NOTHING, **changes), random)


def test_without_changes_the_crop_is_the_middle(canvas):
    torch.testing.assert_close(changed(canvas), center_crop(canvas, 48).float(), atol=0.1, rtol=0)


def test_flip_mirrors_left_and_right(canvas):
    torch.testing.assert_close(
        changed(canvas, flip=1.0), center_crop(canvas, 48).flip(3).float(), atol=0.1, rtol=0
    )


def test_beyond_the_canvas_its_edge_repeats():
    crop = changed(torch.full((4, 1, 48, 48), 200, dtype=torch.uint8), shift=0.3, scale=0.3)
    torch.testing.assert_close(crop, torch.full_like(crop, 200))


def test_the_box_moves_no_further_than_said():
    spot = torch.zeros(64, 1, 64, 64)
    spot[:, :, 31:33, 31:33] = 255
    crop = changed(spot, shift=0.1)
    rows, columns = crop.sum(dim=(1, 3)), crop.sum(dim=(1, 2))
    positions = torch.arange(48.0)
    for profile in (rows, columns):
        center = (profile * positions).sum(dim=1) / profile.sum(dim=1)
        moved = (center - 23.5).abs() / 48
        assert moved.max() <= 0.101 and moved.max() > 0.05


def test_same_seed_same_images(canvas):
    how = {'flip': 0.5, 'rotation': 10.0, 'noise': 0.5, 'erase': 0.5, 'low_resolution': 0.5}
    torch.testing.assert_close(changed(canvas, seed=3, **how), changed(canvas, seed=3, **how))
    assert not torch.equal(changed(canvas, seed=3, **how), changed(canvas, seed=4, **how))


@pytest.mark.parametrize(
    'change',
    [
        {'rotation': 20.0},
        {'scale': 0.2},
        {'shift': 0.2},
        {'brightness': 0.4},
        {'contrast': 0.4},
        {'gamma': 0.6},
        {'low_resolution': 1.0},
        {'noise': 1.0},
        {'erase': 1.0},
        {'gray': 1.0},
    ],
)
def test_each_change_changes_within_the_pixel_range(canvas, change):
    before = canvas.clone()
    crop = changed(canvas, **change)
    assert crop.shape == (6, 3, 48, 48) and crop.dtype == torch.float32
    assert crop.min() >= 0 and crop.max() <= 255
    assert (crop - center_crop(canvas, 48)).abs().max() > 5
    assert torch.equal(canvas, before)


def test_gray_has_equal_channels(canvas):
    crop = changed(canvas, gray=1.0)
    torch.testing.assert_close(crop, augmentation.to_gray(crop), atol=0.01, rtol=0)


def test_the_defaults_work_on_one_channel():
    canvas = torch.randint(0, 256, (5, 1, 48, 48), dtype=torch.uint8)
    random = torch.Generator().manual_seed(0)
    crop = augmentation.augment(canvas, 48, Augmentation(gray=0.5), random)
    assert crop.shape == (5, 1, 48, 48)
