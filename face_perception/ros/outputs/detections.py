"""Faces as vision_msgs, for nodes that know detections but not this package."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from std_msgs.msg import Header

from ...core.types import Face, FrameResult
from ..messages import optional_messages

#: The class of every detection.
FACE_CLASS = 'face'


class DetectionsOutput:
    """Publishes ``~/detections``."""

    def __init__(self, outputs):
        """Raise ``FacePerceptionError`` where vision_msgs is missing."""
        self._messages = optional_messages('vision_msgs', 'detections.enabled')
        self._publisher = outputs.create(self._messages.Detection2DArray, '~/detections')

    def publish(self, header: Header, image: np.ndarray, result: FrameResult) -> None:
        """Publish the faces of one image, if anybody listens."""
        if self._publisher.get_subscription_count():
            self._publisher.publish(detection_array(self._messages, header, result))

    def nobody(self, header: Header) -> None:
        """Say nothing: each message is about one image."""


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
