"""What JPEG does to an image."""

from __future__ import annotations

import cv2
import numpy as np


def through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Return a uint8 ``[H, W, 3]`` BGR image as it is after JPEG of ``quality``, 1..100."""
    _, encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded just now
    return decoded
