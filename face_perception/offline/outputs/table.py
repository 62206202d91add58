"""A row per face and frame, as Parquet and as CSV."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ...core.types import EMOTIONS, GENDERS, Classification, Face, FrameResult
from ..types import Frame

#: Rows that are kept in memory before they are written.
BATCH = 4096

_FLOAT, _STRING, _COUNT = pa.float32(), pa.string(), pa.int64()
#: The columns; what was not classified is null.  Nothing in them depends on the machine's clock.
SCHEMA = pa.schema(
    [
        ('source', _STRING),
        ('topic', _STRING),
        ('name', _STRING),
        ('frame', _COUNT),
        ('stamp_ns', _COUNT),
        ('time_s', pa.float64()),
        ('image_width', pa.int32()),
        ('image_height', pa.int32()),
        ('face', pa.int32()),
        ('track_id', _STRING),
        ('x', pa.int32()),
        ('y', pa.int32()),
        ('width', pa.int32()),
        ('height', pa.int32()),
        ('score', _FLOAT),
        ('gender', _STRING),
        ('gender_confidence', _FLOAT),
        *((f'gender_raw_{label}', _FLOAT) for label in GENDERS),
        ('emotion', _STRING),
        ('emotion_confidence', _FLOAT),
        *((f'emotion_{label}', _FLOAT) for label in EMOTIONS),
        *((f'emotion_raw_{label}', _FLOAT) for label in EMOTIONS),
    ]
)


class Table:
    """Writes ``faces.parquet`` and ``faces.csv``; the same results give the same bytes."""

    def __init__(self, folder: Path, source_name: str):
        """Write into ``folder``; ``source_name`` is the column ``source``."""
        self._source_name = source_name
        self.files = [folder / 'faces.parquet', folder / 'faces.csv']
        self._writers = [
            pyarrow.parquet.ParquetWriter(self.files[0], SCHEMA),
            pyarrow.csv.CSVWriter(self.files[1], SCHEMA),
        ]
        self._rows: list[dict] = []
        self._starts: dict[str, int] = {}

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Append the faces of a frame."""
        start = self._starts.setdefault(frame.topic, frame.time_ns)
        for number, face in enumerate(result.faces):
            self._rows.append(
                {
                    'source': self._source_name,
                    'topic': frame.topic,
                    'name': frame.name,
                    'frame': frame.index,
                    'stamp_ns': frame.stamp_ns,
                    'time_s': (frame.time_ns - start) / 1e9,
                    'image_width': result.image_width,
                    'image_height': result.image_height,
                    'face': number,
                    **_columns(face),
                }
            )
        if len(self._rows) >= BATCH:
            self._write()

    def close(self) -> list[Path]:
        """Complete both files; without a face they have the columns only."""
        self._write()
        for writer in self._writers:
            writer.close()
        return self.files

    def _write(self) -> None:
        batch = pa.Table.from_pylist(self._rows, SCHEMA)
        self._rows = []
        for writer in self._writers:
            writer.write_table(batch)


def _columns(face: Face) -> dict:
    columns = {
        'track_id': face.track_id,
        'score': face.score,
        'x': int(face.box.x),
        'y': int(face.box.y),
        'width': int(face.box.width),
        'height': int(face.box.height),
    }
    if face.gender:
        columns |= {'gender': face.gender.label, 'gender_confidence': face.gender.confidence}
        columns |= _named('gender_raw', face.gender_raw or face.gender, GENDERS)
    if face.emotion:
        columns |= {'emotion': face.emotion.label, 'emotion_confidence': face.emotion.confidence}
        columns |= _named('emotion', face.emotion, EMOTIONS)
        columns |= _named('emotion_raw', face.emotion_raw or face.emotion, EMOTIONS)
    return columns


def _named(prefix: str, prediction: Classification, labels: tuple[str, ...]) -> dict:
    values = prediction.probabilities_of(labels).tolist()
    return {f'{prefix}_{label}': value for label, value in zip(labels, values)}
