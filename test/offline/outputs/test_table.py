"""The table: a row per face and frame, the same bytes for the same input."""

import csv

import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

import pyarrow.parquet  # noqa: E402

from face_perception import FacePipeline  # noqa: E402
from face_perception.core.settings import PipelineSettings  # noqa: E402
from face_perception.core.types import EMOTIONS, GENDERS  # noqa: E402
from face_perception.offline.outputs.table import BATCH, Table  # noqa: E402
from face_perception.offline.run import run_job  # noqa: E402
from face_perception.offline.types import Frame, Job  # noqa: E402


@pytest.fixture
def tabulate(tmp_path):
    """Make the table of a source; return its rows and its two files."""

    def run(source, folder='out', **options):
        report = run_job(Job(source, tmp_path / folder, ('table',), **options))
        assert report.state == 'done', report.reason
        return pyarrow.parquet.read_table(report.files[0]).to_pylist(), report.files

    return run


def test_the_rows_are_what_the_pipeline_says(make_bag, recorded, scene, tabulate):
    rows, _ = tabulate(make_bag(recorded.camera('/cam', scene)))
    pipeline = FacePipeline.load()
    expected = [
        (index, number, face)
        for index, image in enumerate(scene)
        for number, face in enumerate(pipeline(image, recorded.stamp(index) / 1e9).faces)
    ]
    assert len(rows) == len(expected) >= 8
    for row, (index, number, face) in zip(rows, expected):
        assert (row['source'], row['topic'], row['name']) == ('bag', '/cam', '')
        assert (row['frame'], row['face'], row['stamp_ns']) == (
            index,
            number,
            recorded.stamp(index),
        )
        assert row['time_s'] == pytest.approx(index / 10)
        assert (row['image_width'], row['image_height']) == (320, 240)
        assert (row['x'], row['y'], row['width'], row['height']) == (
            face.box.x,
            face.box.y,
            face.box.width,
            face.box.height,
        )
        assert row['track_id'] == face.track_id and row['score'] == np.float32(face.score)
        assert (row['gender'], row['emotion']) == (face.gender.label, face.emotion.label)
        assert row['gender_confidence'] == np.float32(face.gender.confidence)
        assert row['emotion_confidence'] == np.float32(face.emotion.confidence)
        for prefix, prediction, labels in (
            ('gender_raw', face.gender_raw, GENDERS),
            ('emotion', face.emotion, EMOTIONS),
            ('emotion_raw', face.emotion_raw, EMOTIONS),
        ):
            assert [row[f'{prefix}_{label}'] for label in labels] == list(prediction.probabilities)


def test_csv_and_parquet_say_the_same(make_video, scene, tabulate):
    rows, (_, path) = tabulate(make_video(scene))
    with path.open(newline='') as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(rows) >= 8
    for line, row in zip(lines, rows):
        assert list(line) == list(row)
        for name, value in row.items():
            assert (
                line[name] == value
                if isinstance(value, str)
                else (np.float32(line[name]) == np.float32(value))
            ), name


def test_the_same_input_gives_the_same_bytes(make_bag, recorded, scene, tabulate):
    source = make_bag(recorded.camera('/left', scene) + recorded.camera('/right', scene[::-1]))
    first, second = (
        [path.read_bytes() for path in tabulate(source, folder)[1]] for folder in ('a', 'b')
    )
    assert first == second and len(first[0]) > 1000


def test_what_was_not_classified_is_empty(make_video, scene, tabulate):
    rows, (_, path) = tabulate(make_video(scene[:3]), settings=PipelineSettings(gender_model=''))
    assert rows and rows[0]['emotion'] in EMOTIONS
    for name in ('gender', 'gender_confidence', 'gender_raw_female', 'gender_raw_male'):
        assert {row[name] for row in rows} == {None}
    with path.open(newline='') as file:
        assert {line['gender'] for line in csv.DictReader(file)} == {''}


def test_without_a_face_there_are_only_columns(make_video, tabulate):
    rows, (parquet, path) = tabulate(make_video([np.full((240, 320, 3), 90, np.uint8)] * 3))
    assert rows == [] and len(path.read_text().splitlines()) == 1
    assert 'emotion_raw_neutral' in pyarrow.parquet.read_schema(parquet).names


def test_images_without_a_stamp_have_the_time_of_their_receipt(make_bag, recorded, scene, tabulate):
    entries = recorded.camera('/cam', scene[:4])
    for entry in entries:
        entry.message.header = recorded.image(scene[0], 0).header
    rows, _ = tabulate(make_bag(entries))
    assert {row['stamp_ns'] for row in rows} == {0}
    assert sorted({row['time_s'] for row in rows}) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_an_image_without_a_stamp_has_its_place_among_the_others(
    make_bag, recorded, scene, tabulate
):
    entries = recorded.camera('/cam', scene[:5])
    for index, entry in enumerate(entries):  # this camera counts from its start
        stamp_ns = 0 if index == 3 else index * 100_000_000
        entry.message.header = recorded.image(scene[0], stamp_ns).header
    rows, _ = tabulate(make_bag(entries))
    times = list(dict.fromkeys(row['time_s'] for row in rows))
    assert times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=0.001)
    assert len({row['track_id'] for row in rows if row['face'] == 0}) == 1


def test_images_that_came_out_of_order_change_nobodys_identity(make_bag, recorded, scene, tabulate):
    entries = recorded.camera('/cam', scene[:1] * 6)
    for entry, index in zip(entries, (0, 2, 1, 4, 3, 5), strict=True):
        entry.message.header = recorded.image(scene[0], recorded.stamp(index)).header
    rows, _ = tabulate(make_bag(entries))
    first = {row['track_id'] for row in rows if row['frame'] == 0}
    assert first and {row['track_id'] for row in rows} == first and rows[-1]['frame'] == 5


def test_many_rows_are_written_in_batches(tmp_path, scene):
    result = FacePipeline.load()(scene[0])
    table = Table(tmp_path, 'many')
    count = BATCH // len(result.faces) + 10
    for index in range(count):
        table.add(Frame(scene[0], index, 0), result)
    assert len(table._rows) < BATCH
    parquet, _ = table.close()
    assert pyarrow.parquet.read_metadata(parquet).num_rows == count * len(result.faces)
    assert pyarrow.parquet.read_metadata(parquet).num_row_groups == 2
