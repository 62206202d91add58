"""Write a trained network as an ONNX file: ``python -m face_perception.training.export --help``."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from onnx import ModelProto

from ..core.errors import FacePerceptionError
from ..core.models import CHECKSUMS
from .architectures import MiniXception, count_parameters, mini_xception
from .augmentation import center_crop
from .checkpoints import Checkpoint, load_checkpoint, write_atomically
from .datasets import FaceSet
from .evaluate import Sample, load, measure, samples_of
from .metrics import best_temperature
from .onnx_graph import build_model, set_metadata
from .recipe import RecipeError
from .tasks import load_task
from .train import to_tensor

ARCHITECTURE = 'mini_xception'
VERSION = '0.1.0'
DATA_SETS = {'emotion': ['FER-2013', 'FER+'], 'gender': ['UTKFace']}


def averaged_network(checkpoint: Checkpoint) -> MiniXception:
    """Return the network with the averaged weights of ``checkpoint``, ready for inference."""
    recipe = checkpoint.recipe
    network = mini_xception(recipe.channels, len(recipe.labels))
    network.load_state_dict(checkpoint.average)
    return network.eval()


@torch.inference_mode()
def fitted_temperature(network: MiniXception, faces: FaceSet, size: int) -> float:
    """Return the temperature that calibrates ``network`` on ``faces`` (see ``metrics``)."""
    images = center_crop(to_tensor(faces), size)
    logits = torch.cat([network(batch.float()) for batch in images.split(256)])
    return best_temperature(logits.numpy().astype(np.float64), faces.labels)


def metadata_of(checkpoint: Checkpoint, temperature: float) -> dict[str, str]:
    """Return what the file says about itself, save the measured accuracy."""
    recipe = checkpoint.recipe
    training = {'data_sets': DATA_SETS[recipe.task], 'recipe': recipe.as_dict(),
                'epochs': checkpoint.epoch, 'seed': recipe.seed, 'temperature': temperature}
    network = mini_xception(recipe.channels, len(recipe.labels))
    return {
        'task': recipe.task, 'labels': json.dumps(recipe.labels), 'color': recipe.color,
        'input_size': str(recipe.input_size), 'crop_margin': str(recipe.crop_margin),
        'version': VERSION, 'architecture': ARCHITECTURE,
        'parameters': str(count_parameters(network)),
        'training': json.dumps(training, sort_keys=True)}


def export(run: Path | str, data: Path | str, output: Path | str, haar: bool = False) -> dict:
    """
    Write the network of the folder ``run`` to ``output`` and list it in ``SHA256SUMS`` there.

    Calibrates it on the validation data in the folder ``data``, measures the finished graph
    there and writes the numbers, which it returns, into the file.  Raises ``RecipeError`` when
    ``run`` holds no checkpoint and ``DatasetError`` when data are missing.
    """
    checkpoint = load_checkpoint(run)
    if checkpoint is None:
        raise RecipeError(f'{run} holds no checkpoint: train first')
    recipe, network = checkpoint.recipe, averaged_network(checkpoint)
    _, validation = load_task(recipe, data)
    temperature = fitted_temperature(network, validation, recipe.input_size)
    metadata = metadata_of(checkpoint, temperature)
    model = build_model(network, temperature, recipe.input_size, metadata)
    numbers = measure_served(model, samples_of(recipe.task, data, recipe.crop_margin), haar)
    set_metadata(model, {**metadata, 'accuracy': json.dumps(numbers)})
    content = model.SerializeToString(deterministic=True)
    write_atomically(output, content)
    record_sum(Path(output), content)
    return numbers


def measure_served(model: ModelProto, samples: list[Sample], haar: bool) -> dict[str, float]:
    """Return what ``evaluate.measure`` says of ``model``, loaded from a file as the node does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'model.onnx'
        path.write_bytes(model.SerializeToString())
        return measure(load(path), samples, haar)


def record_sum(path: Path, content: bytes) -> None:
    """Enter the SHA-256 of the file at ``path`` into ``SHA256SUMS`` beside it."""
    sums = path.with_name(CHECKSUMS)
    lines = sums.read_text(encoding='ascii').splitlines() if sums.is_file() else []
    entries = dict(reversed(line.split(maxsplit=1)) for line in lines)
    entries[path.name] = hashlib.sha256(content).hexdigest()
    text = ''.join(f'{digest}  {name}\n' for name, digest in sorted(entries.items()))
    write_atomically(sums, text.encode('ascii'))


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description='Write a trained network as an ONNX file.')
    parser.add_argument('run', help='folder of the run')
    parser.add_argument('--data', required=True, help='folder with the data sets')
    parser.add_argument('--output', required=True, help='ONNX file to write')
    parser.add_argument('--haar', action='store_true',
                        help="measure with a Haar cascade's boxes too (slower)")
    arguments = parser.parse_args()
    try:
        numbers = export(arguments.run, arguments.data, arguments.output, arguments.haar)
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    for name, value in numbers.items():
        print(f'{name:32s} {value}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
