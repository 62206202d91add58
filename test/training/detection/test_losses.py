"""The loss: who is to predict which face, and that a right prediction costs least."""

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.detection.losses import (  # noqa: E402
    associated,
    detection_loss,
    misfit,
    overlap,
)
from face_perception.training.detection.network import Predictions, cells  # noqa: E402

FACES = torch.tensor([[16.0, 20, 56, 70], [80, 10, 120, 60]])


def test_overlap_of_known_boxes():
    box = torch.tensor([0.0, 0, 10, 10])
    others = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]])
    torch.testing.assert_close(overlap(box, others), torch.tensor([1, 1 / 3, 0]))


def test_misfit_of_known_boxes():
    box = torch.tensor([[0.0, 0, 10, 10]])
    torch.testing.assert_close(misfit(box, box), torch.zeros(1))
    # Half a width aside: the hull is 15 x 10, the centres are 5 apart, the sizes equal.
    aside = torch.tensor([[5.0, 0, 15, 10]])
    torch.testing.assert_close(misfit(box, aside), torch.tensor([1 - 1 / 3 + 25 / (225 + 100)]))
    # Half as wide and high, in the middle: the hull is the larger box.
    inside = torch.tensor([[2.5, 2.5, 7.5, 7.5]])
    torch.testing.assert_close(misfit(inside, box), torch.tensor([1 - 0.25 + 2 * 0.25]))


def boxes_around(centers, strides):
    reach = 3 * strides[:, None]
    return torch.cat([centers - reach, centers + reach], dim=1)


def test_each_face_gets_cells_inside_it_and_near_its_centre():
    centers, strides = cells(128, 128)
    boxes = boxes_around(centers, strides)
    owner = associated(torch.full((len(centers),), 0.1), boxes, FACES, centers, strides)
    for index, face in enumerate(FACES):
        own = owner == index
        assert 1 <= int(own.sum()) <= 10
        assert ((centers[own] > face[:2]) & (centers[own] < face[2:])).all()
        away = (centers[own] - (face[:2] + face[2:]) / 2).abs()
        assert (away < 2.5 * strides[own][:, None]).all()
    assert int((owner >= 0).sum()) < len(owner) / 4


def test_a_cell_that_two_faces_want_goes_to_the_one_that_it_fits_better():
    centers, strides = cells(64, 64)
    boxes = boxes_around(centers, strides)
    faces = torch.stack([boxes[0], boxes[0] + 1.0])
    owner = associated(torch.full((len(centers),), 0.1), boxes, faces, centers, strides)
    assert owner[0] == 0


def test_a_face_smaller_than_any_cell_still_gets_one():
    centers, strides = cells(64, 64)
    face = torch.tensor([[9.0, 9.0, 11.0, 11.0]])
    owner = associated(
        torch.full((len(centers),), 0.1), boxes_around(centers, strides), face, centers, strides
    )
    assert int((owner == 0).sum()) == 1


def right_predictions(faces):
    """Return predictions of which one cell per face, the nearest, knows it."""
    centers, strides = cells(128, 128)
    boxes = torch.cat([centers - 4, centers + 4], dim=1)
    logits = torch.full((len(centers),), -8.0)
    for face in faces:
        nearest = (centers - (face[:2] + face[2:]) / 2).norm(dim=1).argmin()
        boxes[nearest], logits[nearest] = face, 8.0
    return Predictions(logits[None], boxes[None])


def loss_of(predictions, faces, ignored=()):
    ignored = torch.tensor(ignored).reshape(-1, 4)
    return float(detection_loss(predictions, [faces], [ignored], *cells(128, 128)))


def test_the_right_prediction_costs_least():
    face, boxes = right_predictions(FACES)
    right = loss_of(Predictions(face, boxes), FACES)
    assert right < loss_of(Predictions(face, boxes + 5), FACES)
    assert right < loss_of(Predictions(face - 8, boxes), FACES)
    assert right < loss_of(Predictions(-face, boxes), FACES)


def test_a_box_on_an_ignored_face_costs_nothing():
    face, boxes = right_predictions(FACES)
    predictions, nothing = Predictions(face, boxes), torch.zeros((0, 4))
    assert loss_of(predictions, nothing) > 1
    assert loss_of(predictions, nothing, FACES.tolist()) < 0.1
    assert loss_of(Predictions(torch.full_like(face, -8), boxes), nothing) < 0.2
