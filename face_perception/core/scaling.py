"""Scaling, bordering and colours of images down to a single pixel, which OpenCV 4.5 refuses."""

from __future__ import annotations

import cv2
import numpy as np


def resize(image: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    """Return a uint8 ``[H, W]`` or ``[H, W, C]`` image with ``size`` (width, height) pixels."""
    if image.shape[:2] == (1, 1):
        return _repeated(image, size[1], size[0])
    return cv2.resize(image, size, interpolation=interpolation)


def resize_into(target: np.ndarray, image: np.ndarray, interpolation: int) -> None:
    """Fill ``target``, uint8 ``[H', W', C]``, with the ``[H, W, C]`` image."""
    if (1, 1) in (image.shape[:2], target.shape[:2]):
        target[:] = resize(image, target.shape[1::-1], interpolation)
    else:
        cv2.resize(image, target.shape[1::-1], dst=target, interpolation=interpolation)


def recolored(image: np.ndarray, conversion: int) -> np.ndarray:
    """Return a uint8 ``[H, W]`` or ``[H, W, C]`` image, converted by one of ``cv2.COLOR_…``."""
    if image.shape[:2] == (1, 1):
        return cv2.cvtColor(_repeated(image, 1, 2), conversion)[:, :1]
    return cv2.cvtColor(image, conversion)


def repeat_edges(image: np.ndarray, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """Return the image with so many pixels around, which repeat those at its edges."""
    if image.shape[:2] == (1, 1):
        return _repeated(image, 1 + top + bottom, 1 + left + right)
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)


def frame(
    image: np.ndarray,
    top: int,
    bottom: int,
    left: int,
    right: int,
    value: tuple[int, ...] = (0, 0, 0),
) -> np.ndarray:
    """Return a uint8 ``[H, W, 3]`` image with so many pixels of one colour around."""
    if image.shape[:2] == (1, 1):
        framed = np.full((1 + top + bottom, 1 + left + right, 3), value[:3], np.uint8)
        framed[top, left] = image[0, 0]
        return framed
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value)


def _repeated(image: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.tile(image, (height, width, 1)[: image.ndim])
