"""Boxes and labels on an image, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np

from ..core.types import Face

FONT = cv2.FONT_HERSHEY_SIMPLEX
#: One BGR colour per emotion, told apart by lightness too.
COLORS = {
    'angry': (60, 60, 230),
    'disgust': (60, 160, 60),
    'fear': (200, 90, 170),
    'happy': (40, 200, 250),
    'sad': (220, 140, 60),
    'surprise': (60, 150, 255),
    'neutral': (225, 225, 225),
}
UNLABELLED = (225, 225, 225)


def annotate(image_bgr: np.ndarray, faces: list[Face], caption: str = '') -> np.ndarray:
    """
    Return a copy of a uint8 ``[H, W, 3]`` BGR image with boxes, labels and a caption.

    Lines and letters grow with the image, so that they stay readable at any size.
    """
    image = image_bgr.copy()
    scale = max(min(image_bgr.shape[:2]) / 480, 0.5)
    for face in faces:
        color = color_of(face)
        left, top = round(face.box.x), round(face.box.y)
        right, bottom = round(face.box.x + face.box.width), round(face.box.y + face.box.height)
        cv2.rectangle(image, (left, top), (right - 1, bottom - 1), color, max(round(2 * scale), 1))
        _write(image, label(face), (left, top), 0.5 * scale, color)
    if caption:
        line_height = round(22 * scale)
        _write(image, caption, (0, line_height), 0.5 * scale, UNLABELLED)
    return image


def color_of(face: Face) -> tuple[int, int, int]:
    """Return the BGR colour of a face's box, which is that of its emotion."""
    return COLORS.get(face.emotion.label, UNLABELLED) if face.emotion else UNLABELLED


def label(face: Face) -> str:
    """Return what is written at a face, for example ``happy 92% | female 88%``."""
    texts = [
        f'{prediction.label} {prediction.confidence:.0%}'
        for prediction in (face.emotion, face.gender)
        if prediction and prediction.label
    ]
    if face.track_id:
        texts.insert(0, f'#{face.track_id}')
    return ' | '.join(texts) or f'face {face.score:.0%}'


def _write(
    image: np.ndarray,
    text: str,
    lower_left: tuple[int, int],
    scale: float,
    color: tuple[int, int, int],
) -> None:
    """Write dark text on a filled bar, moved inside the image where it would leave it."""
    thickness = max(round(scale * 2), 1)
    (width, height), baseline = cv2.getTextSize(text, FONT, scale, thickness)
    pad = baseline // 2 + 1
    x = min(max(lower_left[0], 0), max(image.shape[1] - width - 2 * pad, 0))
    y = max(lower_left[1], height + 2 * pad)
    cv2.rectangle(image, (x, y - height - 2 * pad), (x + width + 2 * pad, y), color, cv2.FILLED)
    cv2.putText(
        image,
        text,
        (x + pad, y - pad - baseline // 4),
        FONT,
        scale,
        (0, 0, 0),
        thickness,
        cv2.LINE_AA,
    )
