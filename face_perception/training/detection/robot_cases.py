"""How a face detector fares where robots meet faces: near, turned away, covered, backlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...core.detectors import Detector
from .average_precision import SMALLEST, Found, curve
from .measure import at_threshold, predictions, scaled
from .scenes import Scene

#: What WIDER FACE's annotators noted of a face: a name, its attribute and the value.
NOTED = {
    'clear, frontal, uncovered': {'pose': 0, 'occlusion': 0, 'blur': 0, 'illumination': 0},
    'unusual pose (profile, tilted)': {'pose': 1},
    'partly covered (mask, hand)': {'occlusion': 1},
    'mostly covered': {'occlusion': 2},
    'hard light (backlit, dark)': {'illumination': 1},
    'blurred': {'blur': 1},
    'very blurred': {'blur': 2},
}
#: A near face has this share of the image's height.
NEAR_SHARE = 0.5
#: Lower faces, in pixels at the protocol's size, have too few to be near ones.
SMALLEST_NEAR = 60.0


def measure_cases(
    detector: Detector, scenes: Sequence[Scene], threshold: float
) -> dict[str, dict[str, float]]:
    """
    Return for each case how many ``faces`` there are, and the ``recall`` at ``threshold``.

    The cases are those that the scenes' attributes name, for faces from the protocol's size on,
    and ``half of the image's height``: cuts around faces, of that height.
    """
    scenes = [scaled(scene) for scene in scenes]
    found = predictions(detector, scenes)
    cases = {}
    for name, values in NOTED.items():
        cases[name] = _recall([_only(scene, values) for scene in scenes], found, threshold)
    cuts = [cut for scene in scenes for cut in near_cuts(scene)]
    cases["half of the image's height"] = _recall(cuts, predictions(detector, cuts), threshold)
    return {name: numbers for name, numbers in cases.items() if numbers['faces']}


def near_cuts(scene: Scene) -> list[Scene]:
    """Return a cut of ``scene`` around each face that is large enough, in which it is near."""
    cuts = []
    height, width = scene.image.shape[:2]
    for number in np.flatnonzero(~scene.ignored):
        x1, y1, x2, y2 = scene.boxes[number]
        tall = min((y2 - y1) / NEAR_SHARE, height)
        if y2 - y1 < SMALLEST_NEAR or tall < (y2 - y1) / NEAR_SHARE:
            continue
        wide = min(tall * 4 / 3, width)
        left = round(float(np.clip((x1 + x2 - wide) / 2, 0, width - wide)))
        top = round(float(np.clip((y1 + y2 - tall) / 2, 0, height - tall)))
        image = scene.image[top : top + round(tall), left : left + round(wide)]
        boxes = scene.boxes - np.array([left, top, left, top], np.float32)
        others = np.arange(len(boxes)) != number
        # Not enlarged, which would only make it a blur: a small image that the face fills.
        cuts.append(replace(scene, image=np.ascontiguousarray(image), boxes=boxes, ignored=others))
    return cuts


def _only(scene: Scene, values: dict[str, int]) -> Scene:
    """Return ``scene`` with all faces ignored whose attributes are not those of ``values``."""
    fits = np.full(len(scene.boxes), all(name in scene.attributes for name in values))
    for name in values.keys() & scene.attributes.keys():
        fits &= scene.attributes[name] == values[name]
    return replace(scene, ignored=scene.ignored | ~fits)


def _recall(scenes: Sequence[Scene], found: Sequence[Found], threshold: float) -> dict[str, float]:
    faces = sum(
        int((~scene.ignored & (scene.boxes[:, 3] - scene.boxes[:, 1] >= SMALLEST)).sum())
        for scene in scenes
    )
    recall = at_threshold(curve(scenes, found), threshold)[1] if faces else 0.0
    return {'faces': faces, 'recall': round(recall, 4)}
