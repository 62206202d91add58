"""Images from a webcam."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np

from .errors import SourceError
from .fitting import Size, fit


class WebcamSource:
    """A webcam of Video4Linux."""

    live = True

    def __init__(self, number: int, size: Size | None, rate: float | None):
        self.device, self._size = f'/dev/video{number}', size
        if not os.path.exists(self.device):
            raise SourceError(
                f'there is no webcam {self.device}: plug it in, and see `ls /dev/video*` for those '
                "that exist (in a container, pass the device in); 'sample' needs none"
            )
        self._capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise SourceError(self._why_closed())
        if size:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if rate:
            self._capture.set(cv2.CAP_PROP_FPS, rate)
        # An image that waits in the driver is old when it is published.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if rate > 0 else 30.0

    def _why_closed(self) -> str:
        if not os.access(self.device, os.R_OK | os.W_OK):
            return (
                f'the webcam {self.device} may not be used: check its permissions, usually '
                'with `sudo usermod -aG video $USER` and a new login'
            )
        return (
            f'the webcam {self.device} does not open: another program may be using it, or it '
            'is a device without images; `ls /dev/video*` lists the others'
        )

    def frames(self, loop: bool = True) -> Iterator[np.ndarray]:
        """Give images as the webcam takes them."""
        try:
            while True:
                readable, image = self._capture.read()
                if not readable:
                    raise SourceError(
                        f'the webcam {self.device} stopped giving images: was it '
                        'unplugged, or is its USB port short of power or bandwidth?'
                    )
                yield fit(image, self._size)
        finally:
            self._capture.release()
