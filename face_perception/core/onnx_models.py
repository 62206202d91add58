"""Loading ONNX networks: integrity, contract and metadata are checked before the first run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .bounded_run import bounded_run
from .errors import ModelError
from .onnx_files import OnnxFile, last_line, load_file
from .text import value

if TYPE_CHECKING:
    import onnxruntime as ort

CHANNELS = {'gray': 1, 'rgb': 3}
#: The task of a detector's file.
DETECTION = 'face_detection'
#: Pixels of a classifier's input, and of the multiple that a detector's sides must be, at most.
LARGEST_INPUT = 1024
LARGEST_MULTIPLE = 256
#: Shares of the box's side that a crop may be larger on each side: from almost nothing of the face
#: to its surroundings.
CROP_MARGINS = (-0.4, 1.0)
#: How far probabilities and scores may be out of 0..1, and the former from 1 in their sum.
SUM_TOLERANCE = 0.01


@dataclass(frozen=True)
class ClassifierModel:
    """
    A classifier network that keeps the contract, ready to run.

    With ``mirror`` it wants to be shown the mirror image too.
    """

    path: Path
    sha256: str
    session: ort.InferenceSession
    task: str
    labels: tuple[str, ...]
    color: str
    input_size: int
    crop_margin: float
    version: str
    mirror: bool = False

    def __reduce__(self):
        """Return what loads the same file in another process, which cannot be given a session."""
        return load_classifier, (self.path, self.task, num_threads_of(self.session))


@dataclass(frozen=True)
class DetectorModel:
    """
    A face detection network that keeps the contract, ready to run.

    ``score_threshold`` is the one that it recommends; the sides of its input must be multiples
    of ``input_multiple`` pixels.
    """

    path: Path
    sha256: str
    session: ort.InferenceSession
    task: str
    score_threshold: float
    input_multiple: int
    version: str

    @property
    def num_threads(self) -> int:
        """Return how many threads it runs with."""
        return num_threads_of(self.session)


def num_threads_of(session: ort.InferenceSession) -> int:
    """Return how many threads a network runs with."""
    return session.get_session_options().intra_op_num_threads


def load_classifier(path: Path, task: str, num_threads: int = 1) -> ClassifierModel:
    """
    Load and verify one classifier.

    The contract: input ``image`` uint8 ``[N, S, S, C]`` (C = 1 gray or 3 RGB), output
    ``probabilities`` float32 ``[N, K]``, and in the file's metadata ``task``, ``labels``
    (JSON array), ``color`` and ``crop_margin``; ``mirror`` (true or false, the default) says
    whether a face is to be shown together with its mirror image.

    Raises ``ModelError`` with what is wrong and what to do.
    """
    model = _check_classifier(load_file(path, num_threads), task)
    _try_classifier(model)
    return model


def load_detector(path: Path, num_threads: int = 1) -> DetectorModel:
    """
    Load and verify a face detector.

    The contract: input ``image`` uint8 ``[1, H, W, 3]`` BGR with any H and W that are multiples
    of ``input_multiple``; outputs ``boxes`` float32 ``[N, 4]`` (x1, y1, x2, y2 in pixels of the
    input) and ``scores`` float32 ``[N]`` in 0..1, without threshold or suppression; and in the
    file's metadata ``task`` ('face_detection'), ``score_threshold`` and ``input_multiple``.

    Raises ``ModelError`` with what is wrong and what to do.
    """
    model = _check_detector(load_file(path, num_threads))
    _try_detector(model)
    return model


#: Some of the outputs of YuNet's files of 2023 and of 2022: the detector that many have.
_YUNET = ({'cls_8', 'bbox_8'}, {'loc', 'conf', 'iou'})


def _refusal(path: Path, task: str, reason: str) -> ModelError:
    return ModelError(
        f"model file '{path}' does not keep the contract for {task} models: {reason}; "
        'export it with face_perception.training.export (see models/README.md)'
    )


def _check_interface(network: OnnxFile, task: str, outputs: list[str]) -> tuple[str, list]:
    """Check task and names; return type and shape of the input."""
    found = [node.name for node in network.session.get_outputs()]
    if task == DETECTION and any(names <= set(found) for names in _YUNET):
        raise ModelError(
            f"model file '{network.path}' is a YuNet: choose the detector type 'yunet' with it"
        )
    if network.metadata.get('task') != task:
        said = value(network.metadata.get('task', ''))
        raise _refusal(network.path, task, f"its metadata says task '{said}'")
    inputs = network.session.get_inputs()
    if [node.name for node in inputs] != ['image'] or sorted(found) != sorted(outputs):
        raise _refusal(
            network.path,
            task,
            f'it has inputs {[node.name for node in inputs]} and outputs '
            f"{found}, not ['image'] and {outputs}",
        )
    return inputs[0].type, inputs[0].shape


def _check_classifier(network: OnnxFile, task: str) -> ClassifierModel:
    def refuse(reason: str) -> ModelError:
        return _refusal(network.path, task, reason)

    metadata = network.metadata
    kind, shape = _check_interface(network, task, ['probabilities'])
    try:
        labels = json.loads(metadata['labels'])
        if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
            raise ValueError
    except (KeyError, ValueError, RecursionError):
        raise refuse("its metadata has no 'labels' (a JSON array of strings)") from None
    if not labels or len(set(labels)) < len(labels):
        raise refuse(f"its metadata has the 'labels' {labels}, not one or more different ones")
    color = metadata.get('color')
    if color not in CHANNELS:
        raise refuse("its metadata has no 'color' (gray or rgb)")
    try:
        crop_margin = float(metadata['crop_margin'])
    except (KeyError, ValueError):
        raise refuse("its metadata has no 'crop_margin' (a number)") from None
    least, most = CROP_MARGINS
    if not least <= crop_margin <= most:  # nor is nan
        raise refuse(f"its metadata has the 'crop_margin' {crop_margin:g}, not {least} to {most}")
    mirror = metadata.get('mirror', 'false')
    if mirror not in ('true', 'false'):
        raise refuse(f"its metadata has the 'mirror' {value(mirror)}, not true or false")
    if (
        kind != 'tensor(uint8)'
        or len(shape) != 4
        or isinstance(shape[0], int)
        or not isinstance(shape[1], int)
        or shape[1] != shape[2]
        or shape[3] != CHANNELS[color]
    ):
        raise refuse(
            f'its input is {kind} {shape}, not tensor(uint8) '
            f'[N, S, S, {CHANNELS[color]}] with N dynamic'
        )
    if not 1 <= shape[1] <= LARGEST_INPUT:
        raise refuse(f'its input is {shape[1]} pixels long, not 1 to {LARGEST_INPUT}')
    classes = (network.session.get_outputs()[0].shape or [0])[-1]
    if classes != len(labels):
        raise refuse(f'it has {len(labels)} labels for {classes} outputs')
    return ClassifierModel(
        path=network.path,
        sha256=network.sha256,
        session=network.session,
        task=task,
        labels=tuple(labels),
        color=color,
        input_size=shape[1],
        crop_margin=crop_margin,
        version=value(metadata.get('version', '')),
        mirror=mirror == 'true',
    )


def _try_classifier(model: ClassifierModel) -> None:
    """Run it once: only its outputs show whether they are probabilities, of how many classes."""
    side, channels = model.input_size, CHANNELS[model.color]
    images = np.zeros((2, side, side, channels), np.uint8)
    images[1] = np.linspace(0, 255, side, dtype=np.uint8)[:, None]
    try:
        (outputs,) = bounded_run(model.session, ['probabilities'], {'image': images})
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise _refusal(model.path, model.task, f'it does not run ({last_line(error)})') from None
    if outputs.dtype != np.float32 or outputs.shape != (2, len(model.labels)):
        raise _refusal(
            model.path,
            model.task,
            f'it returned {outputs.dtype} {list(outputs.shape)} for two faces, not float32 '
            f'[2, {len(model.labels)}]',
        )
    if not are_probabilities(outputs).all():
        raise _refusal(
            model.path, model.task, 'its outputs are no probabilities: in 0..1, with the sum 1'
        )


def are_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return for each row of ``[N, K]`` whether it is in 0..1 and has the sum 1."""
    inside = ((outputs >= -SUM_TOLERANCE) & (outputs <= 1 + SUM_TOLERANCE)).all(axis=1)
    return inside & (np.abs(outputs.sum(axis=1) - 1) <= SUM_TOLERANCE)  # NaN is neither


