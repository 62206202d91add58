"""What the commands ``face_perception_export`` and ``_evaluate`` do with a face detector."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onnx import ModelProto
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ...core.detectors import HaarDetector, OnnxDetector
from ...core.errors import ModelError
from ...core.onnx_models import DetectorModel
from ..architectures import count_parameters
from ..checkpoints import check_output, write_atomically, write_model
from ..onnx_graph import set_metadata
from ..plots import precision_recall
from ..provenance import KEPT
from ..recipe import DetectorRecipe, recipe_from
from .average_precision import LONG_SIDE, Curve, curve
from .calibration import calibrate, fitted
from .graph import build_detector_model
from .learner import network_of
from .measure import (
    INPUT_SIZES,
    THRESHOLDS,
    alarms_per_100,
    measure,
    measure_apart,
    measure_conditions,
    measure_thresholds,
    predictions,
    scaled,
    smallest_found,
    working_point,
)
from .network import MULTIPLE
from .robot_cases import measure_cases
from .scenes import load_scenes

VERSION = '0.1.0'
#: Boxes that score less are not even measured.
LOWEST_SCORE = 0.001

_logger = logging.getLogger(__name__)


def export_detector(
    checkpoint: dict, data: Path | str, output: Path | str, malformed: str = 'stop'
) -> dict:
    """
    Write the averaged detector of ``checkpoint`` to ``output``, list its sum, return its numbers.

    Its scores are calibrated on the held-out scenes, and the recommended threshold is the lowest
    that keeps false boxes rare there (see ``working_point``).
    """
    recipe = checkpoint['recipe']
    network = network_of(checkpoint)
    training = {
        'data_sets': {},
        **{name: checkpoint[name] for name in KEPT if name in checkpoint},
        'recipe': recipe.as_dict(),
        'epochs': checkpoint['epoch'],
        'seed': recipe.seed,
    }
    metadata = {
        'version': VERSION,
        'architecture': 'face_detector',
        'parameters': str(count_parameters(network)),
        'training': json.dumps(training, sort_keys=True),
    }
    model = build_detector_model(network, metadata)
    return finish_detector(model, metadata, recipe, data, output, malformed)


def finish_detector(
    model: ModelProto,
    metadata: dict[str, str],
    recipe: DetectorRecipe,
    data: Path | str,
    output: Path | str,
    malformed: str = 'stop',
) -> dict:
    """
    Calibrate the detector's graph ``model``, measure it, write it, and return its numbers.

    ``metadata`` are those that no measurement tells, ``recipe`` says what is held out.  See
    ``export_detector`` for the rest.
    """
    output = check_output(output)
    split = load_scenes(recipe, data, malformed)
    scenes = [scaled(scene) for scene in split.validation]
    metadata = _contract(metadata)
    with _served(model, metadata, output) as detector:
        slope, offset = fitted(curve(scenes, predictions(detector, scenes)))
    calibrate(model, slope, offset)
    metadata['training'] = json.dumps(
        {**json.loads(metadata['training']), 'calibration': [slope, offset]}, sort_keys=True
    )
    with _served(model, metadata, output) as detector:
        metadata['score_threshold'] = str(
            threshold := working_point(detector, split, recipe.alarms_on)
        )
    with _served(model, metadata, output) as detector:
        numbers = measure(detector, scenes, threshold)
        apart = measure_apart(detector, split.apart, threshold)
        numbers['false_per_100_face_free'] = alarms_per_100(apart, recipe.alarms_on)
    if numbers['recall'] == 0:  # no box is wrong then: the precision is perfect
        _logger.warning(
            'the detector finds none of the %d faces held out at its threshold, %g: '
            'train for longer, or on more scenes',
            numbers['faces'],
            threshold,
        )
    set_metadata(model, {**metadata, 'accuracy': json.dumps(numbers)})
    write_model(output, model)
    return {**numbers, 'score_threshold': threshold}


def _contract(metadata: dict[str, str]) -> dict[str, str]:
    """Return ``metadata`` and what every file of a detector says, with a threshold for a trial."""
    return {
        **metadata,
        'task': DetectorRecipe.task,
        'input_multiple': str(MULTIPLE),
        'score_threshold': '0.5',
    }


@contextmanager
def _served(model: ModelProto, metadata: dict[str, str], output: Path) -> Iterator[OnnxDetector]:
    """Give ``model`` as the runtime runs it, with all boxes that are measured."""
    aside = output.with_name(output.name + '.trial')
    set_metadata(model, metadata)
    try:
        write_atomically(aside, model.SerializeToString(deterministic=True))
        yield OnnxDetector(aside, LONG_SIDE, LOWEST_SCORE)
    finally:
        aside.unlink(missing_ok=True)


def detector_report(
    path: Path | str, data: Path | str, malformed: str = 'stop', haar: bool = False
) -> dict:
    """
    Return what is measured of the detector at ``path`` on the scenes that its recipe held out.

    ``numbers`` as of ``measure``; ``conditions`` the average precision by condition; ``cases``
    what ``measure_cases`` says at the file's threshold; ``apart`` what ``measure_apart`` says of
    the scenes kept apart; ``thresholds`` what others give (see ``measure_thresholds``);
    ``sizes`` by input size the average precision and the smallest face that is found, ``None``
    where none is; ``curves``
    recall and precision by detector, with ``haar`` also of OpenCV's
    cascade.  Raises ``ModelError`` for a file that is no detector or does not say how it was
    trained.
    """
    detector = OnnxDetector(Path(path), LONG_SIDE, LOWEST_SCORE)
    recipe = recipe_of(detector.model)
    split = load_scenes(recipe, data, malformed)
    threshold = detector.model.score_threshold
    scenes = [scaled(scene) for scene in split.validation]
    numbers = measure(detector, scenes, threshold)
    curves = {'ours': _points(curve(scenes, predictions(detector, scenes)))}
    sizes: dict[int, dict] = {}
    report = {
        'model': {
            'file': Path(path).name,
            'sha256': detector.model.sha256,
            'score_threshold': threshold,
        },
        'numbers': numbers,
        'conditions': measure_conditions(detector, scenes),
        'cases': measure_cases(detector, scenes, threshold),
        'apart': measure_apart(detector, split.apart, threshold),
        'thresholds': measure_thresholds(detector, scenes, (*THRESHOLDS, threshold)),
        'sizes': sizes,
        'curves': curves,
    }
    if haar:
        points = curve(scenes, predictions(HaarDetector(LONG_SIDE, 0.0), scenes))
        curves['Haar'] = _points(points)
        numbers['average_precision_haar'] = round(points.average, 4)
    for size in INPUT_SIZES:
        detector.input_size = size
        smallest = smallest_found(detector, scenes, threshold)
        sizes[size] = {
            'average_precision': round(curve(scenes, predictions(detector, scenes)).average, 4),
            'smallest_face': smallest if math.isfinite(smallest) else None,  # JSON has no infinity
        }
    return report


def recipe_of(model: DetectorModel) -> DetectorRecipe:
    """Return the recipe in a file's metadata; raises ``ModelError`` where there is none."""
    metadata = model.session.get_modelmeta().custom_metadata_map
    try:
        recipe = recipe_from(json.loads(metadata['training'])['recipe'])
    except (KeyError, ValueError) as error:
        raise ModelError(
            f'{model.path} does not say what it was trained on: train and export it with '
            'this package'
        ) from error
    if not isinstance(recipe, DetectorRecipe):
        raise ModelError(f'{model.path} says that it was trained as a classifier')
    return recipe


