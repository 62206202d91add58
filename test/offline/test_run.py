"""One input: files in place together or not at all, kept where nothing has changed."""

import json
import os
import struct
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from support.waiting import wait_until

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.core.settings import PipelineSettings  # noqa: E402
from face_perception.offline import run  # noqa: E402
from face_perception.offline.errors import InterruptedRunError, OutputError  # noqa: E402
from face_perception.offline.inputs import default_outputs, expand, make_jobs  # noqa: E402
from face_perception.offline.outputs.table import Table  # noqa: E402
from face_perception.offline.publishing import clear_leftovers  # noqa: E402
from face_perception.offline.readers import open_input  # noqa: E402
from face_perception.offline.report import MOST_REASONS, Counts  # noqa: E402
from face_perception.offline.run import run_job  # noqa: E402
from face_perception.offline.threads import WAITING, ReadAhead, WriteBehind  # noqa: E402
from face_perception.offline.types import Job  # noqa: E402


@pytest.fixture
def job(tmp_path, make_video, scene):
    return Job(make_video(scene), tmp_path / 'out' / 'clip', ('table', 'video'))


def report_of(job):
    return json.loads((job.folder / 'report.json').read_text())


def test_the_report_tells_what_was_done(job, visible):
    steps = []
    done = run_job(job, lambda *step: steps.append(step))
    assert steps == [(count, 10) for count in range(11)]
    assert (done.state, done.reason, done.frames, done.skipped) == ('done', '', 10, 0)
    assert done.faces >= 8 and done.seconds > 0
    assert sorted(path.name for path in done.files) == [
        'annotated.mp4',
        'faces.csv',
        'faces.parquet',
    ]
    assert all(path.parent == job.folder and path.is_file() for path in done.files)
    report = report_of(job)
    assert (report['state'], report['frames'], report['faces']) == ('done', 10, done.faces)
    assert report['input']['path'] == str(job.source)
    assert report['input']['size'] == job.source.stat().st_size
    assert sorted(report['models']) == ['detector', 'emotion', 'gender']
    assert all(len(checksum) == 64 for checksum in report['models'].values())
    assert all(report['mean_ms'][stage] > 0 for stage in ('decode', 'detect', 'classify'))
    assert visible(job.folder.parent) == ['clip']


def test_what_is_whole_is_kept(job):
    first = run_job(job)
    times = {path: path.stat().st_mtime_ns for path in first.files}
    again = run_job(job)
    assert (again.state, again.frames, again.faces, again.files) == (
        'kept',
        first.frames,
        first.faces,
        first.files,
    )
    assert {path: path.stat().st_mtime_ns for path in first.files} == times


def edit_report(job, **entries):
    path = job.folder / 'report.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.mark.parametrize(
    'change',
    [
        lambda job: replace(job, settings=PipelineSettings(gender_model='')),
        lambda job: replace(job, outputs=('table',)),
        lambda job: os.utime(job.source, ns=(1, 1)),
        lambda job: (job.folder / 'faces.csv').unlink(),
        lambda job: (job.folder / 'faces.csv').write_text('cut'),
        lambda job: (job.folder / 'report.json').write_text('{}'),
        lambda job: (job.folder / 'report.json').write_text('[' * 100_000),
        lambda job: edit_report(job, files=3),
        lambda job: edit_report(job, files=[3]),
        lambda job: edit_report(job, skipped=[]),
        lambda job: edit_report(job, skipped={'why': 'x'}),
        lambda job: edit_report(job, reason=None),
        lambda job: edit_report(job, bytes=[]),
    ],
)
def test_what_has_changed_is_made_anew(job, visible, change):
    run_job(job)
    changed = change(job)
    job = changed if isinstance(changed, Job) else job
    assert run_job(job).state == 'done'
    assert run_job(job).state == 'kept'
    assert visible(job.folder.parent) == ['clip']
    expected = ['faces.csv', 'faces.parquet', 'report.json']
    assert visible(job.folder) == (['annotated.mp4'] * ('video' in job.outputs) + expected)


