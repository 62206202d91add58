"""What a detector in PyTorch finds in a picture, as the runtime would with the exported file."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import nn

from ...core.detectors.onnx_network import suppress_overlapping
from .average_precision import Found
from .network import MULTIPLE

#: Boxes that score less are dropped.
LOWEST_SCORE = 0.02
#: The shade of the border that fills a picture up to a multiple of ``MULTIPLE``.
BORDER = 128


@torch.inference_mode()
def predict(
    network: nn.Module, image: np.ndarray, long_side: int, device: torch.device | str = 'cpu'
) -> Found:
    """Return the faces in a uint8 BGR ``image``, scaled to ``long_side`` pixels before."""
    scale = long_side / max(image.shape[:2])
    height, width = (round(side * scale) for side in image.shape[:2])
    scaled = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    padded = cv2.copyMakeBorder(
        scaled,
        0,
        -height % MULTIPLE,
        0,
        -width % MULTIPLE,
        cv2.BORDER_CONSTANT,
        value=(BORDER,) * 3,
    )
    pixels = torch.from_numpy(padded).to(device).permute(2, 0, 1)[None].float()
    logits, boxes = network(pixels)
    scores, boxes = logits[0].sigmoid().cpu().numpy(), boxes[0].cpu().numpy() / scale
    likely = scores >= LOWEST_SCORE
    boxes, scores = boxes[likely], scores[likely]
    kept = suppress_overlapping(boxes, scores)
    return Found(boxes[kept], scores[kept])
