"""
Faces made unrecognisable, for images that are to be shown to others.

A head is replaced by a few cells, each the mean of what it covers: drawn as squares (pixelate) or
with soft transitions (blur).  Both keep the same little information, so that neither can be
undone, as a Gaussian blur can.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import cv2
import numpy as np

from ...core.detectors import Detector, make_detector
from ...core.scaling import resize
from ...core.tracking.tracker import Tracker
from ...core.types import Box, Detection, FrameResult
from ..types import Frame

HOW = ('blur', 'pixelate')
#: Cells across a face, of its longer side.  With 2.5 the detector still finds a head in some blurs.
CELLS = 2.0
#: From a detector's box (brow to chin) to the whole head, in longer sides of the box.
MARGIN_SIDES, MARGIN_TOP, MARGIN_BOTTOM = 0.45, 0.6, 0.4
#: How an ``Anonymizer`` looks for faces: long side in pixels, and from which score on.  At 0.3 the
#: shipped detector finds about one false face in an image, and hardly misses one.
INPUT_SIZE, SCORE_THRESHOLD = 960, 0.3
#: How fast the place of an unseen face becomes uncertain: the box grows by so many sides a second.
GROWTH = 1.0


def anonymize(image: np.ndarray, boxes: Sequence[Box], how: str) -> np.ndarray:
    """
    Return a copy of a uint8 ``[H, W, 3]`` BGR image without the faces in ``boxes``.

    ``how`` is ``blur`` or ``pixelate``; raises ``ValueError`` for anything else.  Boxes are in
    pixels, as a detector frames a face, and may reach beyond the image; each is grown to
    ``head``.  All other pixels stay as they are.
    """
    _check(how)
    covered = image.copy()
    for box in boxes:
        side = max(box.width, box.height)
        region = head(box).clipped(image.shape[1], image.shape[0])
        if side <= 0 or region.area == 0:
            continue
        x, y, width, height = (
            int(value) for value in (region.x, region.y, region.width, region.height)
        )
        # From the original, so that heads that overlap are each made of what was there.
        pixels = image[y : y + height, x : x + width]
        cell = max(side / CELLS, 1.0)
        cells = resize(
            pixels,
            (max(round(width / cell), 1), max(round(height / cell), 1)),
            cv2.INTER_AREA,
        )
        covered[y : y + height, x : x + width] = resize(
            cells,
            (width, height),
            cv2.INTER_LINEAR if how == 'blur' else cv2.INTER_NEAREST,
        )
    return covered


def head(box: Box) -> Box:
    """Return the rectangle of whole pixels that covers the head around a face's box."""
    side = max(box.width, box.height)
    left, top = floor(box.x - MARGIN_SIDES * side), floor(box.y - MARGIN_TOP * side)
    right = ceil(box.x + box.width + MARGIN_SIDES * side)
    bottom = ceil(box.y + box.height + MARGIN_BOTTOM * side)
    return Box(left, top, right - left, bottom - top)


class Anonymizer:
    """
    Anonymises the frames of one input, and rather covers too much than too little.

    It looks for faces itself, in every frame, at more detail and with a lower threshold than a
    result should have, and covers those of the result too.  In a stream a face stays covered for
    ``keep_s`` seconds after it was last seen, where its motion has brought it, and the cover
    grows with the doubt.  A face that the detector does not even suspect is not covered: look at
    the images before you publish them.

    Every frame has to come, in order.  The same frame again gives the same image: several
    sinks may share an anonymizer.
    """

    def __init__(
        self, how: str, keep_s: float = 0.5, detector: Detector | None = None, num_threads: int = 1
    ):
        """
        Anonymise with ``how``, one of ``HOW``; ``ValueError`` for anything else.

        ``detector`` is to find more rather than less; by default the package's own with
        ``num_threads`` threads.
        """
        _check(how)
        self.how, self.keep_s = how, keep_s
        self._detector = detector or make_detector(
            'onnx', INPUT_SIZE, SCORE_THRESHOLD, num_threads=num_threads
        )
        self._trackers: dict[str, Tracker] = {}
        self._frame: Frame | None = None
        self._image: np.ndarray | None = None

    def __call__(self, frame: Frame, result: FrameResult) -> np.ndarray:
        """Return the frame's image without faces; do not draw into it, it may be shared."""
        if self._image is None or frame is not self._frame:
            self._image = anonymize(frame.image, self._places(frame, result), self.how)
            self._frame = frame
        return self._image

    def _places(self, frame: Frame, result: FrameResult) -> list[Box]:
        faces = self._detector.detect(frame.image)
        faces += [Detection(face.box, face.score) for face in result.faces]
        if frame.name:  # an image of its own, not of a stream
            return [face.box for face in faces]
        tracker = self._trackers.setdefault(frame.topic, Tracker())
        tracker.update(faces, frame.time_ns / 1e9, self.keep_s)
        return [face.box for face in faces] + [
            _grown(track.box, GROWTH * unseen_s) for track, unseen_s in tracker.missed()
        ]


def _check(how: str) -> None:
    if how not in HOW:
        raise ValueError(f"an image is anonymised by {' or '.join(HOW)}, not by '{how}'")


def _grown(box: Box, share: float) -> Box:
    by = share * max(box.width, box.height)
    return Box(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by)
