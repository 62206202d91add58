"""What goes through an offline run: frames in, results with their times out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from ..core.settings import PipelineSettings
from ..core.types import FrameResult
from ..media.images.decode import MAX_PIXELS
from .names import given_name, readable


@dataclass(frozen=True)
class Frame:
    """
    One image of an input.

    ``image`` is uint8 ``[H, W, 3]`` BGR; ``index`` counts the frames of its stream from 0 and
    ``stamp_ns`` is when it was taken: the header's stamp in a bag, else nanoseconds since the
    stream's first frame; ``time_ns`` is the same, but where a bag's stamp is missing or a slip.
    A bag has a stream per image ``topic`` (``''`` elsewhere); ``frame_id`` is the header's, and
    ``name`` the file of an image.  ``received_ns`` is when a bag received it, elsewhere
    ``stamp_ns``.
    """

    image: np.ndarray
    index: int
    stamp_ns: int
    topic: str = ''
    frame_id: str = ''
    name: str = ''
    received_ns: int = 0
    taken_ns: int | None = None

    @property
    def time_ns(self) -> int:
        """Return when it was taken, by the time of the stream's frames."""
        return self.stamp_ns if self.taken_ns is None else self.taken_ns


class Sink(Protocol):
    """
    Something that is written from the results of one input, frame by frame.

    One that reads the input itself has a ``fault`` too, as a ``Reader`` has.
    """

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Take the next result; the frames of a stream come in order."""

    def close(self) -> list[Path]:
        """Complete the files and return them; none where no frame came."""


@dataclass(frozen=True)
class Job:
    """
    One input and what is to be made of it: plain data, which can be sent to another machine.

    ``source`` is a bag, a video, an image or a folder of images; ``folder`` is where the files of
    this input appear, once all of them are whole.  ``outputs`` names the sinks (see
    ``annotate.OUTPUTS``), ``anonymize`` is ``''``, ``blur`` or ``pixelate``, and ``topics`` limits
    a bag to these image topics (none: all).  ``annotated`` is how a bag carries the annotated
    images: ``jpeg`` (CompressedImage), ``raw`` (Image) or ``none``.  Encoded images with more than
    ``max_pixels`` are skipped.
    """

    source: Path
    folder: Path
    outputs: tuple[str, ...]
    anonymize: str = ''
    topics: tuple[str, ...] = ()
    annotated: str = 'jpeg'
    max_pixels: int = MAX_PIXELS
    settings: PipelineSettings = field(default_factory=PipelineSettings)

    @property
    def name(self) -> str:
        """Return what the input is called in the files that are made of it."""
        return readable(given_name(self.source))


@dataclass(frozen=True)
class JobReport:
    """
    What became of a job.

    ``state`` is ``done``, ``kept`` (its files were whole already), or ``failed`` with ``reason``;
    ``skipped`` counts the frames that could not be used, the first reason being ``reason`` too.
    An input that breaks off is ``failed``, and ``files`` are of what came before.
    """

    source: Path
    state: str
    reason: str = ''
    frames: int = 0
    faces: int = 0
    skipped: int = 0
    seconds: float = 0.0
    files: tuple[Path, ...] = ()

    def __post_init__(self):
        """Make names in the reason readable that are no UTF-8."""
        object.__setattr__(self, 'reason', readable(self.reason))
