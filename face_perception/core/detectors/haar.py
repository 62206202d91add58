"""OpenCV's Haar cascade, which exists up to OpenCV 4."""

from __future__ import annotations

from threading import Lock

import cv2
import numpy as np

from ..errors import DetectorError
from ..scaling import resize
from ..types import Detection
from .detector import INPUT_SIZE, largest_first
from .letterbox import image_size

#: OpenCV's frontal-face cascade.
CASCADE = 'haarcascade_frontalface_default.xml'
#: How long a face is, as data sets and other detectors draw it, in the cascade's square, and how
#: far its middle lies below the square's.  Medians over FER-2013 (see models/README.md).
FACE_SHARE, FACE_DROP = 0.85, 0.02


def load_cascade() -> cv2.CascadeClassifier:
    """Load the cascade that OpenCV brings; raises ``DetectorError`` where it brings none."""
    if not hasattr(cv2, 'CascadeClassifier'):
        raise DetectorError(
            f"detector.type 'haar' does not exist in OpenCV {cv2.__version__}: OpenCV 5 "
            "dropped the Haar cascades; use detector.type 'onnx', or install "
            "'opencv-python-headless<5'"
        )
    # Debian's and Ubuntu's OpenCV have no cv2.data; their files come with opencv-data.
    folders = [cv2.data.haarcascades] if hasattr(cv2, 'data') else []  # type: ignore[attr-defined]
    folders += ['/usr/share/opencv4/haarcascades/', '/usr/share/opencv/haarcascades/']
    for folder in folders:
        # The constructor does not raise on a missing file, it prints; empty() tells.
        cascade = cv2.CascadeClassifier(folder + CASCADE)
        if not cascade.empty():
            return cascade
    raise DetectorError(
        f"detector.type 'haar' needs OpenCV's {CASCADE}, which is not installed: "
        "run 'sudo apt-get install opencv-data'"
    )


class HaarDetector:
    """
    OpenCV's frontal-face cascade (Viola and Jones 2001; Lienhart and Maydt 2002).

    A cascade has no probability. Its score here is ``n / (n + 5)`` for a face on which ``n``
    overlapping windows agree, so that 0.5 means the customary five neighbours.
    """

    SCALE_FACTOR = 1.15
    #: The cascade's own window, in pixels: nothing smaller can be found.
    WINDOW_PX = 24
    NEIGHBOURS_AT_HALF = 5

    def __init__(self, input_size: int = INPUT_SIZE, score_threshold: float = 0.5):
        """
        Load the cascade that OpenCV brings.

        ``input_size`` is the long side in pixels to which larger images are shrunk first.
        Raises ``DetectorError`` where this OpenCV has none.
        """
        self.input_size = input_size
        self._score_threshold = score_threshold
        self._cascade = load_cascade()
        self._lock = Lock()  # a cascade keeps its image while it looks

    def __reduce__(self):
        """Return what makes the same detector in another process."""
        return type(self), (self.input_size, self._score_threshold)

    def detect(self, image_bgr: np.ndarray, faint_share: float = 1.0) -> list[Detection]:
        """
        Return the faces in a uint8 ``[H, W, 3]`` BGR image, in pixels of that image.

        The largest comes first.  ``faint_share`` is not heeded: the scores say too little.
        Raises ``ImageError`` for an array of another kind.
        """
        width, height = image_size(image_bgr)
        scale = min(self.input_size / max(height, width), 1.0)
        small = (
            image_bgr
            if scale == 1.0
            else resize(
                image_bgr,
                (max(round(width * scale), 1), max(round(height * scale), 1)),
                cv2.INTER_AREA,
            )
        )
        if min(small.shape[:2]) < self.WINDOW_PX:
            return []
        gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        with self._lock:
            rectangles, neighbours = self._cascade.detectMultiScale2(
                gray,
                scaleFactor=self.SCALE_FACTOR,
                minNeighbors=2,
                minSize=(self.WINDOW_PX, self.WINDOW_PX),
            )
        boxes = faces_in_squares(np.reshape(rectangles, (-1, 4)).astype(float))
        counts = np.ravel(neighbours).astype(float)
        scores = counts / (counts + self.NEIGHBOURS_AT_HALF)
        sure = scores >= self._score_threshold
        return largest_first(boxes[sure] / scale, scores[sure])


def faces_in_squares(squares: np.ndarray) -> np.ndarray:
    """
    Return the boxes of faces in the squares that the cascade draws around more than the face.

    ``squares`` are ``[N, 4]``: x, y, width, height; the result x1, y1, x2, y2.  Crops then are
    the same whichever detector found the face.
    """
    middles = squares[:, :2] + squares[:, 2:] * (0.5, 0.5 + FACE_DROP)
    halves = squares[:, 2:] * FACE_SHARE / 2
    return np.hstack([middles - halves, middles + halves])