def _check_detector(network: OnnxFile) -> DetectorModel:
    metadata = network.metadata
    kind, shape = _check_interface(network, DETECTION, ['boxes', 'scores'])
    if (
        kind != 'tensor(uint8)'
        or len(shape) != 4
        or shape[3] != 3
        or isinstance(shape[1], int)
        or isinstance(shape[2], int)
    ):
        raise _refusal(
            network.path,
            DETECTION,
            f'its input is {kind} {shape}, not tensor(uint8) [1, H, W, 3] with H and W dynamic',
        )
    try:
        score_threshold = float(metadata['score_threshold'])
        if not 0 <= score_threshold <= 1:
            raise ValueError
    except (KeyError, ValueError):
        raise _refusal(
            network.path, DETECTION, "its metadata has no 'score_threshold' (a number in 0..1)"
        ) from None
    try:
        input_multiple = int(metadata['input_multiple'])
        if not 1 <= input_multiple <= LARGEST_MULTIPLE:
            raise ValueError
    except (KeyError, ValueError):
        raise _refusal(
            network.path,
            DETECTION,
            "its metadata has no 'input_multiple' (a number of pixels from 1 to "
            f'{LARGEST_MULTIPLE})',
        ) from None
    return DetectorModel(
        path=network.path,
        sha256=network.sha256,
        session=network.session,
        task=DETECTION,
        score_threshold=score_threshold,
        input_multiple=input_multiple,
        version=value(metadata.get('version', '')),
    )


def _try_detector(model: DetectorModel) -> None:
    """Run it once: the shapes in a file are not binding, and the first run is the slowest."""
    image = np.zeros((1, model.input_multiple, 2 * model.input_multiple, 3), np.uint8)
    try:
        boxes, scores = bounded_run(model.session, ['boxes', 'scores'], {'image': image})
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise _refusal(model.path, DETECTION, f'it does not run ({last_line(error)})') from None
    if (
        scores.ndim != 1
        or boxes.shape != (len(scores), 4)
        or boxes.dtype != np.float32
        or scores.dtype != np.float32
    ):
        raise _refusal(
            model.path,
            DETECTION,
            f'it returned boxes {boxes.dtype} {list(boxes.shape)} and '
            f'scores {scores.dtype} {list(scores.shape)}, not float32 [N, 4] and [N]',
        )
    if len(scores) and not (np.isfinite(boxes).all(axis=1) & np.isfinite(scores)).any():
        raise _refusal(model.path, DETECTION, 'none of its boxes and scores is finite')
    if (scores < -SUM_TOLERANCE).any() or (scores > 1 + SUM_TOLERANCE).any():
        raise _refusal(model.path, DETECTION, 'its scores are not in 0..1')
