import re
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip('matplotlib', reason='draws the summary (the extra demo)')

from face_perception.core.detectors import make_detector  # noqa: E402
from face_perception.core.extras import install_command  # noqa: E402
from face_perception.core.types import Box  # noqa: E402
from face_perception.offline.outputs.anonymize import Anonymizer  # noqa: E402
from face_perception.offline.outputs.summary import summary as summary_module  # noqa: E402
from face_perception.offline.outputs.summary.accumulators import Bins, Percentiles, PlayTime, folded  # noqa: E402
from face_perception.offline.outputs.summary.summary import (
    MOST_FACES,
    MOST_TRACKS,
    SummaryError,
    SummaryPicture,
    thumbnail,
)
from face_perception.offline.outputs.summary.summary_plot import shorter, time_label  # noqa: E402
from face_perception.offline.outputs.summary.track_rows import end_of, runs  # noqa: E402


@pytest.fixture
def drawn(monkeypatch):
    """Return the list of all texts of the images that are drawn."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    texts = []
    save = Figure.savefig

    def listen(figure, *arguments, **options):
        save(figure, *arguments, **options)
        texts.extend(text for each in figure.findobj(Text) if (text := each.get_text()))

    monkeypatch.setattr(Figure, 'savefig', listen)
    return texts


def write(made, folder, frames, name='input.mp4', anonymizer=None):
    """Write a summary of (frame, faces) and return the sink and its image."""
    sink = SummaryPicture(folder, name, anonymizer.how if anonymizer else '')
    for frame, faces in frames:
        result = made.result(*faces)
        if anonymizer:  # as a run does, before any sink has it
            frame = replace(frame, image=anonymizer(frame, result))
        sink.add(frame, result)
    (path,) = sink.close()
    assert path == folder / 'summary.png' and list(folder.iterdir()) == [path]
    image = cv2.imread(str(path))
    assert image.shape[1] == 1320
    return sink, image


def shares_color(image, rgb, within=3):
    return (np.abs(image[:, :, ::-1].astype(int) - rgb) <= within).all(axis=2).mean()


def test_without_a_frame_nothing_is_written(tmp_path):
    assert SummaryPicture(tmp_path, 'nothing').close() == []
    assert not list(tmp_path.iterdir())


def test_what_hinders_it_is_said(made, tmp_path, monkeypatch):
    sink = SummaryPicture(tmp_path / 'missing', 'input.mp4')
    sink.add(made.frame(0), made.result())
    with pytest.raises(SummaryError, match='summary.png. cannot be written .No such file'):
        sink.close()
    monkeypatch.setattr(summary_module.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SummaryError, match=re.escape(install_command('demo'))):
        SummaryPicture(tmp_path, 'input.mp4')


def test_it_says_what_was_in_an_input(made, tmp_path, drawn):
    frames = [
        (
            made.frame(index),
            [
                made.face('1', 'happy' if index < 30 else 'sad'),
                *[made.face('2', 'neutral', 'male')] * (index >= 20),
            ],
        )
        for index in range(40)
    ]
    _, image = write(made, tmp_path, frames)
    text = '\n'.join(drawn)
    for part in (
        'input.mp4',
        '40 frames, 4.0 s, 160x120 pixels',
        '60 faces in 40 frames, at most 2 at once, 2 tracks',
        '#1',
        '#2',
        'happy 75%, female 100%, 3.9 s',
        'neutral 100%, male 100%, 1.9 s',
        '50%',
        '17%',
        '33%',
        '67%',
        '10.0 | 10.0 | 10.0',
        'total',
    ):
        assert part in text, part
    assert 'anonymised' not in text and 'left out' not in text
    happy, sad = (250, 200, 40), (60, 140, 220)
    assert shares_color(image, happy) > 2 * shares_color(image, sad) > 0.005


def test_an_input_without_a_face(made, tmp_path, drawn):
    write(made, tmp_path, [(made.frame(index), []) for index in range(5)])
    assert 'No face was seen in this input.' in drawn
    assert any('no face was seen' in text for text in drawn)


def test_one_frame(made, tmp_path, drawn):
    write(made, tmp_path, [(made.frame(0), [made.face()])])
    assert '1 frame, 160x120 pixels' in drawn and 'happy 100%, female 100%, 1 frame' in drawn
    assert any('1 face in 1 frame, at most 1 at once, 1 track' in text for text in drawn)


def test_faces_that_were_not_asked(made, tmp_path, drawn):
    write(made, tmp_path, [(made.frame(index), [made.face('1', '', '')]) for index in range(5)])
    assert '0.4 s' in drawn and 'Gender' not in drawn


def test_faces_whose_label_is_not_sure_enough_are_not_said_to_have_one(made, tmp_path, drawn):
    frames = [
        (made.frame(index), [made.face('1', 'happy', 'female' if index < 6 else '')])
        for index in range(8)
    ]
    write(made, tmp_path, frames)
    assert 'Gender of the 6 faces with a label' in drawn and 'Expressions' in drawn
    assert any(text.startswith('happy 100%, female 75%') for text in drawn)


def test_of_a_hundred_tracks_the_longest_are_shown(made, tmp_path, drawn):
    frames = [
        (made.frame(index), [made.face(str(track)) for track in range(100) if index <= track])
        for index in range(0, 100, 5)
    ]
    write(made, tmp_path, frames)
    assert 'Who was seen when: the 12 longest of 100 tracks (88 shorter ones are left out)' in drawn
    assert '#99' in drawn and '#50' not in drawn


def test_images_of_a_folder_have_no_tracks(made, tmp_path, drawn):
    frames = [
        (made.frame(index, name=f'{index}.jpg'), [made.face('', 'sad')] * (index % 3))
        for index in range(60)
    ]
    sink, image = write(made, tmp_path, frames, 'images')
    assert '60 images, 160x120 pixels' in drawn
    assert 'Faces per image' in drawn and 'image' in drawn
    assert 'Who was seen when' not in drawn
    assert 10 <= len(sink._summary.thumbnails) <= MOST_FACES
    assert shares_color(image, (60, 140, 220)) > 0.01


def test_topics_are_told_apart(made, tmp_path, drawn):
    frames = [
        (made.frame(index, topic=topic, begin_ns=begin), [made.face()])
        for index in range(10)
        for topic, begin in (('/left/image_raw', 10**18), ('/right/image_raw', 0))
    ]
    sink, _ = write(made, tmp_path, frames)
    assert any('20 frames, 1.0 s, 160x120 pixels, 2 topics' in text for text in drawn)
    assert '#1  /left/image_raw' in drawn and '#1  /right/image_raw' in drawn


def test_a_name_may_be_long_and_have_any_character(made, tmp_path, drawn):
    name = 'a $very$ _long_ {name} \\frac 日本 ' * 5
    write(made, tmp_path, [(made.frame(0), [])], name)
    assert any(text.startswith('a $very$ _long_') and '…' in text for text in drawn)


def test_a_break_shows_and_a_short_miss_does_not(made, tmp_path):
    seen = [*range(20), *range(21, 40), *range(60, 80)]
    frames = [
        (
            made.frame(index),
            [made.face('1', 'happy' if index < 70 else 'fear')] if index in seen else [],
        )
        for index in range(100)
    ]
    summary = write(made, tmp_path, frames)[0]._summary
    (track,) = summary.tracks.values()
    stretches = runs(summary, track, end_of(summary))
    assert [label for _, _, label in stretches] == ['happy', 'happy', 'fear']
    assert [start for start, _, _ in stretches] == pytest.approx([0, 6, 7], abs=0.05)
    assert [length for _, length, _ in stretches] == pytest.approx([4, 1, 1], abs=0.15)


def test_memory_stays_flat(made, tmp_path):
    sink = SummaryPicture(tmp_path, 'long')
    image = np.zeros((120, 160, 3), np.uint8)

    def add(begin, end):
        for index in range(begin, end):
            faces = [
                made.face(str(index // 10), 'happy' if index % 3 else 'sad'),
                made.face('', 'fear'),
            ]
            sink.add(made.frame(index, image), made.result(*faces))

    # From the start, else what is let go of later does not count for what takes its place.
    tracemalloc.start()
    # More tracks than are remembered, so that all that is limited has reached its limit.
    add(0, 15 * MOST_TRACKS)
    before = tracemalloc.get_traced_memory()[0]
    add(15 * MOST_TRACKS, 30 * MOST_TRACKS)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    summary = sink._summary
    assert summary.tracks_seen == 3 * MOST_TRACKS and len(summary.tracks) <= MOST_TRACKS
    assert len(summary.images) == Bins.COUNT and summary.images.sum() == 30 * MOST_TRACKS
    # Thumbnails of as many tracks again would be 8 MB.
    assert grown < 1e6
    assert sink.close()


def test_with_an_anonymizer_no_face_is_in_the_summary(made, portrait, tmp_path, drawn):
    detector = make_detector('onnx', 960, None)
    image, (x, y, size) = portrait
    frames = [
        (made.frame(index, image), [made.face(box=Box(x, y, size, size))]) for index in range(3)
    ]
    _, open_image = write(made, tmp_path, frames)
    (tmp_path / 'summary.png').unlink()
    _, anonymous = write(made, tmp_path, frames, anonymizer=Anonymizer('blur'))

    def faces_in(drawing):
        # The column of the thumbnails, as large as they were kept and larger.
        column = drawing[380:560, :105]
        return [
            face
            for zoom in (1.6, 3)
            for face in detector.detect(cv2.resize(column, None, fx=zoom, fy=zoom))
        ]

    assert faces_in(open_image)
    assert not faces_in(anonymous)
    assert any('shown faces are anonymised (blur)' in text for text in drawn)


def test_a_thumbnail_shows_the_face_also_at_the_border():
    image = np.zeros((100, 100, 3), np.uint8)
    image[10:30, 80:100] = (0, 0, 255)
    made = thumbnail(image, Box(80, 10, 20, 20))
    assert made.shape == (96, 96, 3)
    assert (made[30:66, 30:66] == (255, 0, 0)).all()
    assert (made[48, 90] == 235).all()
    assert thumbnail(image, Box(0, 0, 100, 100)).shape == (96, 96, 3)
    assert thumbnail(image, Box(5, 5, 0.3, 0.3)).shape == (96, 96, 3)


def test_time_never_goes_back_and_jumps_count_as_nothing():
    time = PlayTime()
    second = 10**9
    assert [time.advance('a', stamp * second) for stamp in (50, 51, 40, 41, 10**9, 10**9 + 2)] == [
        0,
        1,
        1,
        2,
        2,
        4,
    ]
    assert time.advance('b', 7 * second) == 4
    assert time.advance('b', 8 * second) == time.now_s == 5
    assert time.advance('a', (10**9 + 2) * second) == 4


def test_images_out_of_order_make_time_no_longer():
    time = PlayTime()
    tenth = 10**8
    times = [time.advance('a', stamp * tenth) for stamp in (600, 602, 601, 604, 603, 606)]
    assert times == pytest.approx([0, 0.2, 0.2, 0.4, 0.4, 0.6])


def test_bins_get_wider_and_lose_nothing():
    bins, counts = Bins(1.0), np.zeros(Bins.COUNT)
    for time in range(3000):
        index, folds = bins.index(time)
        for _ in range(folds):
            counts = folded(counts)
        counts[index] += 1
    assert bins.width == 8 and counts.sum() == 3000 and (counts[:375] == 8).all()


def test_percentiles_are_right_within_a_percent():
    times = np.random.default_rng(2).lognormal(-4, 1, 5000)
    measured = Percentiles()
    assert measured.seconds(50) == [0.0]
    for time in times:
        measured.add(time)
    assert measured.seconds(50, 95, 99) == pytest.approx(np.percentile(times, [50, 95, 99]), 0.01)
    for _ in range(6000):
        measured.add(0.0)
    measured.add(1e9)
    assert measured.seconds(50) == [0.0]


def test_texts():
    assert [time_label(s) for s in (0.04, 99.94, 100, 725.9)] == [
        '0.0 s',
        '99.9 s',
        '1:40 min',
        '12:05 min',
    ]
    assert shorter('a\nb  c', 10) == 'a b c'
    assert shorter('x' * 30, 11) == 'xxxxx…xxxxx'
