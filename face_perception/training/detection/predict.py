"""What a detector in PyTorch finds in an image, as the runtime would with the exported file."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ...core.detectors.letterbox import Letterbox
from ...core.detectors.suppression import merged
from .average_precision import Found
from .network import MULTIPLE

#: Boxes that score less are dropped.
LOWEST_SCORE = 0.001


@torch.inference_mode()
def predict(
    network: nn.Module, image: np.ndarray, long_side: int, device: torch.device | str = 'cpu'
) -> Found:
    """
    Return the faces in a uint8 BGR ``image``.

    It is shrunk to ``long_side`` pixels before, never enlarged, by the runtime's own letterbox.
    """
    letterbox = Letterbox(MULTIPLE)
    canvas = torch.from_numpy(letterbox.put(image, long_side)).to(device)
    predictions = network(canvas.permute(0, 3, 1, 2))
    scores = predictions.scores[0].cpu().numpy()
    likely = scores >= LOWEST_SCORE
    boxes = letterbox.to_image(predictions.boxes[0].cpu().numpy()[likely]).astype(np.float32)
    return Found(*merged(boxes, scores[likely]))
