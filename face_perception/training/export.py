"""Write a trained network as an ONNX file: ``face_perception_export --help``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from onnx import ModelProto
from torch import nn

from ..console.endings import exit_status
from .architectures import count_parameters
from .augmentation import center_crop
from .checkpoints import check_output, finished_checkpoint, write_model
from .classification import logits_of, network_of, to_tensor
from .classifier_report import measure
from .data import Data, FaceSet, Sample, load_samples, load_task
from .data.datasets import single, split_for_calibration
from .detection.commands import export_detector
from .exported import load
from .metrics import best_temperature
from .onnx_graph import build_model, set_metadata
from .options import add_detectors, add_malformed, print_numbers
from .provenance import KEPT
from .recipe import DetectorRecipe, Recipe, RecipeError

VERSION = '0.1.0'


def export(
    run: Path | str,
    data: Data,
    output: Path | str,
    detectors: Sequence[str] = (),
    malformed: str = 'stop',
) -> dict:
    """
    Write the network of the folder ``run`` to ``output`` and list it in ``SHA256SUMS`` there.

    Calibrates it on what of the training data the recipe keeps back for that, or else on the
    validation data, measures the finished graph there and
    writes the numbers, which it returns, into the file (``detectors`` as of
    ``classifier_report.measure``).  Raises ``RecipeError`` when ``run``
    holds no checkpoint and ``DatasetError`` when data are missing.
    """
    check_output(output)
    checkpoint = finished_checkpoint(run)
    recipe = checkpoint['recipe']
    if isinstance(recipe, DetectorRecipe):
        if detectors:
            raise RecipeError(f'{run} is a face detector, and --detectors is for classifiers')
        return export_detector(checkpoint, single(data), output, malformed)
    network = network_of(checkpoint)
    train, validation = load_task(recipe, data, malformed)
    _, calibration = split_for_calibration(train, recipe.calibration_share)
    temperature = fitted_temperature(
        network, calibration if len(calibration) else validation, recipe
    )
    metadata = metadata_of(checkpoint, network, temperature)
    model = build_model(network, temperature, recipe.input_size, metadata)
    samples = load_samples(recipe.task, data, recipe.crop_margin, malformed=malformed)
    numbers = measure_served(model, samples, detectors)
    set_metadata(model, {**metadata, 'accuracy': json.dumps(numbers)})
    write_model(output, model)
    return numbers


@torch.inference_mode()
def fitted_temperature(network: nn.Module, faces: FaceSet, recipe: Recipe) -> float:
    """Return the temperature that calibrates ``network`` on ``faces`` (see ``metrics``)."""
    images = center_crop(to_tensor(faces), recipe.input_size)
    logits = logits_of(network, images)
    if recipe.mirror:
        logits = (logits + logits_of(network, images.flip(3))) / 2
    return best_temperature(logits.numpy().astype(np.float64), faces.labels)


def metadata_of(checkpoint: dict, network: nn.Module, temperature: float) -> dict[str, str]:
    """
    Return what the file says about itself, save the measured accuracy.

    ``training`` holds what the run itself kept of what it learned from (``provenance``).
    """
    recipe = checkpoint['recipe']
    training = {
        'data_sets': {},
        **{name: checkpoint[name] for name in KEPT if name in checkpoint},
        'recipe': recipe.as_dict(),
        'epochs': checkpoint['epoch'],
        'seed': recipe.seed,
        'temperature': temperature,
    }
    return {
        'task': recipe.task,
        'labels': json.dumps(recipe.labels),
        'color': recipe.color,
        'input_size': str(recipe.input_size),
        'crop_margin': str(recipe.crop_margin),
        'mirror': str(recipe.mirror).lower(),
        'version': VERSION,
        'architecture': recipe.architecture,
        'parameters': str(count_parameters(network)),
        'training': json.dumps(training, sort_keys=True),
    }


def measure_served(
    model: ModelProto, samples: list[Sample], detectors: Sequence[str]
) -> dict[str, float]:
    """Return what ``classifier_report.measure`` says of ``model``, loaded as the node does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'model.onnx'
        path.write_bytes(model.SerializeToString())
        return measure(load(path), samples, detectors)


def run(arguments: argparse.Namespace) -> None:
    """Write the file and print its numbers."""
    numbers = export(
        arguments.run,
        arguments.data,
        arguments.output,
        arguments.detectors,
        arguments.malformed,
    )
    print_numbers(numbers)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='face_perception_export', description='Write a trained network as an ONNX file.'
    )
    parser.add_argument('run', help='folder of the run')
    parser.add_argument(
        '--data', required=True, nargs='+', help='files or folders with the data sets'
    )
    parser.add_argument('--output', required=True, help='ONNX file to write')
    add_detectors(parser, 'measure a classifier also with the boxes that these draw')
    add_malformed(parser)
    return exit_status(run, parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
