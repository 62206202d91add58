"""Scaling images without distorting faces."""

from __future__ import annotations

import cv2
import numpy as np

from ..core.scaling import frame, resize

#: (width, height) in pixels.
Size = tuple[int, int]


def fit(image: np.ndarray, size: Size | None) -> np.ndarray:
    """
    Return a uint8 ``[H, W, 3]`` image scaled into (width, height) pixels.

    Its proportions stay; black borders fill what is left.
    """
    height, width = image.shape[:2]
    if size is None or (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    inner_width, inner_height = (
        min(max(round(width * scale), 1), size[0]),
        min(max(round(height * scale), 1), size[1]),
    )
    inner = resize(
        image,
        (inner_width, inner_height),
        cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    left, top = (size[0] - inner_width) // 2, (size[1] - inner_height) // 2
    return frame(
        inner,
        top,
        size[1] - inner_height - top,
        left,
        size[0] - inner_width - left,
    )
