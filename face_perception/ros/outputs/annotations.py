"""Boxes and labels as foxglove_msgs, which Foxglove draws over the images of the camera."""

from __future__ import annotations

from types import ModuleType

from std_msgs.msg import Header

from ...core.types import Face, FrameResult
from ...visuals.boxes import color_of, label

#: Pixels of the image at a height of 480, as in the annotated images.
LINE, LETTERS = 2.0, 16.0


def image_annotations(messages: ModuleType, header: Header, result: FrameResult):
    """Return an ImageAnnotations; ``messages`` is ``foxglove_msgs.msg``."""
    scale = max(min(result.image_width, result.image_height) / 480, 0.5)
    return messages.ImageAnnotations(
        points=[_box(messages, header, face, scale) for face in result.faces],
        texts=[_text(messages, header, face, scale) for face in result.faces],
    )


def _box(messages: ModuleType, header: Header, face: Face, scale: float):
    left, top = float(face.box.x), float(face.box.y)
    right, bottom = left + float(face.box.width), top + float(face.box.height)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return messages.PointsAnnotation(
        timestamp=header.stamp,
        type=messages.PointsAnnotation.LINE_LOOP,
        points=[messages.Point2(x=x, y=y) for x, y in corners],
        outline_color=_color(messages, face),
        thickness=LINE * scale,
    )


def _text(messages: ModuleType, header: Header, face: Face, scale: float):
    return messages.TextAnnotation(
        timestamp=header.stamp,
        position=messages.Point2(x=float(face.box.x), y=float(face.box.y)),
        text=label(face),
        font_size=LETTERS * scale,
        text_color=messages.Color(a=1.0),
        background_color=_color(messages, face),
    )


def _color(messages: ModuleType, face: Face):
    blue, green, red = (part / 255 for part in color_of(face))
    return messages.Color(r=red, g=green, b=blue, a=1.0)