def detector_tables(report: dict) -> list[Table]:
    """Return what ``detector_report`` found as tables to read in a terminal."""
    model = report['model']
    overall = Table(
        'number',
        'value',
        caption=escape(f'{model["file"]}, held-out scenes, threshold {model["score_threshold"]:g}'),
    )
    for name, value in report['numbers'].items():
        overall.add_row(name, f'{value:g}')
    conditions = Table('condition', 'average precision')
    for name, value in report['conditions'].items():
        conditions.add_row(name, f'{value:.3f}')
    cases = Table('case', 'faces', 'recall')
    for name, values in report['cases'].items():
        cases.add_row(name, str(values['faces']), f'{values["recall"]:.3f}')
    apart = Table('kept apart', 'images', 'faces', 'average precision', 'recall', 'false per 100')
    for name, values in report['apart'].items():
        numbers = [values.get(key) for key in ('average_precision', 'recall', 'false_per_100')]
        shown = ['' if number is None else f'{number:g}' for number in numbers]
        apart.add_row(Text(name), str(values['images']), str(values['faces']), *shown)
    thresholds = Table('threshold', 'precision', 'recall', 'false boxes on 100 cuts')
    for threshold, values in report['thresholds'].items():
        thresholds.add_row(
            f'{threshold:g}',
            f'{values["precision"]:.3f}',
            f'{values["recall"]:.3f}',
            f'{values["false_per_100_cuts"]:.1f}',
        )
    sizes = Table(
        'input size',
        'average precision',
        'smallest face found',
        caption='pixels of an image whose long side has 640',
    )
    for size, numbers in report['sizes'].items():
        smallest = numbers['smallest_face']
        sizes.add_row(
            str(size),
            f'{numbers["average_precision"]:.3f}',
            'none' if smallest is None else f'{smallest:g}',
        )
    return [overall, conditions, cases, apart, thresholds, sizes]


def draw_curve(report: dict, path: Path) -> None:
    """Draw precision over recall of what ``detector_report`` measured."""
    numbers, model = report['numbers'], report['model']
    precision_recall(
        {
            name: (points['recall'], points['precision'])
            for name, points in report['curves'].items()
        },
        (model['score_threshold'], numbers['recall'], numbers['precision']),
        path,
        f'{model["file"]}, {numbers["images"]} held-out scenes, {numbers["faces"]} faces',
    )


def _points(points: Curve) -> dict[str, list[float]]:
    """Return recall and precision of ``points`` as plain numbers."""
    return {
        'recall': points.recall.round(4).tolist(),
        'precision': points.precision.round(4).tolist(),
    }
