"""Measure a face detector as the node runs it, on scenes that it did not learn from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ...core.detectors import Detector
from ..jpeg import through_jpeg
from .average_precision import BINS, LONG_SIDE, SMALLEST, Curve, Found, curve
from .scenes import Scene, Split

#: Sizes of the input, in pixels of its long side, that a user may choose from.
INPUT_SIZES = (160, 240, 320, 480, 640)
#: A height of face counts as found where this share of such faces is.
FOUND_SHARE = 0.5
#: Thresholds of the score that a user may choose from.
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
#: What a recommended threshold is to keep: the share of boxes that are faces, and how many boxes
#: there are at most on a hundred images without a face.
PRECISION, ALARMS_PER_100 = 0.93, 2.0
#: A cut of a scene that shows no face has at least this many pixels on its shorter side.
SMALLEST_CUT = 120

_logger = logging.getLogger(__name__)

#: What cameras do to a scene: name to a function of a uint8 BGR image.
CONDITIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'gray': lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
    'dark': lambda image: (image * 0.25).astype(np.uint8),
    'overexposed': lambda image: np.minimum(image * 2.0, 255).astype(np.uint8),
    'blurred': lambda image: cv2.GaussianBlur(image, (0, 0), 2.0),
    'noisy': lambda image: (
        (image + np.random.default_rng(0).normal(0, 16, image.shape)).clip(0, 255).astype(np.uint8)
    ),
    'jpeg': lambda image: through_jpeg(image, 20),
}


def scaled(scene: Scene, long_side: int = LONG_SIDE) -> Scene:
    """Return ``scene`` with an image whose long side has ``long_side`` pixels."""
    scale = long_side / max(scene.image.shape[:2])
    if scale == 1:
        return scene
    size = [max(1, round(side * scale)) for side in scene.image.shape[1::-1]]
    image = cv2.resize(
        scene.image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    factors = np.array([size[0] / scene.image.shape[1], size[1] / scene.image.shape[0]] * 2)
    return replace(scene, image=image, boxes=(scene.boxes * factors).astype(np.float32))


def predictions(detector: Detector, scenes: Iterable[Scene]) -> list[Found]:
    """Return what ``detector`` finds in each image."""
    found = []
    for scene in scenes:
        detections = detector.detect(scene.image)
        boxes = [
            (box.x, box.y, box.x + box.width, box.y + box.height)
            for box in (detection.box for detection in detections)
        ]
        found.append(
            Found(
                np.array(boxes, dtype=np.float32).reshape(-1, 4),
                np.array([detection.score for detection in detections]),
            )
        )
    return found


def measure(detector: Detector, scenes: Sequence[Scene], threshold: float) -> dict[str, float]:
    """
    Return the numbers of ``detector``, which is to give all boxes, however little they score.

    ``scenes`` are brought to the protocol's size; ``precision`` and ``recall`` are those at
    ``threshold``, the default of the file, and ``false_per_100_cuts`` how many boxes it lets
    pass on a hundred pieces of the scenes that show no face.
    """
    scenes = [scaled(scene) for scene in scenes]
    found = predictions(detector, scenes)
    points = curve(scenes, found)
    precision, recall = at_threshold(points, threshold)
    numbers = {
        'images': len(scenes),
        'faces': count(scenes, (SMALLEST, np.inf)),
        'average_precision': points.average,
        **{
            f'average_precision_{bin_name(*heights)}': curve(scenes, found, heights).average
            for heights in BINS
        },
        'precision': precision,
        'recall': recall,
    }
    cuts = [cut for scene in scenes if (cut := without_faces(scene)) is not None]
    alarms = sum(int((each.scores >= threshold).sum()) for each in predictions(detector, cuts))
    if cuts:
        numbers |= {'cuts': len(cuts), 'false_per_100_cuts': 100 * alarms / len(cuts)}
    return {name: round(value, 4) for name, value in numbers.items()}


def measure_conditions(detector: Detector, scenes: Sequence[Scene]) -> dict[str, float]:
    """Return the average precision on ``scenes`` under each of ``CONDITIONS``, and ``tilted``."""
    scenes = [scaled(scene) for scene in scenes]
    changes = {
        name: lambda scene, change=change: replace(scene, image=change(scene.image))
        for name, change in CONDITIONS.items()
    } | {'tilted': tilted}
    numbers = {}
    for name, change in changes.items():  # one after the other: all at once fill the memory
        changed = [change(scene) for scene in scenes]
        numbers[name] = round(curve(changed, predictions(detector, changed)).average, 4)
    return numbers


def measure_thresholds(
    detector: Detector, scenes: Sequence[Scene], thresholds: Iterable[float] = THRESHOLDS
) -> dict[float, dict[str, float]]:
    """Return ``precision``, ``recall`` and ``false_per_100_cuts`` (see ``measure``) of each."""
    scenes = [scaled(scene) for scene in scenes]
    points = curve(scenes, predictions(detector, scenes))
    cuts = [cut for scene in scenes if (cut := without_faces(scene)) is not None]
    scores = _scores(predictions(detector, cuts))
    numbers = {}
    for threshold in sorted(set(thresholds)):
        precision, recall = at_threshold(points, threshold)
        alarms = 100 * float((scores >= threshold).sum()) / max(len(cuts), 1)
        numbers[threshold] = {
            'precision': round(precision, 4),
            'recall': round(recall, 4),
            'false_per_100_cuts': round(alarms, 2),
        }
    return numbers


def smallest_found(detector: Detector, scenes: Sequence[Scene], threshold: float) -> float:
    """
    Return from which height on, in pixels, ``FOUND_SHARE`` of the faces are found.

    Heights are in pixels of the image at the protocol's size, in steps of a quarter;
    infinite where that many are never found.
    """
    scenes = [scaled(scene) for scene in scenes]
    found = predictions(detector, scenes)
    edges = 12 * 1.25 ** np.arange(16)
    shares = [
        at_threshold(curve(scenes, found, bounds), threshold)[1]
        for bounds in zip(edges, [*edges[3:], np.inf, np.inf, np.inf], strict=True)
    ]
    enough = [edge for edge, share in zip(edges, shares, strict=True) if share >= FOUND_SHARE]
    return round(float(enough[0]), 1) if enough else float('inf')


def at_threshold(points: Curve, threshold: float) -> tuple[float, float]:
    """Return precision and recall of the boxes that score ``threshold`` or more."""
    kept = int((points.scores >= threshold).sum())
    if kept == 0:
        return 1.0, 0.0
    return float(points.precision[kept - 1]), float(points.recall[kept - 1])


def at_precision(points: Curve, precision: float) -> float:
    """Return the largest recall at which at least ``precision`` of the boxes are faces."""
    enough = np.flatnonzero(points.precision >= precision)
    return float(points.recall[enough[-1]]) if len(enough) else 0.0


def working_point(detector: Detector, split: Split, alarms_on: Sequence[str] = ()) -> float:
    """
    Return the lowest threshold at which few boxes are wrong, in steps of 0.01 from 0.2 up.

    At least ``PRECISION`` of the boxes on the validation scenes are faces, and at most
    ``ALARMS_PER_100`` boxes are found on a hundred of the scenes kept apart that show no face,
    of the events ``alarms_on`` (none named: of all), and on a hundred pieces without a face of
    the validation scenes.  A single box is always let pass: of fewer than fifty scenes it says
    nothing about a hundred.  Where no threshold does, that is warned of, and the highest returned.
    """
    scenes = [scaled(scene) for scene in split.validation]
    points = curve(scenes, predictions(detector, scenes))
    empty = [
        scaled(scene)
        for scene in face_free(split.apart)
        if not alarms_on or scene.event in alarms_on
    ]
    cuts = [cut for scene in scenes if (cut := without_faces(scene)) is not None]
    alarms = [(_scores(predictions(detector, part)), len(part)) for part in (empty, cuts)]
    for threshold in np.round(np.arange(0.2, 0.95, 0.01), 2):
        few = all(
            (scores >= threshold).sum() <= max(ALARMS_PER_100 * number / 100, 1)
            for scores, number in alarms
        )
        if few and at_threshold(points, threshold)[0] >= PRECISION:
            break
    else:
        _logger.warning(
            'no threshold keeps false boxes rare, and %.2f is only the highest that was tried: '
            'train for longer, or on more scenes, also ones without a face',
            threshold,
        )
    return round(float(threshold), 2)


def measure_apart(
    detector: Detector, scenes: Sequence[Scene], threshold: float
) -> dict[str, dict[str, float]]:
    """
    Return by event of scenes kept apart what ``detector`` does with them.

    Of each event the number of ``images`` and ``faces``, and either the ``average_precision``
    and ``recall`` at ``threshold``, or ``false_per_100`` boxes on a hundred images without a face.
    """
    numbers: dict[str, dict[str, float]] = {}
    for event in sorted({scene.event for scene in scenes}):
        chosen = [scaled(scene) for scene in scenes if scene.event == event]
        found = predictions(detector, chosen)
        faces = count(chosen, (SMALLEST, np.inf))
        numbers[event] = {'images': len(chosen), 'faces': faces}
        if faces:
            points = curve(chosen, found)
            numbers[event]['average_precision'] = round(points.average, 4)
            numbers[event]['recall'] = round(at_threshold(points, threshold)[1], 4)
        else:
            alarms = int((_scores(found) >= threshold).sum())
            numbers[event]['false_per_100'] = round(100 * alarms / len(chosen), 2)
    return numbers


def alarms_per_100(apart: dict[str, dict[str, float]], alarms_on: Sequence[str] = ()) -> float:
    """
    Return the false boxes on a hundred images without a face (see ``measure_apart``).

    Of the events ``alarms_on``; none named: of all.
    """
    empty = [
        numbers
        for event, numbers in apart.items()
        if 'false_per_100' in numbers and (not alarms_on or event in alarms_on)
    ]
    images = sum(numbers['images'] for numbers in empty)
    alarms = sum(numbers['false_per_100'] * numbers['images'] for numbers in empty)
    return round(alarms / images, 2) if images else 0.0


def face_free(scenes: Iterable[Scene]) -> list[Scene]:
    """Return the scenes that show no face, not even one to be ignored."""
    return [scene for scene in scenes if len(scene.boxes) == 0]


def _scores(found: Iterable[Found]) -> np.ndarray:
    """Return all scores ``[N]``."""
    return np.concatenate([np.zeros(0), *(each.scores for each in found)])


def without_faces(scene: Scene) -> Scene | None:
    """Return the largest half or third of ``scene`` that no box touches, else ``None``."""
    height, width = scene.image.shape[:2]
    cuts = [(0, 0, width, height)] if len(scene.boxes) == 0 else []
    for share in (1 / 2, 1 / 3):
        cuts += [
            (0, 0, width, int(height * share)),
            (0, int(height * (1 - share)), width, height),
            (0, 0, int(width * share), height),
            (int(width * (1 - share)), 0, width, height),
        ]
    for left, top, right, bottom in cuts:
        apart = (
            (scene.boxes[:, 0] >= right)
            | (scene.boxes[:, 2] <= left)
            | (scene.boxes[:, 1] >= bottom)
            | (scene.boxes[:, 3] <= top)
        )
        if apart.all() and min(right - left, bottom - top) >= SMALLEST_CUT:
            return Scene(
                scene.name,
                np.ascontiguousarray(scene.image[top:bottom, left:right]),
                np.zeros((0, 4), np.float32),
                np.zeros(0, bool),
            )
    return None


def count(scenes: Sequence[Scene], heights: tuple[float, float]) -> int:
    """Return how many faces of ``scenes``, not ignored, have a height in ``heights``."""
    tall = np.concatenate(
        [(scene.boxes[:, 3] - scene.boxes[:, 1])[~scene.ignored] for scene in scenes]
    )
    return int(((tall >= heights[0]) & (tall < heights[1])).sum())


def bin_name(low: float, high: float) -> str:
    """Return how a bin of heights is called in the numbers, such as ``24_to_48``."""
    return f'over_{low:.0f}' if np.isinf(high) else f'{low:.0f}_to_{high:.0f}'


def tilted(scene: Scene, degrees: float = 20.0) -> Scene:
    """Return ``scene`` turned around its middle; boxes become those of the turned ellipses."""
    height, width = scene.image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    image = cv2.warpAffine(scene.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    centers = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    halves = np.sqrt(((scene.boxes[:, 2:] - scene.boxes[:, :2]) / 2) ** 2 @ matrix[:, :2].T ** 2)
    boxes = np.concatenate([centers - halves, centers + halves], axis=1).astype(np.float32)
    outside = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > (width, height)).any(axis=1)
    return Scene(scene.name, image, boxes, scene.ignored | outside)
