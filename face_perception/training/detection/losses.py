"""What the detector should have answered, and how far it was from that."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

#: How many cells may answer for a face, and how much closer boxes count than high scores.
CELLS_PER_FACE, SCORE_POWER, OVERLAP_POWER = 10, 1.0, 4.0
#: A face's cells lie in its box, but at least within this many strides of its centre.
REACH = 1.0
#: Weights of the background and of the boxes in the loss.
BACKGROUND, FOCUS, BOX_WEIGHT = 0.75, 2.0, 4.0


def overlap(boxes: Tensor, others: Tensor, generalized: bool = False) -> Tensor:
    """
    Return the intersection over union of boxes ``[..., 4]`` that broadcast.

    With ``generalized`` minus the share of the hull that neither covers, down to -1
    (Rezatofighi et al. 2019).
    """
    low = torch.maximum(boxes[..., :2], others[..., :2])
    high = torch.minimum(boxes[..., 2:], others[..., 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    areas = [(each[..., 2:] - each[..., :2]).clamp(min=0).prod(dim=-1) for each in (boxes, others)]
    union = areas[0] + areas[1] - common
    result = common / union.clamp(min=1e-6)
    if generalized:
        hull = (
            torch.maximum(boxes[..., 2:], others[..., 2:])
            - torch.minimum(boxes[..., :2], others[..., :2])
        ).prod(dim=-1)
        result = result - (hull - union) / hull.clamp(min=1e-6)
    return result


@torch.no_grad()
def assigned(
    scores: Tensor, boxes: Tensor, faces: Tensor, centers: Tensor, strides: Tensor
) -> tuple[Tensor, Tensor]:
    """
    Say which cells of one picture answer for which face (Feng et al. 2021, "TOOD").

    ``scores [A]`` (0..1) and ``boxes [A, 4]`` are the present answers, ``faces [M, 4]`` the
    truth, ``centers [A, 2]`` and ``strides [A]`` the cells.  Returns the index of the face for
    each cell, -1 for none (``[A]``), and the score that the cell should give (``[A]``).
    """
    middles, halves = (faces[:, :2] + faces[:, 2:]) / 2, (faces[:, 2:] - faces[:, :2]) / 2
    reach = torch.maximum(halves[:, None], (REACH * strides)[None, :, None])
    inside = ((centers[None] - middles[:, None]).abs() < reach).all(dim=2)
    overlaps = overlap(faces[:, None], boxes[None]) * inside
    quality = scores[None] ** SCORE_POWER * overlaps**OVERLAP_POWER
    best = quality.topk(min(CELLS_PER_FACE, quality.shape[1]), dim=1)
    chosen = torch.zeros_like(inside).scatter_(1, best.indices, best.values > 0) & inside
    # A cell between two faces answers for the one that its box fits better.
    owner = (overlaps * chosen).argmax(dim=0)
    positive = chosen.any(dim=0)
    # The best cell of a face should score what its box overlaps, the others in proportion.
    quality, overlaps = quality * chosen, overlaps * chosen
    scaled = (
        quality
        / quality.amax(dim=1, keepdim=True).clamp(min=1e-9)
        * overlaps.amax(dim=1, keepdim=True)
    )
    target = scaled.gather(0, owner[None])[0] * positive
    return torch.where(positive, owner, -1), target


def detection_loss(
    logits: Tensor,
    boxes: Tensor,
    faces: list[Tensor],
    ignored: list[Tensor],
    centers: Tensor,
    strides: Tensor,
) -> Tensor:
    """
    Return the loss of a batch.

    ``logits [N, A]`` and ``boxes [N, A, 4]`` are the answers, ``faces`` and ``ignored`` boxes
    ``[M, 4]`` per picture: cells in ignored boxes are not told that there is no face.  Varifocal
    loss of the scores (Zhang et al. 2021) and generalised overlap of the boxes.
    """
    classification, regression = logits.new_zeros(()), logits.new_zeros(())
    total = logits.new_zeros(())
    for logit, box, truth, unclear in zip(logits, boxes, faces, ignored, strict=True):
        score = logit.sigmoid().detach()
        target, weight = torch.zeros_like(score), BACKGROUND * score**FOCUS
        if len(unclear):
            within = (
                ((centers[None] > unclear[:, None, :2]) & (centers[None] < unclear[:, None, 2:]))
                .all(dim=2)
                .any(dim=0)
            )
            weight = weight * ~within
        if len(truth):
            owner, target = assigned(score, box.detach(), truth, centers, strides)
            positive = owner >= 0
            weight = torch.where(positive, target, weight)
            away = 1 - overlap(box[positive], truth[owner[positive]], generalized=True)
            regression = regression + (away * target[positive]).sum()
            total = total + target.sum()
        classification = (
            classification
            + (
                weight
                * functional.binary_cross_entropy_with_logits(logit, target, reduction='none')
            ).sum()
        )
    return (classification + BOX_WEIGHT * regression) / total.clamp(min=1)
