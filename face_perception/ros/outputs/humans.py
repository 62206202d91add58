"""Faces as REP-155 (human-robot interaction, ROS4HRI) has them: topics per face, hri_msgs."""

from __future__ import annotations

import re
from collections.abc import Collection
from types import ModuleType

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ...core.types import Classification, Face, FrameResult
from ...media.fitting import fit
from ...media.messages.encoding import image_message
from ...media.messages.fields import GENDER_UNDEFINED, GENDER_VALUES
from ..messages import optional_messages

#: Our emotions under the names of hri_msgs/Expression.
EXPRESSIONS = {
    'angry': 'angry',
    'disgust': 'disgusted',
    'fear': 'scared',
    'happy': 'happy',
    'sad': 'sad',
    'surprise': 'surprised',
    'neutral': 'neutral',
}
FACES = '/humans/faces'
#: Faces that have topics at most: each has four, and each topic costs the middleware.
MOST_FACES = 50
#: Width and height of ``cropped`` in pixels: what REP-155 has where its parameters are not set.
CROPPED_SIZE = (128, 128)


class HumansOutput:
    """
    Publishes ``/humans/faces/tracked`` and, per face, what is known of it.

    A face's topics come when it is first seen, if it is among the ``MOST_FACES`` largest then.
    They and its id in ``tracked`` stay while the tracker follows it, also where the detector
    misses it for a moment, since listeners forget a face that is not listed.  Where that would
    be more than ``MOST_FACES``, those that were not seen for longest go first.
    """

    def __init__(self, outputs, node_name: str):
        """Raise ``FacePerceptionError`` where hri_msgs is missing."""
        self._messages = optional_messages('hri_msgs', 'humans.enabled')
        self._outputs = outputs
        # Part of a topic's name: letters, digits and _ only, unique among several nodes.
        self._prefix = re.sub(r'\W+', '_', node_name.strip('/')) + '_'
        self._tracked = outputs.create(self._messages.IdsList, f'{FACES}/tracked')
        #: Publishers by the face's id; those that were seen last stand last.
        self._faces: dict[str, dict] = {}

    def publish(self, header: Header, image: np.ndarray, result: FrameResult) -> None:
        """Publish the faces of one image."""
        faces = result.faces[:MOST_FACES]  # the largest come first
        present = {self._prefix + face.track_id: face for face in faces}
        absent = [
            name
            for name in self._faces
            if name not in present and name.removeprefix(self._prefix) in result.followed
        ]
        room = MOST_FACES - len(present)
        self._remove_all_but({*present, *absent[max(len(absent) - room, 0) :]})
        for name, face in present.items():
            publishers = self._faces.pop(name, None) or self._create(name)
            self._faces[name] = publishers
            self._publish_face(publishers, header, image, face)
        self._tracked.publish(self._messages.IdsList(header=header, ids=list(self._faces)))

    def nobody(self, header: Header) -> None:
        """Say that no face is seen any more, as no images come: else listeners keep the last."""
        if self._faces:
            self._remove_all_but(())
            self._tracked.publish(self._messages.IdsList(header=header, ids=[]))

    def _remove_all_but(self, names: Collection[str]) -> None:
        for gone in set(self._faces) - set(names):
            for publisher in self._faces.pop(gone).values():
                self._outputs.remove(publisher)

    def _create(self, name: str) -> dict:
        types = {
            'roi': self._messages.NormalizedRegionOfInterest2D,
            'cropped': Image,
            'expression': self._messages.Expression,
            'softbiometrics': self._messages.SoftBiometrics,
        }
        return {
            topic: self._outputs.create(kind, f'{FACES}/{name}/{topic}', active=True)
            for topic, kind in types.items()
        }

    def _publish_face(
        self, publishers: dict, header: Header, image: np.ndarray, face: Face
    ) -> None:
        height, width = image.shape[:2]
        publishers['roi'].publish(region(self._messages, header, face, width, height))
        if publishers['cropped'].get_subscription_count():
            publishers['cropped'].publish(image_message(header, crop(image, face)))
        if face.emotion and face.emotion.label:
            publishers['expression'].publish(expression(self._messages, header, face.emotion))
        if face.gender:
            publishers['softbiometrics'].publish(
                soft_biometrics(self._messages, header, face.gender)
            )


def region(messages: ModuleType, header: Header, face: Face, width: int, height: int):
    """Return a NormalizedRegionOfInterest2D for an image of ``width`` x ``height`` pixels."""
    box = face.box
    return messages.NormalizedRegionOfInterest2D(
        header=header,
        xmin=box.x / width,
        ymin=box.y / height,
        xmax=(box.x + box.width) / width,
        ymax=(box.y + box.height) / height,
        c=float(face.score),
    )


def expression(messages: ModuleType, header: Header, emotion: Classification):
    """Return an Expression; valence and arousal are not estimated and stay 0."""
    return messages.Expression(
        header=header,
        expression=EXPRESSIONS[emotion.label],
        confidence=emotion.confidence,
    )


def soft_biometrics(messages: ModuleType, header: Header, gender: Classification):
    """Return a SoftBiometrics; age is not estimated and stays 0 with confidence 0."""
    return messages.SoftBiometrics(
        header=header,
        gender=GENDER_VALUES.get(gender.label, GENDER_UNDEFINED),
        gender_confidence=gender.confidence,
    )


def crop(image: np.ndarray, face: Face) -> np.ndarray:
    """
    Return the face's box of a uint8 ``[H, W, 3]`` BGR image as uint8 ``[128, 128, 3]``.

    It is scaled with its proportions kept, and stands in the middle of black.
    """
    x, y = int(face.box.x), int(face.box.y)
    part = image[y : y + int(face.box.height), x : x + int(face.box.width)]
    return fit(part, CROPPED_SIZE)
