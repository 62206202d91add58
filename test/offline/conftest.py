"""Results that are made up, for what is written from them."""

import numpy as np
import pytest

from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Face, FrameResult
from face_perception.offline.types import Frame, Stages

BOX = Box(40, 30, 40, 40)
STAGES = Stages(decode=0.002, detect=0.010, track=0.0004, classify=0.005)


class Made:
    """Makes frames, faces and results."""

    stages = STAGES

    @staticmethod
    def face(track_id='1', emotion='happy', gender='female', box=BOX):
        """Return a face that is 80 % sure of its labels."""

        def answer(labels, label):
            rest = 0.2 / (len(labels) - 1)
            return label and Classification(
                labels, np.array([0.8 if one == label else rest for one in labels], np.float32)
            )

        return Face(
            box, 0.9, answer(GENDERS, gender) or None, answer(EMOTIONS, emotion) or None, track_id
        )

    @staticmethod
    def frame(index, picture=None, rate=10.0, topic='', name='', begin_ns=0):
        """Return a frame of a stream."""
        if picture is None:
            picture = np.full((120, 160, 3), 40 + index % 100, np.uint8)
        return Frame(picture, index, begin_ns + round(index * 1e9 / rate), topic, '', name)

    @staticmethod
    def result(*faces):
        """Return what was seen in a frame."""
        return FrameResult(160, 120, list(faces))


@pytest.fixture(scope='session')
def made():
    """Return the maker of results."""
    return Made
