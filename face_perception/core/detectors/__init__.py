"""Face detectors. Each has one method, ``detect(image_bgr) -> list[Detection]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import DetectorError
from .detector import Detector
from .haar import HaarDetector, load_cascade
from .onnx_network import OnnxDetector
from .yunet import YuNetDetector

__all__ = [
    'DETECTORS',
    'Detector',
    'HaarDetector',
    'OnnxDetector',
    'YuNetDetector',
    'load_cascade',
    'make_detector',
]

DETECTORS: dict[str, type[Detector]] = {
    'haar': HaarDetector,
    'onnx': OnnxDetector,
    'yunet': YuNetDetector,
}


def make_detector(
    kind: str,
    input_size: int,
    score_threshold: float | None,
    model: Path | None = None,
    num_threads: int = 1,
) -> Detector:
    """
    Make the detector that ``detector.type`` names.

    Images are shrunk to a long side of ``input_size`` pixels, and faces that score below
    ``score_threshold`` are dropped (0..1; ``None``: what the detector recommends).  ``model`` is
    the network of 'onnx' (``None``: the package's own) and of 'yunet', which has no default;
    ``num_threads`` is for 'onnx', the others run with those of OpenCV.

    Raises ``DetectorError`` for an unknown name or one that cannot run here, and ``ModelError``
    for a file that 'onnx' cannot use.
    """
    if kind not in DETECTORS:
        raise DetectorError(
            f"detector.type '{kind}' is unknown: use one of {', '.join(sorted(DETECTORS))}"
        )
    options: dict[str, Any] = {'input_size': input_size}
    if score_threshold is not None:
        options['score_threshold'] = score_threshold
    if kind == 'onnx':
        return OnnxDetector(model, num_threads=num_threads, **options)
    if kind == 'yunet':
        return YuNetDetector(model, **options)
    return HaarDetector(**options)
