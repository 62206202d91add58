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
from face_perception.training.detection.sampling import SampleBatch  # noqa: E402

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


def owners(scores, boxes, faces, centers, strides):
    """Return the association of a single image."""
    of = torch.zeros(len(faces), dtype=torch.long)
    return associated(scores[None], boxes[None], faces, of, centers, strides)[0]


def test_each_face_gets_cells_inside_it_and_near_its_centre():
    centers, strides = cells(128, 128)
    boxes = boxes_around(centers, strides)
    owner = owners(torch.full((len(centers),), 0.1), boxes, FACES, centers, strides)
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
    owner = owners(torch.full((len(centers),), 0.1), boxes, faces, centers, strides)
    assert owner[0] == 0


def test_a_face_smaller_than_any_cell_still_gets_one():
    centers, strides = cells(64, 64)
    face = torch.tensor([[9.0, 9.0, 11.0, 11.0]])
    owner = owners(
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
    boxes = torch.cat([faces, ignored])
    samples = SampleBatch(
        torch.zeros((1, 128, 128, 3), dtype=torch.uint8),
        boxes,
        torch.zeros(len(boxes), dtype=torch.long),
        torch.arange(len(boxes)) >= len(faces),
    )
    return float(detection_loss(predictions, samples, *cells(128, 128)))


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


def one_by_one(scores, boxes, faces, centers, strides):
    """Return the association of one image as the paper words it, face by face."""
    inside = torch.stack([((centers > f[:2]) & (centers < f[2:])).all(dim=1) for f in faces])
    near = torch.stack(
        [((centers - (f[:2] + f[2:]) / 2).abs() < 2.5 * strides[:, None]).all(dim=1) for f in faces]
    )
    candidates = (inside | near).any(dim=0).nonzero()[:, 0].tolist()
    wishes = {}
    costs = torch.full((len(faces), len(centers)), float('inf'))
    for index, face in enumerate(faces):
        overlaps = overlap(face, boxes[candidates])
        for cell, share in zip(candidates, overlaps):
            costs[index, cell] = -scores[cell].log() / 2 - 3 * (share + 1e-7).log()
            if not (inside[index, cell] and near[index, cell]):
                costs[index, cell] += 1e5
        number = max(1, int(overlaps.sort(descending=True).values[:10].sum()))
        cheapest = costs[index].sort().indices[: min(number, len(candidates))]
        for cell in cheapest.tolist():
            wishes.setdefault(cell, []).append(index)
    owner = torch.full((len(centers),), -1)
    for cell, wanting in wishes.items():
        owner[cell] = wanting[0] if len(wanting) == 1 else int(costs[:, cell].argmin())
    return owner


def test_a_batch_is_associated_as_its_images_are_one_by_one():
    random = torch.Generator().manual_seed(0)
    centers, strides = cells(128, 128)
    numbers = (5, 0, 1, 9)
    scores = 0.05 + 0.9 * torch.rand((4, len(centers)), generator=random)
    reach = strides[:, None] * (1 + 3 * torch.rand((4, len(centers), 4), generator=random))
    boxes = torch.cat([centers - reach[..., :2], centers + reach[..., 2:]], dim=2)
    faces, of = [], []
    for image, number in enumerate(numbers):
        corner = 90 * torch.rand((number, 2), generator=random)
        sides = 6 + 50 * torch.rand((number, 2), generator=random)
        faces.append(torch.cat([corner, corner + sides], dim=1))
        of += [image] * number
    every = torch.cat(faces)
    together = associated(scores, boxes, every, torch.tensor(of), centers, strides)
    first = 0
    for image, own in enumerate(faces):
        if len(own) == 0:
            assert (together[image] == -1).all()
            continue
        expected = one_by_one(scores[image], boxes[image], own, centers, strides)
        torch.testing.assert_close(
            together[image], torch.where(expected >= 0, expected + first, -1)
        )
        first += len(own)