def test_another_model_of_the_same_name_is_another_condition(job, make_model):
    model = make_model()
    job = replace(job, settings=PipelineSettings(emotion_model=str(model)))
    run.load_networks.cache_clear()
    assert (run_job(job).state, run_job(job).state) == ('done', 'kept')
    make_model(version='10')
    run.load_networks.cache_clear()  # as in another run
    assert run_job(job).state == 'done'


def test_an_interrupted_job_leaves_what_was_there(job, visible):
    def interrupt(done, total):
        if done == 4:
            raise InterruptedRunError('stopped')

    with pytest.raises(InterruptedRunError):
        run_job(job, interrupt)
    assert visible(job.folder.parent) == []
    run_job(job)
    before = report_of(job)
    with pytest.raises(InterruptedRunError):
        run_job(replace(job, outputs=('table',)), interrupt)
    assert visible(job.folder.parent) == ['clip'] and report_of(job) == before
    assert not [
        thread for thread in threading.enumerate() if thread.name in ('reader', 'writer')
    ], 'no thread goes on'


def test_what_a_killed_run_left_is_made_anew(job, visible):
    left = job.folder.with_name('.unfinished-clip')
    left.mkdir(parents=True)
    (left / 'faces.csv').write_text('half a ta')
    assert run_job(job).state == 'done'
    assert visible(job.folder.parent) == ['clip']


