"""Loading ONNX networks: integrity, contract and metadata are checked before the first run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ModelError

if TYPE_CHECKING:
    import onnxruntime as ort

#: File beside the shipped models that lists their SHA-256, in the format of `sha256sum`.
CHECKSUMS = 'SHA256SUMS'
CHANNELS = {'gray': 1, 'rgb': 3}


@dataclass(frozen=True)
class ClassifierModel:
    """A classifier network that keeps the contract, ready to run."""

    path: Path
    sha256: str
    session: ort.InferenceSession
    task: str
    labels: tuple[str, ...]
    color: str
    input_size: int
    crop_margin: float
    version: str


def load_classifier(path: Path, task: str, num_threads: int = 1) -> ClassifierModel:
    """
    Load and verify one classifier.

    The contract: input ``image`` uint8 ``[N, S, S, C]`` (C = 1 gray or 3 RGB), output
    ``probabilities`` float32 ``[N, K]``, and in the file's metadata ``task``, ``labels``
    (JSON array), ``color`` and ``crop_margin``.

    Raises ``ModelError`` with what is wrong and what to do.
    """
    data = _read(path)
    digest = hashlib.sha256(data).hexdigest()
    _verify_checksum(path, digest)
    session = _start_session(path, data, num_threads)
    return _check_contract(path, digest, session, task)


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            f"model file '{path}' does not exist: correct the model parameter, or install the "
            'package again if it is one of its own models') from None
    except OSError as error:
        raise ModelError(
            f"model file '{path}' cannot be read ({error.strerror}): "
            'check that it is a file and its permissions') from None
    if not data:
        raise ModelError(f"model file '{path}' is empty: copy it again")
    return data


def _verify_checksum(path: Path, digest: str) -> None:
    """Compare with the list beside the file; a file that is not listed is the user's own."""
    listing = path.parent / CHECKSUMS
    if not listing.is_file():
        return
    for line in listing.read_text().splitlines():
        expected, _, name = line.partition(' ')
        if name.lstrip(' *') == path.name and expected != digest:
            raise ModelError(
                f"model file '{path}' is not the one that was shipped (SHA-256 {digest[:12]}…, "
                f'{CHECKSUMS} says {expected[:12]}…): install the package again, or keep a '
                'model of your own in another folder')


def _start_session(path: Path, data: bytes, num_threads: int) -> ort.InferenceSession:
    try:
        import onnxruntime as ort
    except ImportError as error:  # the one dependency that no distribution packages
        raise ModelError(
            f"ONNX Runtime is not usable here ({error}): run 'pip install onnxruntime', beside "
            "the OpenCV and cv_bridge of Ubuntu 'pip install onnxruntime \"numpy<2\"'") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    # Idle sessions that spin burn a core (onnxruntime#3099).
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(data, options, providers=['CPUExecutionProvider'])
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(
            f"model file '{path}' is no ONNX model that ONNX Runtime {ort.__version__} can load "
            f'({reason}): it may be truncated or of another format; copy or export it again'
        ) from None


def _check_contract(
    path: Path, digest: str, session: ort.InferenceSession, task: str
) -> ClassifierModel:
    def refuse(reason: str) -> ModelError:
        return ModelError(
            f"model file '{path}' does not keep the contract for {task} models: {reason}; "
            'export it with face_perception.training.export (see models/README.md)')

    metadata = session.get_modelmeta().custom_metadata_map
    if metadata.get('task') != task:
        raise refuse(f"its metadata says task '{metadata.get('task', '')}'")
    try:
        labels = json.loads(metadata['labels'])
        if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
            raise ValueError
    except (KeyError, ValueError):
        raise refuse("its metadata has no 'labels' (a JSON array of strings)") from None
    color = metadata.get('color')
    if color not in CHANNELS:
        raise refuse("its metadata has no 'color' (gray or rgb)")
    try:
        crop_margin = float(metadata['crop_margin'])
    except (KeyError, ValueError):
        raise refuse("its metadata has no 'crop_margin' (a number)") from None

    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name: node for node in session.get_outputs()}
    if list(inputs) != ['image'] or list(outputs) != ['probabilities']:
        raise refuse(f"it has inputs {list(inputs)} and outputs {list(outputs)}, not "
                     "['image'] and ['probabilities']")
    shape, kind = inputs['image'].shape, inputs['image'].type
    if (kind != 'tensor(uint8)' or len(shape) != 4 or isinstance(shape[0], int)
            or not isinstance(shape[1], int) or shape[1] != shape[2]
            or shape[3] != CHANNELS[color]):
        raise refuse(f'its input is {kind} {shape}, not tensor(uint8) '
                     f'[N, S, S, {CHANNELS[color]}] with N dynamic')
    classes = outputs['probabilities'].shape[-1]
    if classes != len(labels):
        raise refuse(f'it has {len(labels)} labels for {classes} outputs')
    return ClassifierModel(
        path=path, sha256=digest, session=session, task=task, labels=tuple(labels), color=color,
        input_size=shape[1], crop_margin=crop_margin, version=metadata.get('version', ''))
