"""The loss: who answers for which face, and that a right answer costs least."""

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection.losses import (  # noqa: E402
    assigned,
    detection_loss,
    overlap,
)
from face_perception.training.detection.network import cells  # noqa: E402

FACES = torch.tensor([[16.0, 20, 56, 70], [80, 10, 120, 60]])


def test_overlap_of_known_boxes():
    box = torch.tensor([0.0, 0, 10, 10])
    others = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]])
    torch.testing.assert_close(overlap(box, others), torch.tensor([1, 1 / 3, 0]))
    # The hull of the last two is three times as long as both together lack one third.
    torch.testing.assert_close(
        overlap(box, others, generalized=True), torch.tensor([1, 1 / 3, -1 / 3])
    )


def test_each_face_gets_cells_inside_it():
    centers, strides = cells(128, 128)
    reach = 3 * strides[:, None]
    boxes = torch.cat([centers - reach, centers + reach], dim=1)
    owner, target = assigned(torch.full((len(centers),), 0.1), boxes, FACES, centers, strides)
    for index, face in enumerate(FACES):
        own = centers[owner == index]
        assert 1 <= len(own) <= 10
        assert ((own > face[:2] - 32) & (own < face[2:] + 32)).all()
        best = overlap(boxes[owner == index], face).max()
        torch.testing.assert_close(target[owner == index].max(), best)
    assert (target[owner < 0] == 0).all() and (target >= 0).all() and (target <= 1).all()


def right_answers(faces):
    """Return logits and boxes of which one cell per face, the nearest, knows it."""
    centers, strides = cells(128, 128)
    boxes = torch.cat([centers - 4, centers + 4], dim=1)
    logits = torch.full((len(centers),), -8.0)
    for face in faces:
        nearest = (centers - (face[:2] + face[2:]) / 2).norm(dim=1).argmin()
        boxes[nearest], logits[nearest] = face, 8.0
    return logits[None], boxes[None]


def loss_of(logits, boxes, faces, ignored=()):
    ignored = torch.tensor(ignored).reshape(-1, 4)
    return float(detection_loss(logits, boxes, [faces], [ignored], *cells(128, 128)))


def test_the_right_answer_costs_least():
    logits, boxes = right_answers(FACES)
    right = loss_of(logits, boxes, FACES)
    assert right < loss_of(logits, boxes + 5, FACES)
    assert right < loss_of(logits - 8, boxes, FACES)
    assert right < loss_of(-logits, boxes, FACES)


def test_a_box_on_an_ignored_face_costs_nothing():
    logits, boxes = right_answers(FACES)
    nothing = torch.zeros((0, 4))
    assert loss_of(logits, boxes, nothing) > 1
    assert loss_of(logits, boxes, nothing, FACES.tolist()) < 0.01
    assert loss_of(torch.full_like(logits, -8), boxes, nothing) < 0.01
