"""Which faces of the scenes are hard, and that samples show them."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection.places import hard_faces
from face_perception.training.detection.sampling import Order, Sampler
from face_perception.training.detection.scenes import Scene
from face_perception.training.recipe import recipe_from

ATTRIBUTES = {'pose': [0, 1, 1, 0, 1], 'occlusion': [0, 0, 2, 1, 2]}


def scene(attributes, ignored=None):
    """Return a scene with five faces: the fourth is low."""
    left = np.arange(5, dtype=np.float32) * 60 + 10
    heights = np.array([40, 40, 40, 8, 40], np.float32)
    boxes = np.stack([left, left, left + heights, left + heights], axis=1)
    return Scene(
        'scene',
        np.zeros((320, 320, 3), np.uint8),
        boxes,
        np.zeros(5, bool) if ignored is None else np.array(ignored, bool),
        attributes={name: np.array(values) for name, values in attributes.items()},
    )


def test_hard_are_unusual_poses_and_mostly_covered_faces():
    scenes = [scene({}), scene(ATTRIBUTES), scene(ATTRIBUTES, [0, 1, 0, 0, 0])]
    posed, covered = hard_faces(scenes)
    assert posed.indices.tolist() == [1, 1, 1, 2, 2]
    assert posed.boxes[:, 0].tolist() == [70, 130, 250, 130, 250]
    assert covered.indices.tolist() == [1, 1, 2, 2]
    assert covered.boxes[:, 0].tolist() == [130, 250, 130, 250]


def test_scenes_of_which_nothing_is_said_have_none():
    assert hard_faces([scene({}), scene({'pose': [0] * 5})]) == []


@pytest.mark.parametrize(('share', 'seen'), [(0.0, 0), (1.0, 40)])
def test_a_share_of_the_samples_is_cut_around_hard_faces(detector_values, share, seen):
    plain = [scene({}) for _ in range(30)]
    hard = scene({'pose': [0, 1, 0, 0, 0]})
    hard.image[:] = 255
    values = {
        **detector_values,
        'sizes': [64],
        'augmentation': {'hard': share, 'square': 1.0, 'mosaic': 0.0},
    }
    sampler = Sampler(recipe_from(values), [*plain, hard], None)
    sampler._chances = np.array([1 / 30] * 30 + [0])
    batch = sampler.batch(Order(0, 40))
    white = (batch.images.float().mean(dim=(1, 2, 3)) > 100).sum()
    # Where a sample reaches beyond the scene it is of any colour.
    assert seen - 8 <= int(white) <= seen
