"""Change an exported file, measure it as the node would serve it, and list its sum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from onnx import ModelProto

from .checkpoints import check_output, write_model
from .data import load_samples
from .onnx_graph import set_metadata


def write_measured(
    path: Path,
    model: ModelProto,
    metadata: dict[str, str],
    data: Sequence[str],
    detectors: Sequence[str],
    malformed: str,
) -> dict[str, float]:
    """
    Write ``model`` to ``path`` with ``metadata`` and its accuracy on what ``data`` hold out.

    ``detectors`` and the numbers returned are those of ``classifier_report.measure``.  The sum
    goes into ``SHA256SUMS`` beside the file.
    """
    from .export import measure_served

    check_output(path)
    set_metadata(model, metadata)
    margin = float(metadata['crop_margin'])
    samples = load_samples(metadata['task'], data, margin, malformed=malformed)
    numbers = measure_served(model, samples, detectors)
    set_metadata(model, {**metadata, 'accuracy': json.dumps(numbers)})
    write_model(path, model)
    return numbers
