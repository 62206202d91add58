"""Files of ONNX networks: whether they are whole, the ones that were shipped, and can be run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ModelError
from .files import LFS_REMEDY, is_lfs_pointer, read_bounded
from .model_memory import COPIES, MOST_LOAD_BYTES, has_bounded_arena, memory_fault
from .model_trial import program, trial_fault
from .resources import model_path
from .text import file_path, library_words

if TYPE_CHECKING:
    import onnxruntime as ort

#: File beside the shipped models that lists their SHA-256, in the format of `sha256sum`.
CHECKSUMS = 'SHA256SUMS'
#: Bytes of a model's file, and of the list of checksums, at most.
MOST_BYTES = 512 * 2**20
MOST_CHECKSUM_BYTES = 2**20
#: How a tensor begins to say in which other file its values lie (``TensorProto.external_data``).
EXTERNAL = b'\x0a\x08location\x12'

_TRIAL = program(
    'import onnxruntime',
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])
""",
    read='content = sys.stdin.buffer.read()',
)
#: Digests of the files that another process of this one's could load.
_tried: set[str] = set()


@dataclass(frozen=True)
class OnnxFile:
    """What ONNX Runtime can run; whether it keeps a contract is still to be seen."""

    path: Path
    sha256: str
    session: ort.InferenceSession
    metadata: dict[str, str]


def load_file(path: Path, num_threads: int) -> OnnxFile:
    """Load a file; raises ``ModelError`` with what is wrong with it and what to do."""
    data = _read(path)
    digest = hashlib.sha256(data).hexdigest()
    _verify_checksum(path, digest)
    if digest not in _tried and not _is_shipped(digest):
        _try_elsewhere(path, data)
        _tried.add(digest)
    session = _start_session(path, data, num_threads)
    try:
        metadata = session.get_modelmeta().custom_metadata_map
        for node in session.get_inputs() + session.get_outputs():
            node.name, node.shape  # noqa: B018  (text, which is read now)
    except UnicodeDecodeError:
        raise ModelError(
            f"model file '{file_path(path)}' has names or metadata that are no UTF-8: it is "
            'damaged; copy or export it again'
        ) from None
    return OnnxFile(path, digest, session, metadata)


def _read(path: Path) -> bytes:
    try:
        data = read_bounded(path, MOST_BYTES)
    except FileNotFoundError:
        raise ModelError(f"model file '{file_path(path)}' does not exist: {_whose(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise ModelError(
            f"model file '{file_path(path)}' cannot be read ({getattr(error, 'strerror', error)}): "
            'check that it is a file and its permissions'
        ) from None
    if not data:
        raise ModelError(f"model file '{path}' is empty: copy it again")
    return data


def _whose(path: Path) -> str:
    """Return what to do about a file that is missing where it is looked for."""
    if Path(path.name).is_file() and path == model_path(path.name):
        return f"that is a folder of the package; for the file of yours write './{path.name}'"
    return (
        'correct the model parameter, or install the package again if it is one of its own models'
    )


def _verify_checksum(path: Path, digest: str) -> None:
    """Compare with the list beside the file; a file that is not listed is the user's own."""
    expected = _listed(path.parent / CHECKSUMS).get(path.name, digest)
    if expected != digest:
        raise ModelError(
            f"model file '{path}' is not the one that was shipped (SHA-256 {digest[:12]}…, "
            f'{CHECKSUMS} says {expected[:12]}…): install the package again, or keep a '
            'model of your own in another folder'
        )


def _is_shipped(digest: str) -> bool:
    """Return whether this is the content of one of the package's own files."""
    try:
        return digest in _listed(model_path(CHECKSUMS)).values()
    except (FileNotFoundError, ModelError):
        return False


def _listed(listing: Path) -> dict[str, str]:
    """Return the digests in a list of checksums by the files' names, none where it is missing."""
    if not listing.is_file():
        return {}
    try:
        lines = read_bounded(listing, MOST_CHECKSUM_BYTES).decode(errors='replace').splitlines()
    except OSError as error:
        raise ModelError(
            f"the list of checksums '{listing}' cannot be read ({error.strerror}): install the "
            'package again, or keep a model of your own in another folder'
        ) from None
    rows = (line.partition(' ') for line in lines)
    return {name.lstrip(' *'): digest for digest, _, name in rows}


def _try_elsewhere(path: Path, data: bytes) -> None:
    most = MOST_LOAD_BYTES + COPIES * len(data)
    if fault := trial_fault('ONNX Runtime', _TRIAL, content=data, most_bytes=most):
        raise _no_model(path, data, fault)


def _no_model(path: Path, data: bytes, reason: str) -> ModelError:
    import onnxruntime as ort

    if memory_fault(reason):
        return ModelError(f"model file '{path}' cannot be loaded: {reason}; use another file")
    return ModelError(
        f"model file '{path}' is no ONNX model that ONNX Runtime {ort.__version__} can load "
        f'({reason}): {_remedy(path, data, reason)}'
    )


def _remedy(path: Path, data: bytes, reason: str) -> str:
    """Return what to do about a file that cannot be loaded for a ``reason``."""
    if is_lfs_pointer(data):
        return LFS_REMEDY
    if EXTERNAL in data:
        return (
            'its weights lie in a file beside it; make one of both, with '
            f"onnx.save(onnx.load('{path.name}'), 'whole.onnx'), or export it with "
            'external_data=False'
        )
    if 'IR version' in reason or 'opset' in reason:
        return (
            "it was made with a newer ONNX; run 'pip install --upgrade onnxruntime', or export it "
            'with an older opset'
        )
    return 'it may be truncated or of another format; copy or export it again'


def _start_session(path: Path, data: bytes, num_threads: int) -> ort.InferenceSession:
    try:
        import onnxruntime as ort
    except ImportError as error:  # the one dependency that no distribution packages
        raise ModelError(
            f"ONNX Runtime is not usable here ({error}): run 'pip install onnxruntime', beside "
            'the OpenCV of Ubuntu \'pip install onnxruntime "numpy<2"\''
        ) from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    # Idle sessions that spin burn a core (onnxruntime#3099).
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.log_severity_level = 4  # its errors are raised too, and told by us: once a minute
    if has_bounded_arena():
        options.add_session_config_entry('session.use_env_allocators', '1')
    try:
        return ort.InferenceSession(data, options, providers=['CPUExecutionProvider'])
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise _no_model(path, data, last_line(error)) from None


def last_line(error: Exception) -> str:
    """Return the part of a library's message that says what is wrong."""
    return memory_fault(str(error)) or library_words(str(error)) or repr(error)
