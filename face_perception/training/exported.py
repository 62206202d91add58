"""Classifiers from their ONNX files, and what these say about themselves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx

from ..core.attributes.classifier import Classifier
from ..core.errors import ModelError
from ..core.onnx_models import load_classifier
from ..core.text import LONGEST_WORDS, one_line
from .data import Sample
from .data.forms import LABELS

#: Faces per call of the network.
BATCH = 64


def load(path: Path | str) -> Classifier:
    """
    Load a classifier as the node does.

    Raises ``ModelError`` when it cannot be used, or has other labels than the data.
    """
    path = Path(path)
    task = metadata_of(path).get('task', '')
    model = load_classifier(path, task)
    if model.labels != LABELS.get(task):
        raise ModelError(
            f'{path} predicts {", ".join(model.labels)}; what can be measured is '
            f'{" or ".join(", ".join(labels) for labels in LABELS.values())}'
        )
    return Classifier(model)


def graph_of(path: Path) -> onnx.ModelProto:
    """Return what an ONNX file holds; raises ``ModelError`` when it is none."""
    if not path.is_file():
        raise ModelError(f"model file '{path}' does not exist")
    try:
        return onnx.load(str(path))
    except Exception as error:  # whatever the file makes protobuf stumble over
        raise ModelError(f'{path} cannot be read as an ONNX file: {error}') from error


def check(model: onnx.ModelProto, name: object) -> None:
    """Raise ``ModelError`` where ``model``, called ``name``, does not hold to ONNX's rules."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = one_line(' '.join(str(error).split()), LONGEST_WORDS)
        raise ModelError(f'{name} is no graph that ONNX accepts: {reason}') from error


def metadata_of(path: Path) -> dict[str, str]:
    """Return what an ONNX file says about itself; raises ``ModelError`` when it is none."""
    return said_by(graph_of(path))


def said_by(model: onnx.ModelProto) -> dict[str, str]:
    """Return what the metadata of ``model`` say."""
    return {entry.key: entry.value for entry in model.metadata_props}


def probabilities_of(classifier: Classifier, samples: Iterable[Sample]) -> np.ndarray:
    """Return probabilities, float32 ``[N, K]``, of the faces of ``samples``, cut out as served."""
    crops = np.concatenate([classifier.batch(sample.image, [sample.box]) for sample in samples])
    return np.concatenate(
        [classifier.predict(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    )
