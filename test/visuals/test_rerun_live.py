import numpy as np
import pytest

pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')

from face_perception.core.timing import STAGES  # noqa: E402
from face_perception.visuals import rerun_live  # noqa: E402
from face_perception.visuals.rerun_live import LANES, RATES, LiveWriter, ShownFace  # noqa: E402
from support.recordings import rerun, rows_per_entity  # noqa: E402

JPEG = b'\xff\xd8\xff\xd9'


def face(track_id, emotion='happy'):
    return ShownFace((10, 20, 30, 40), f'#{track_id}', emotion, track_id)


@pytest.fixture
def written(tmp_path):
    """Return a writer to a file, and what reads back how many rows each entity has."""
    path = tmp_path / 'live.rrd'
    writer = LiveWriter(lambda recording: recording.save(path))

    def read():
        writer.close()
        rerun('verify', path)
        return rows_per_entity(path)

    return writer, read


def test_all_that_a_node_says_is_written(written):
    writer, read = written
    for _ in range(3):
        writer.image('/left/face_perception', JPEG, [face('1'), face('2', '')])
        writer.latency('/left/face_perception', dict.fromkeys(STAGES, 0.01))
        writer.rates('/left/face_perception', [15.0, 15.0, 0.0])
        writer.diagnostics('/left/face_perception', 'OK', 'active', {'input rate (Hz)': '15.0'})
    writer.image('/left/face_perception', JPEG, [])
    rows = read()
    at = '/left/face_perception'
    assert rows[f'{at}/image', 'EncodedImage'] == 4
    # Also of none: else the boxes of the image before stayed.
    assert rows[f'{at}/image/faces', 'Boxes2D'] == 4
    assert rows[f'{at}/image/labels', 'Points2D'] == 4
    assert rows[f'{at}/latency', 'Scalars'] == 3
    assert rows[f'{at}/rates', 'Scalars'] == 3
    assert rows[f'{at}/diagnostics', 'TextDocument'] == 3
    assert rows[f'{at}/state', 'StateChange'] == 1  # it stayed the same


def test_each_change_of_an_emotion_is_written_once(written):
    writer, read = written
    for emotion in ('happy', 'happy', 'sad', 'sad', ''):
        writer.emotions('/a', [face('1', emotion)])
    writer.emotions('/a', [])
    lanes = {entity: rows for (entity, kind), rows in read().items() if kind == 'StateChange'}
    # happy, sad, not named, nobody; the lanes in which there is nobody say so once.
    assert lanes.pop('/a/emotions/face_1') == 4
    assert set(lanes.values()) == {1} and len(lanes) == LANES - 1


def test_tracks_take_turns_in_a_few_lanes(written):
    writer, read = written
    for number in range(50):
        writer.emotions('/a', [face(str(number + offset)) for offset in range(LANES + 2)])
    entities = {entity for entity, _ in read() if '/emotions/' in entity}
    assert entities == {f'/a/emotions/face_{lane}' for lane in range(1, LANES + 1)}


def test_two_nodes_stay_apart(written):
    writer, read = written
    writer.image('/left/face_perception', JPEG, [])
    writer.image('/right/face_perception', np.zeros((48, 64, 3), np.uint8), [])
    rows = read()
    assert rows['/left/face_perception/image', 'EncodedImage'] == 1
    assert rows['/right/face_perception/image', 'Image'] == 1


def test_a_node_that_comes_late_leaves_the_layout_as_it_was_arranged(tmp_path, monkeypatch):
    told, sent = [], []
    writer = LiveWriter(lambda recording: recording.save(tmp_path / 'live.rrd'), told.append)
    send = writer._recording.send_blueprint

    def note(layout, make_active):
        sent.append(make_active)
        send(layout, make_active=make_active)

    monkeypatch.setattr(writer._recording, 'send_blueprint', note)
    writer.image('/left', JPEG, [])
    writer.image('/right', JPEG, [])
    monkeypatch.setattr(rerun_live, 'ARRANGED_S', 0.0)
    writer.image('/rear', JPEG, [])
    writer.image('/left', JPEG, [])
    assert sent == [True, True, False]
    (sentence,) = told
    assert sentence.startswith('/rear is new: to see it')
    # Who looks at the page alone reads it there.
    assert '/rear' in writer._newcomers() and '/left' not in writer._newcomers()
    writer.close()


def test_lines_of_a_plot_can_be_told_apart():
    colors = list(RATES.values())
    for number, color in enumerate(colors):
        for other in colors[:number]:
            assert sum(abs(a - b) for a, b in zip(color, other)) > 150
