"""Exported files: written with their sums beside them, and changed and measured as served."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from onnx import ModelProto

from ..core.errors import ModelError
from .checkpoints import record_sum, write_atomically
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


def check_output(path: Path | str) -> Path:
    """
    Return where a file called ``path`` lies, behind links.

    To be asked before a network is measured for long.  Raises ``ModelError`` with what stands in
    the way of writing there: no name, no folder, or something that is no file.
    """
    there = Path(path).resolve()
    if not str(path) or there.is_dir():
        raise ModelError(f"'{path}' is no name of a file: give one that ends in .onnx")
    if not there.parent.is_dir():
        raise ModelError(f"the folder '{there.parent}' does not exist: make it first")
    if there.exists() and not there.is_file():
        raise ModelError(f"'{path}' is a device or a pipe: give the name of a file")
    return there


def write_model(path: Path | str, model: ModelProto) -> None:
    """
    Write an ONNX file, whole or not at all, and its sum into ``SHA256SUMS`` beside it.

    Raises ``ModelError`` as ``check_output`` does, and ``OSError``.
    """
    content = model.SerializeToString(deterministic=True)
    path = check_output(path)
    write_atomically(path, content)
    record_sum(path, hashlib.sha256(content).hexdigest())
