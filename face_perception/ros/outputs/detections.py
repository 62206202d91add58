"""Faces as vision_msgs, for nodes that know detections but not this package."""

from __future__ import annotations

from types import ModuleType

from std_msgs.msg import Header

from ...core.types import Face, FrameResult

#: The class of every detection.
FACE_CLASS = 'face'


def detection_array(messages: ModuleType, header: Header, result: FrameResult):
    """Return a Detection2DArray; ``messages`` is ``vision_msgs.msg``."""
    array = messages.Detection2DArray(header=header)
    array.detections = [detection(messages, header, face) for face in result.faces]
    return array


def detection(messages: ModuleType, header: Header, face: Face):
    """
    Return a Detection2D.

    The box is the face's in pixels, ``id`` its track id, and there is one hypothesis, class
    ``face`` with the detector's score. Pose, emotion and gender have no place in it.
    """
    message = messages.Detection2D(header=header, id=face.track_id)
    message.bbox.center.position.x, message.bbox.center.position.y = map(float, face.box.center)
    message.bbox.size_x, message.bbox.size_y = float(face.box.width), float(face.box.height)
    result = messages.ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = FACE_CLASS, float(face.score)
    message.results = [result]
    return message
