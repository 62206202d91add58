"""The results of an input as a recording for the Rerun viewer."""

from __future__ import annotations

from pathlib import Path

from ...core.timing import OFFLINE_STAGES
from ...core.types import EMOTIONS, FrameResult
from ...visuals.rerun_writer import FILE_NAME, RerunWriter, import_rerun
from ..types import Frame

#: The stream of an input that has no topics.
CAMERA = 'camera'


class RerunLog:
    """
    Writes ``results.rrd``: images, boxes, emotions and latency on a common time.

    Per stream ``<topic>`` (``camera`` where there are no topics) it has the entities
    ``<topic>/image``, ``<topic>/image/faces``, ``<topic>/latency``, per face that is followed
    ``<topic>/tracks/<id>`` with the probabilities in the order of ``EMOTIONS``, and for images
    of a folder ``<topic>/file``.  It goes to the file as it comes, whatever the input's length.
    """

    def __init__(self, folder: Path, source_name: str):
        """Prepare ``folder/results.rrd``; raises ``RerunError`` when rerun-sdk is missing."""
        import_rerun()
        self._folder, self._name = folder, source_name
        self._writer: RerunWriter | None = None

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Take the next result; the frames of a stream come in order."""
        if self._writer is None:
            self._writer = RerunWriter(self._folder / FILE_NAME, self._name)
        writer, stream = self._writer, frame.topic or CAMERA
        writer.at(frame.time_ns, frame.index)
        writer.image(stream, frame.image)
        writer.boxes(stream, result.faces)
        writer.emotions(
            stream,
            {
                face.track_id: face.emotion.probabilities_of(EMOTIONS)
                for face in result.faces
                if face.track_id and face.emotion
            },
        )
        writer.latency(stream, {name: getattr(result.timings, name) for name in OFFLINE_STAGES})
        if frame.name:
            writer.file(stream, frame.name)

    def close(self) -> list[Path]:
        """Complete the file and return it; none where no frame came."""
        return [self._writer.close()] if self._writer else []