def test_a_network_that_fails_on_faces_is_told_and_what_is_known_is_written(
    job, make_model, scene, tmp_path
):
    bright = tmp_path / 'bright.png'
    cv2.imwrite(str(bright), scene[0] // 8 + 224)
    settings = PipelineSettings(emotion_model=str(make_model(output='bright nan')))
    failing = replace(job, source=bright, settings=settings, outputs=('table',))
    for _ in ('made', 'kept'):
        report = run_job(failing)
        assert (report.state, report.frames, report.faces) == ('failed', 1, 1)
        assert 'no probabilities: its faces stay without emotion' in report.reason
    assert 'female' in (job.folder / 'faces.csv').read_text()
    assert run_job(replace(failing, source=job.source)).state == 'done', 'the next one is well'


def test_what_the_user_put_beside_the_results_stays_when_they_are_made_anew(job, visible):
    run_job(job)
    for name in ('notes.txt', 'plots/ages.png', 'plots/.hidden'):
        (job.folder / name).parent.mkdir(exist_ok=True)
        (job.folder / name).write_text('mine')
    (job.folder / 'link').symlink_to('plots')
    run_job(replace(job, outputs=('table',)))
    assert visible(job.folder) == [
        *('faces.csv', 'faces.parquet', 'link', 'notes.txt', 'plots', 'report.json')
    ]
    assert visible(job.folder / 'plots') == ['.hidden', 'ages.png']
    assert (job.folder / 'link').is_symlink() and visible(job.folder.parent) == ['clip']
    # A run that was killed in the midst of it has left both.
    (job.folder / 'notes.txt').unlink()
    former = job.folder.with_name('.replaced-clip')
    former.mkdir()
    for name in ('report.json', 'faces.csv', 'notes.txt'):
        (former / name).write_text(json.dumps({**report_of(job), 'files': ['faces.csv']}))
    clear_leftovers(job.folder.parent)
    assert 'notes.txt' in visible(job.folder) and visible(job.folder.parent) == ['clip']


def test_leftovers_are_cleared_and_a_folder_that_was_being_replaced_returns(tmp_path, visible):
    for name in ('.unfinished-a', '.replaced-b', '.replaced-c', 'c'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'file').write_text(name)
    clear_leftovers(tmp_path)
    assert visible(tmp_path) == ['b', 'c']
    assert [(tmp_path / name / 'file').read_text() for name in 'bc'] == ['.replaced-b', 'c']


def test_an_input_that_breaks_off_failed_and_has_what_came_before(
    tmp_path, make_bag, recorded, scene
):
    source = make_bag(recorded.camera('/cam', scene * 2))
    os.truncate(source / 'bag.mcap', 3_000_000)
    job = Job(source, tmp_path / 'out' / 'bag', ('table', 'bag', 'video'))
    for _ in range(2):
        report = run_job(job)
        assert report.state == 'failed' and 'damaged or was not closed' in report.reason
        assert 1 <= report.frames < 20 and len(report.files) == 5
        assert all(path.is_file() for path in report.files)
    assert report.seconds == 0, 'the second time its files were whole'


def test_an_input_without_a_usable_frame_makes_no_folder(
    tmp_path, make_bag, recorded, scene, visible
):
    entries = recorded.camera('/cam', scene[:3])
    for entry in entries:
        entry.message.encoding = 'bgr9'
    report = run_job(Job(make_bag(entries), tmp_path / 'out' / 'bag', ('table',)))
    assert (report.state, report.frames, report.skipped) == ('failed', 0, 3)
    assert "unknown encoding 'bgr9'" in report.reason
    assert visible(tmp_path / 'out') == []


def test_skipped_frames_are_counted_by_their_reasons(tmp_path, scene):
    folder = tmp_path / 'people'
    folder.mkdir()
    cv2.imwrite(str(folder / 'a.png'), scene[0])
    (folder / 'b.png').write_bytes(b'nonsense')
    job = Job(folder, tmp_path / 'out' / 'people', ('table',))
    report = run_job(job)
    assert (report.state, report.frames, report.skipped) == ('done', 1, 1)
    assert report_of(job)['skipped'] == {report.reason: 1} and "'b.png'" in report.reason


def test_images_behind_the_first_of_a_file_are_counted_as_skipped(tmp_path, scene):
    path, moving = tmp_path / 'pages.tif', np.zeros((60, 80, 3), np.uint8)
    if not cv2.imwritemulti(str(path), [scene[0], moving, moving]):
        pytest.skip('this OpenCV writes no pages')
    steps = []
    report = run_job(
        Job(path, tmp_path / 'out' / 'pages', ('table',)), lambda *step: steps.append(step)
    )
    assert (report.state, report.frames, report.skipped) == ('done', 1, 2)
    assert report.reason == (
        "'pages.tif': only the first of its 3 images is looked at: make it a video"
    )
    assert steps[-1] == (3, 3)


def test_an_image_is_turned_whatever_its_name(tmp_path, scene):
    """What its Exif says of its upper side counts; a video's reader passes over that."""
    turned = b'Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0'
    data = cv2.imencode('.jpg', cv2.rotate(scene[0], cv2.ROTATE_90_COUNTERCLOCKWISE))[1].tobytes()
    segment = b'\xff\xe1' + struct.pack('>H', len(turned) + 2) + turned
    for name in ('photo', 'photo.jpg', 'photo.MPO'):
        (tmp_path / name).write_bytes(data[:2] + segment + data[2:])
        reader = open_input(tmp_path / name)
        (item,) = reader.items()
        assert reader.stills and item.frame.image.shape == scene[0].shape


def test_an_output_that_images_cannot_have_is_said(tmp_path, scene):
    cv2.imwrite(str(tmp_path / 'a.png'), scene[0])
    report = run_job(Job(tmp_path / 'a.png', tmp_path / 'out', ('bag',)))
    assert report.state == 'failed' and 'of images no bag can be made' in report.reason
    assert run_job(Job(tmp_path / 'a.png', tmp_path / 'out', ('bag', 'table'))).state == 'done'


def test_of_many_reasons_not_all_are_told_apart():
    counts = Counts()
    for number in range(1000):
        counts.add_skipped(f'{number} bytes are missing')
    assert len(counts.skipped) == MOST_REASONS + 1 and counts.skipped['other reasons'] == 950
    assert counts.first_reason == '0 bytes are missing'


def test_images_of_a_folder_are_not_followed(tmp_path, scene):
    import csv

    folder = tmp_path / 'people'
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f'{index}.png'), scene[index])
    run_job(Job(folder, tmp_path / 'out', ('table',)))
    with (tmp_path / 'out' / 'faces.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert {row['name'] for row in rows} == {'0.png', '1.png', '2.png'}
    assert {row['track_id'] for row in rows} == {''}
    assert all(row['emotion_happy'] == row['emotion_raw_happy'] for row in rows)


def test_a_wrong_model_is_nobodys_input(job):
    with pytest.raises(ModelError, match='does not exist'):
        run_job(replace(job, settings=PipelineSettings(emotion_model='/no/such.onnx')))


def test_a_sink_that_cannot_write_ends_the_run_with_what_to_do(job, visible, monkeypatch):
    def full(*arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Table, 'add', full)
    with pytest.raises(OutputError, match=r'disk is full.*--output'):
        run_job(job)
    assert visible(job.folder.parent) == []


def test_a_fault_of_ours_is_the_inputs_and_not_the_runs(job, visible, monkeypatch):
    monkeypatch.setattr(Table, 'add', lambda *arguments: 1 / 0)
    report = run_job(job)
    assert report.state == 'failed' and 'ZeroDivisionError' in report.reason
    assert visible(job.folder.parent) == []


# Inputs and their folders.


def test_patterns_are_expanded_and_each_input_comes_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('b.mp4', 'a.mp4', 'c [1].mp4'):
        (tmp_path / name).write_text('')
    assert [str(path) for path in expand(['b.mp4', '*.mp4', str(tmp_path / 'a.mp4')])] == [
        'b.mp4',
        'a.mp4',
        'c [1].mp4',
    ]
    assert [str(path) for path in expand(['c [1].mp4', '*.mkv', 'no.mp4'])] == [
        'c [1].mp4',
        '*.mkv',
        'no.mp4',
    ]


def test_inputs_of_the_same_name_have_folders_of_their_own(tmp_path, make_video, scene):
    sources = [
        make_video(scene[:2], f'{name}/clip.{ending}')
        for name, ending in (('a', 'mp4'), ('b', 'mp4'), ('b', 'mkv'))
    ]
    output = tmp_path / 'out'
    common = Job(tmp_path, tmp_path, ('table',))
    (output / 'clip-2').mkdir(parents=True)
    (output / 'clip-2' / 'mine.txt').write_text("somebody else's")
    jobs = make_jobs(sources, output, common)
    assert [job.folder.name for job in jobs] == ['clip', 'clip-3', 'clip-4']
    for job in jobs:
        assert run_job(job).state == 'done'
    # In another order, and one of them alone: each finds its own again.
    for again in (
        make_jobs(sources[::-1], output, common),
        make_jobs(sources[1:2], output, common),
    ):
        for job in again:
            assert run_job(job).state == 'kept'
    assert (output / 'clip-2' / 'mine.txt').is_file()


def test_what_is_made_by_default(make_bag, recorded, scene, make_video):
    assert default_outputs(make_video(scene[:1])) == ('table', 'video', 'summary')
    bag = make_bag(recorded.camera('/cam', scene[:1]))
    assert default_outputs(bag) == ('table', 'video', 'summary', 'bag')


# Threads.


def test_reading_ahead_is_bounded_and_passes_errors_on():
    given = []

    def items():
        for number in range(50):
            given.append(number)
            yield number
        raise ValueError('at the end')

    ahead = ReadAhead(items())
    wait_until(lambda: len(given) > WAITING)
    time.sleep(0.3)
    assert len(given) == WAITING + 1
    taken = []
    with pytest.raises(ValueError, match='at the end'):
        for item in ahead:
            taken.append(item)
    assert taken == list(range(50))
    ahead.stop()


def test_writing_behind_keeps_the_order_and_is_bounded():
    class Slow:
        def __init__(self):
            self.results, self.gate = [], threading.Event()

        def add(self, *result):
            self.gate.wait()
            self.results.append(result)

        def close(self):
            return ['file']

    sink = Slow()
    writer = WriteBehind(sink)
    accepted = []

    def feed():
        for number in range(20):
            writer.add(number)
            accepted.append(number)

    feeder = threading.Thread(target=feed)
    feeder.start()
    time.sleep(0.3)
    assert len(accepted) <= WAITING + 1
    sink.gate.set()
    feeder.join()
    writer.begin_close()
    assert writer.files() == ['file'] and sink.results == [(number,) for number in range(20)]
