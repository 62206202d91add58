"""YuNet, from a file of the user's, through OpenCV."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from ..errors import DetectorError
from ..files import LFS_REMEDY, is_lfs_pointer, read_bounded
from ..model_memory import MOST_RUN_BYTES
from ..model_trial import program, trial_fault
from ..onnx_files import MOST_BYTES, last_line
from ..text import file_path
from ..types import Detection
from .detector import INPUT_SIZE, largest_first
from .letterbox import Letterbox

#: A small image on which a file shows whether it is a YuNet.
TRIAL_PX = 64

# OpenCV's importer crashes on some valid ONNX files; what others ask for shows when they run.
_TRIAL = program(
    'import cv2\nimport numpy as np',
    """
    cv2.setNumThreads(1)
    first, *others = map(int, sys.argv[4:])
    network = cv2.FaceDetectorYN.create(sys.argv[3], '', (first, first), 0.5, 0.3, 100)
    for side in (first, *others):
        network.setInputSize((side, side))
        network.detect(np.zeros((side, side, 3), np.uint8))
""",
)


@dataclass(frozen=True)
class YuNetFile:
    """What was loaded; such a file says nothing of its ``version``."""

    path: Path
    sha256: str
    version: str = ''


class YuNetDetector:
    """
    The face detector of Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023).

    OpenCV has the code (since 4.5.4) but not the network: it is in OpenCV's model zoo, as
    ``face_detection_yunet_2023mar.onnx`` for OpenCV 4.8 and later, and as
    ``face_detection_yunet_2022mar.onnx`` for those before.  It runs with OpenCV's threads.
    ``model`` says what was loaded.
    """

    #: Of two boxes whose intersection over union is larger, the better one is kept.
    MOST_OVERLAP = 0.3
    MOST_CANDIDATES = 5000

    def __init__(
        self, model: Path | None, input_size: int = INPUT_SIZE, score_threshold: float = 0.9
    ):
        """
        Load a YuNet file.

        ``input_size`` is the long side in pixels to which larger images are shrunk first.
        Raises ``DetectorError`` where OpenCV has no YuNet, or the file is missing or none.
        """
        self.input_size = input_size
        self._score_threshold = score_threshold
        self.model, self._network = self._load(model, score_threshold, input_size)
        self._network_size = (TRIAL_PX, TRIAL_PX)
        self._letterbox = Letterbox()
        self._lock = Lock()  # network and letterbox are of one image at a time

    def __reduce__(self):
        """Return what makes the same detector in another process."""
        return type(self), (self.model.path, self.input_size, self._score_threshold)

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """
        Return the faces in a uint8 ``[H, W, 3]`` BGR image, in pixels of that image.

        Boxes are clipped to the image, the largest comes first.  ``faint_share`` is not heeded:
        OpenCV's class applies the threshold.  Raises ``ImageError`` for an array of another
        kind.
        """
        with self._lock:
            small = self._letterbox.put(image_bgr, self.input_size)[0]
            size = small.shape[1::-1]
            if size != self._network_size:
                self._network.setInputSize(size)
                self._network_size = size
            _, faces = self._network.detect(small)
            if faces is None:
                return []
            # Rows of x, y, width, height, five landmarks, score.
            boxes = faces[:, :4].astype(float)
            boxes[:, 2:] += boxes[:, :2]
            return largest_first(self._letterbox.to_image(boxes), faces[:, -1])

    @classmethod
    def _load(
        cls, model: Path | None, score_threshold: float, input_size: int
    ) -> tuple[YuNetFile, cv2.FaceDetectorYN]:
        if not hasattr(cv2, 'FaceDetectorYN'):
            raise DetectorError(
                f"detector.type 'yunet' does not exist in this OpenCV ({cv2.__version__}): it "
                "came with 4.5.4; run 'pip install --upgrade opencv-python-headless'"
            )
        if model is None:
            raise DetectorError(
                "detector.type 'yunet' needs a file: set detector.model to the path of "
                "face_detection_yunet_2023mar.onnx, which is in OpenCV's model zoo"
            )
        try:
            data = read_bounded(model, MOST_BYTES)
        except (OSError, ValueError) as error:
            raise DetectorError(
                f"the YuNet file '{file_path(model)}' does not exist or cannot be read "
                f'({getattr(error, "strerror", error)}): correct detector.model'
            ) from None
        if is_lfs_pointer(data):
            raise DetectorError(f"'{file_path(model)}' is no YuNet file: {LFS_REMEDY}")
        asked = [str(model.absolute()), str(TRIAL_PX), str(input_size)]
        if fault := trial_fault('OpenCV', _TRIAL, asked, most_bytes=MOST_RUN_BYTES):
            raise cls._refusal(model, fault)
        try:
            network = cv2.FaceDetectorYN.create(
                str(model),
                '',
                (TRIAL_PX, TRIAL_PX),
                score_threshold,
                cls.MOST_OVERLAP,
                cls.MOST_CANDIDATES,
            )
            # Any ONNX file loads; only running it tells whether it is a YuNet.
            network.detect(np.zeros((TRIAL_PX, TRIAL_PX, 3), np.uint8))
        except cv2.error as error:
            raise cls._refusal(model, last_line(error)) from None
        return YuNetFile(model, hashlib.sha256(data).hexdigest()), network

    @staticmethod
    def _refusal(model: Path, reason: str) -> DetectorError:
        return DetectorError(
            f"'{file_path(model)}' is no YuNet file that OpenCV {cv2.__version__} can run "
            f'({reason}): use face_detection_yunet_2023mar.onnx, before OpenCV 4.8 '
            'face_detection_yunet_2022mar.onnx'
        )
