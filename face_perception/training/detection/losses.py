"""What the detector should have predicted, and how far it was from that."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .network import Predictions
from .sampling import SampleBatch

#: At most so many cells predict a face, and at least one.
CELLS_PER_FACE = 10
#: Such a cell lies in the face or within this many strides of its centre, preferably both.
REACH = 2.5
#: How much the overlap counts beside the score when cells are chosen.
OVERLAP_WEIGHT = 3.0
#: What a cell costs that does not lie in the face and near its centre.
OUTSIDE = 1e5
#: Weight of the boxes in the loss.
BOX_WEIGHT = 5.0
#: Where a teacher's score is lower, its box is not learned.
UNLIKELY = 0.05


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the intersection over union of boxes ``[..., 4]`` that broadcast."""
    low = torch.maximum(boxes[..., :2], others[..., :2])
    high = torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    areas = [(each[..., 2:] - each[..., :2]).clamp(min=0).prod(dim=-1) for each in (boxes, others)]
    return common / (areas[0] + areas[1] - common).clamp(min=1e-6)


def misfit(boxes: Tensor, others: Tensor) -> Tensor:
    """
    Return how badly boxes ``[M, 4]`` fit others, 0 for equal ones ("EIoU", Zhang et al. 2022).

    One minus the overlap, and the distances of the centres, widths and heights as shares of
    the hull's, squared.
    """
    hull = torch.maximum(boxes[:, 2:], others[:, 2:]) - torch.minimum(boxes[:, :2], others[:, :2])
    squared = (hull**2).clamp(min=1e-6)
    apart = (boxes[:, :2] + boxes[:, 2:] - others[:, :2] - others[:, 2:]) / 2
    larger = boxes[:, 2:] - boxes[:, :2] - others[:, 2:] + others[:, :2]
    return (
        1
        - overlap(boxes, others)
        + (apart**2).sum(dim=1) / squared.sum(dim=1)
        + (larger**2 / squared).sum(dim=1)
    )


@torch.no_grad()
def associated(
    scores: Tensor, boxes: Tensor, faces: Tensor, of: Tensor, centers: Tensor, strides: Tensor
) -> Tensor:
    """
    Return which face each cell is to predict ("SimOTA", Ge et al. 2021).

    ``scores [N, A]`` (0..1) and ``boxes [N, A, 4]`` are the present predictions, ``faces [K, 4]``
    the ground truth of all images, ``of [K]`` says of which image, ``centers [A, 2]`` and
    ``strides [A]`` are the cells.  The result is int64 ``[N, A]``, the index of the face or -1 for
    background.  A face gets about as many cells as overlaps of boxes with it add up to, those
    that cost least.
    """
    images, count = scores.shape
    owner = torch.full((images * count,), -1, dtype=torch.long, device=boxes.device)
    if len(faces) == 0:
        return owner.view(images, count)
    low, high = faces[:, None, :2], faces[:, None, 2:]
    inside = ((centers > low) & (centers < high)).all(dim=2)
    near = ((centers - (low + high) / 2).abs() < REACH * strides[:, None]).all(dim=2)
    # What lies in or near any face of its image is a candidate for all of them.
    candidate = torch.zeros((images, count), dtype=torch.int, device=boxes.device)
    candidate = candidate.index_add(0, of, (inside | near).int())[of] > 0
    overlaps = torch.where(candidate, overlap(faces[:, None], boxes[of]), 0.0)
    costs = (
        -scores[of].clamp(1e-6, 1).log() / 2
        - OVERLAP_WEIGHT * (overlaps + 1e-7).log()
        + OUTSIDE * ~(inside & near)
    )
    costs = torch.where(candidate, costs, torch.inf)
    most = min(CELLS_PER_FACE, count)
    wanted = overlaps.topk(most, dim=1).values.sum(dim=1).int().clamp(min=1)
    cheapest = costs.topk(most, dim=1, largest=False)
    taken = torch.arange(most, device=boxes.device) < wanted[:, None]
    taken &= cheapest.values.isfinite()
    chosen = torch.zeros_like(candidate).scatter_(1, cheapest.indices, taken)
    # A cell that two faces want goes to the one that it costs less.
    cell = of[:, None] * count + torch.arange(count, device=boxes.device)
    wishes = torch.zeros_like(owner).index_add_(0, cell.flatten(), chosen.flatten().long())
    least = torch.full_like(owner, torch.inf, dtype=costs.dtype)
    least.scatter_reduce_(0, cell.flatten(), costs.flatten(), 'amin')
    chosen = torch.where(wishes[cell] > 1, costs == least[cell], chosen)
    face, column = chosen.nonzero(as_tuple=True)
    owner[cell[face, column]] = face
    return owner.view(images, count)


def detection_loss(
    predictions: Predictions, samples: SampleBatch, centers: Tensor, strides: Tensor
) -> Tensor:
    """
    Return the loss of a batch: the cross entropy of the scores and the boxes' misfit.

    Cells in boxes that are ignored are not told that there is no face.
    """
    ignored = samples.ignored
    unclear, faces = samples.boxes[ignored, None], samples.boxes[~ignored]
    within = ((centers > unclear[..., :2]) & (centers < unclear[..., 2:])).all(dim=2)
    hidden = torch.zeros(predictions.face.shape, dtype=torch.int, device=within.device)
    hidden = hidden.index_add(0, samples.of[ignored], within.int()) > 0
    owner = associated(
        predictions.scores.detach(),
        predictions.boxes.detach(),
        faces,
        samples.of[~ignored],
        centers,
        strides,
    )
    positive = owner >= 0
    face_loss = functional.binary_cross_entropy_with_logits(
        predictions.face,
        positive.to(predictions.face.dtype),
        (positive | ~hidden).to(predictions.face.dtype),
        reduction='sum',
    )
    box_loss = misfit(predictions.boxes[positive], faces[owner[positive]]).sum()
    return (face_loss + BOX_WEIGHT * box_loss) / positive.sum().clamp(min=1)


def distance(predictions: Predictions, taught: Predictions) -> Tensor:
    """
    Return how far ``predictions`` are from a teacher's, ``taught``, a scalar.

    The cross entropy of the scores of all cells, and the misfit of the boxes, weighted by the
    teacher's scores; per face, as ``detection_loss``.
    """
    wanted = taught.scores
    face_loss = functional.binary_cross_entropy_with_logits(
        predictions.face, wanted, reduction='sum'
    )
    likely = wanted > UNLIKELY
    misfits = misfit(predictions.boxes[likely], taught.boxes[likely])
    box_loss = (wanted[likely] * misfits).sum()
    return (face_loss + BOX_WEIGHT * box_loss) / wanted.sum().clamp(min=1)
