"""What the detector should have predicted, and how far it was from that."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .network import Predictions

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
    scores: Tensor, boxes: Tensor, faces: Tensor, centers: Tensor, strides: Tensor
) -> Tensor:
    """
    Return which face each cell of one image is to predict ("SimOTA", Ge et al. 2021).

    ``scores [A]`` (0..1) and ``boxes [A, 4]`` are the present predictions, ``faces [M, 4]`` the
    ground truth, ``centers [A, 2]`` and ``strides [A]`` the cells.  The result is int64 ``[A]``,
    the index of the face or -1 for background.  A face gets about as many
    cells as overlaps of boxes with it add up to, those that cost least.
    """
    face = torch.full((len(boxes),), -1, dtype=torch.long, device=boxes.device)
    low, high = faces[:, None, :2], faces[:, None, 2:]
    inside = ((centers > low) & (centers < high)).all(dim=2)
    away = (centers - (low + high) / 2).abs()
    near = (away < REACH * strides[:, None]).all(dim=2)
    candidates = (inside | near).any(dim=0).nonzero()[:, 0]
    if len(candidates) == 0:
        return face
    overlaps = overlap(faces[:, None], boxes[candidates])
    costs = (
        -scores[candidates].clamp(1e-6, 1).log() / 2
        - OVERLAP_WEIGHT * (overlaps + 1e-7).log()
        + OUTSIDE * ~(inside & near)[:, candidates]
    )
    most = min(CELLS_PER_FACE, len(candidates))
    counts = overlaps.topk(most, dim=1).values.sum(dim=1).int().clamp(min=1)
    cheapest = costs.topk(most, dim=1, largest=False).indices
    taken = torch.arange(most, device=boxes.device) < counts[:, None]
    chosen = torch.zeros_like(costs, dtype=torch.bool).scatter_(1, cheapest, taken)
    # A cell that two faces want goes to the one that it costs less.
    contested = (chosen.sum(dim=0) > 1).nonzero()[:, 0]
    winners = costs[:, contested].argmin(dim=0)
    chosen[:, contested] = False
    chosen[winners, contested] = True
    positive = chosen.any(dim=0)
    face[candidates[positive]] = chosen.int().argmax(dim=0)[positive]
    return face


def detection_loss(
    predictions: Predictions,
    faces: list[Tensor],
    ignored: list[Tensor],
    centers: Tensor,
    strides: Tensor,
) -> Tensor:
    """
    Return the loss of a batch: the cross entropy of the scores and the boxes' misfit.

    ``faces`` and ``ignored`` are boxes ``[M, 4]`` per image: cells in ignored boxes are not
    told that there is no face.
    """
    zero = predictions.face.new_zeros(())
    face_loss, box_loss, count = zero, zero, 0
    scores = predictions.scores.detach()
    for index, (truth, unclear) in enumerate(zip(faces, ignored, strict=True)):
        logits, boxes = predictions.face[index], predictions.boxes[index]
        target, weight = torch.zeros_like(logits), torch.ones_like(logits)
        if len(unclear):
            low, high = unclear[:, None, :2], unclear[:, None, 2:]
            within = ((centers > low) & (centers < high)).all(dim=2).any(dim=0)
            weight = weight.masked_fill(within, 0.0)
        if len(truth):
            owner = associated(scores[index], boxes.detach(), truth, centers, strides)
            positive = owner >= 0
            count += int(positive.sum())
            target = target.masked_fill(positive, 1.0)
            weight = weight.masked_fill(positive, 1.0)
            box_loss = box_loss + misfit(boxes[positive], truth[owner[positive]]).sum()
        face_loss = face_loss + functional.binary_cross_entropy_with_logits(
            logits, target, weight, reduction='sum'
        )
    return (face_loss + BOX_WEIGHT * box_loss) / max(count, 1)
