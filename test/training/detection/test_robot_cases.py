"""The cases that a robot meets, on scenes whose faces are said to be such."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.core.types import Box, Detection  # noqa: E402
from face_perception.training.detection.robot_cases import (  # noqa: E402
    measure_cases,
    near_cuts,
)
from face_perception.training.detection.scenes import Scene, read_scenes  # noqa: E402


class BrightDetector:
    """Finds what is bright."""

    def detect(self, image):
        bright = (cv2.blur(image, (7, 7)).mean(axis=2) > 120).astype(np.uint8)
        return [
            Detection(Box(x, y, w, h), 0.9)
            for x, y, w, h, _ in cv2.connectedComponentsWithStats(bright)[2][1:].tolist()
            if w > 20 and h > 20
        ]


def scene(*faces, **attributes):
    """Return a dark image of 640x480 with a bright square per face: x, y, side."""
    image = np.full((480, 640, 3), 20, np.uint8)
    boxes = []
    for x, y, side in faces:
        image[y : y + side, x : x + side] = 220
        boxes.append([x, y, x + side, y + side])
    return Scene(
        '',
        image,
        np.array(boxes, np.float32),
        np.zeros(len(faces), bool),
        attributes={name: np.array(values) for name, values in attributes.items()},
    )


def test_recall_is_that_of_the_faces_of_each_case():
    shown = scene(
        (50, 50, 100),
        (300, 200, 100),
        pose=[0, 1],
        occlusion=[0, 2],
        blur=[0, 0],
        illumination=[0, 0],
    )
    shown.image[200:300, 300:400] = 20  # the second cannot be seen
    cases = measure_cases(BrightDetector(), [shown], 0.5)
    assert cases['clear, frontal, uncovered'] == {'faces': 1, 'recall': 1.0}
    assert cases['unusual pose (profile, tilted)'] == {'faces': 1, 'recall': 0.0}
    assert cases['mostly covered'] == {'faces': 1, 'recall': 0.0}
    assert 'blurred' not in cases  # nobody is
    assert cases["half of the image's height"] == {'faces': 2, 'recall': 0.5}


def test_small_faces_and_those_without_attributes_are_in_no_case():
    small = scene((50, 50, 20), pose=[1])
    assert measure_cases(BrightDetector(), [small, scene((300, 200, 30))], 0.5) == {}


@pytest.mark.parametrize('face', [(5, 10, 80), (300, 200, 120), (560, 400, 70)])
def test_a_near_face_is_half_as_high_as_its_image(face):
    (cut,) = near_cuts(scene(face))
    assert cut.image.shape[1] <= 640 and cut.image.shape[0] == 2 * face[2]
    x1, y1, x2, y2 = cut.boxes[0]
    assert (y2 - y1) / cut.image.shape[0] == pytest.approx(0.5, abs=0.02)
    inside = cut.image[round(y1) : round(y2), round(x1) : round(x2)]
    assert inside.mean() > 210 and cut.image[0, cut.image.shape[1] // 2].max() < 60


def test_ignored_faces_and_those_that_cannot_come_near_give_no_cut():
    assert near_cuts(scene((10, 10, 300), (500, 10, 40))) == []
    one = scene((300, 200, 120))
    assert near_cuts(replace(one, ignored=np.ones(1, bool))) == []


def test_attributes_are_read_from_the_file(scenes_folder):
    import json
    import zipfile

    with zipfile.ZipFile(scenes_folder / 'scenes.zip') as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = json.loads(parts['annotations.json'])
    content['annotations'][0]['attributes'] = {'pose': 1}
    parts['annotations.json'] = json.dumps(content)
    with zipfile.ZipFile(scenes_folder / 'more.zip', 'w') as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    first = read_scenes(scenes_folder / 'more.zip')[0]
    assert first.attributes['pose'].tolist() == [1, 0] and 'invalid' not in first.attributes
    assert not first.ignored.any()
