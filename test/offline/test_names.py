"""Names that people give their files, and those that are made of them."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from rich.console import Console  # noqa: E402

from face_perception.core.types import FrameResult  # noqa: E402
from face_perception.media.errors import SourceError  # noqa: E402
from face_perception.offline.annotate import LOCK, locked  # noqa: E402
from face_perception.offline.errors import OutputError  # noqa: E402
from face_perception.offline.inputs import expand, make_jobs  # noqa: E402
from face_perception.offline.names import LONGEST, FreeNames, made_after, readable  # noqa: E402
from face_perception.offline.outputs.images import (  # noqa: E402
    AnnotatedImages,
    AnnotatedVideos,
)
from face_perception.offline.progress import RunProgress, reasons, report_table  # noqa: E402
from face_perception.offline.publishing import clear_leftovers  # noqa: E402
from face_perception.offline.readers import open_input  # noqa: E402
from face_perception.offline.run import run_job  # noqa: E402
from face_perception.offline.types import Frame, Job, JobReport  # noqa: E402

GRAY = np.full((48, 64, 3), 128, np.uint8)


def save(path, image=GRAY):
    """Write a PNG, whatever the name."""
    Path(path).write_bytes(cv2.imencode('.png', image)[1].tobytes())
    return Path(path)


def test_a_name_that_is_no_utf8_is_readable_and_can_be_encoded():
    name = os.fsdecode(b'caf\xe9.mp4')
    assert readable(name) == 'caf\\xe9.mp4'
    assert made_after(name) == 'caf_.mp4'
    assert readable('käse') == made_after('käse') == 'käse'
    assert JobReport(Path(name), 'failed', f"'{name}'").reason == "'caf\\xe9.mp4'"


@pytest.mark.parametrize('text', ['x' * 255, 'ü' * 127, '€' * 85])
def test_a_made_name_leaves_room_for_what_is_put_before_and_behind(text):
    made = made_after(text)
    assert text.startswith(made) and LONGEST - 3 < len(made.encode()) <= LONGEST


@pytest.mark.parametrize('text', ['.unfinished-x', '.replaced-x'])
def test_no_made_name_is_taken_for_what_a_killed_run_has_left(tmp_path, text):
    source = save(tmp_path / f'{text}.png')
    (job,) = make_jobs([source], tmp_path, Job(Path(), Path(), ('table',)))
    assert run_job(job).state == 'done'
    clear_leftovers(tmp_path)
    assert source.exists() and (job.folder / 'report.json').exists()


def test_each_name_is_given_once():
    names = FreeNames()
    assert [names.take('a', '.png'), names.take('A', '.png'), names.take('a', '.PNG')] == [
        'a.png',
        'A-2.png',
        'a-3.PNG',
    ]


def test_images_whose_names_meet_are_all_written(tmp_path):
    images = AnnotatedImages(tmp_path)
    for number, name in enumerate(('a.bmp', 'a.bmp.png', 'x' * 251 + '.bmp', 'b.PNG', 'b.png')):
        images.add(Frame(GRAY, number, 0, name=name), FrameResult(64, 48))
    files = images.close()
    assert len({file.name.casefold() for file in files}) == 5
    assert all(file.is_file() for file in files)
    assert {'a.bmp.png', 'b.PNG'} <= {file.name for file in files}


def test_videos_of_topics_whose_names_meet_are_all_written(tmp_path):
    topics = ('/cam/left', '/cam_left', '/Cam/left', '/' + 'x' * 300)
    videos = AnnotatedVideos(tmp_path, dict.fromkeys(topics, 10.0))
    for topic in topics:
        videos.add(Frame(GRAY, 0, 0, topic), FrameResult(64, 48))
    assert len({file.name.casefold() for file in videos.close()}) == 4


@pytest.mark.parametrize('rate', [1e-9, 1 / 300, 0.05, 29.97003, 66.666667, 333.333333, 400, 1e9])
def test_a_video_of_any_rate_can_be_written(tmp_path, rate):
    videos = AnnotatedVideos(tmp_path, {'': rate})
    for number in range(3):
        videos.add(Frame(GRAY, number, 0), FrameResult(64, 48))
    (file,) = videos.close()
    made = cv2.VideoCapture(str(file)).get(cv2.CAP_PROP_FPS)
    if 0.003 < rate < 10_000:
        assert made == pytest.approx(rate, rel=0.11)


def test_inputs_of_long_and_odd_names_have_a_folder_each(tmp_path):
    odd = os.fsdecode(b'caf\xe9')
    for name in (odd, 'x' * 251, 'x' * 250 + 'y', 'clip', 'Clip'):
        save(tmp_path / f'{name}.png')
    sources = sorted(tmp_path.glob('*.png'))
    jobs = make_jobs(sources, tmp_path / 'out', Job(Path(), Path(), ('table', 'video')))
    assert len({job.folder.name.casefold() for job in jobs}) == 5
    for job in jobs:
        report = run_job(job)
        assert (report.state, report.frames) == ('done', 1), report.reason
        assert run_job(job).state == 'kept'
    assert jobs == make_jobs(sources, tmp_path / 'out', Job(Path(), Path(), ('table', 'video')))


def test_what_an_earlier_run_made_of_an_input_is_found_again(tmp_path):
    common = Job(Path(), Path(), ('table',))
    sources = [save(tmp_path / f'{name}.png') for name in ('Clip', 'clip')]
    for job in make_jobs(sources, tmp_path / 'out', common):
        assert run_job(job).state == 'done'
    (job,) = make_jobs(sources[1:], tmp_path / 'out', common)
    assert (job.folder.name, run_job(job).state) == ('clip-2', 'kept')


def test_an_input_goes_by_the_name_that_the_user_gave_it(tmp_path, monkeypatch):
    folder = tmp_path / 'people'
    folder.mkdir()
    (tmp_path / 'link.png').symlink_to(save(folder / '5eb63bbbe01eeed.png'))
    monkeypatch.chdir(folder)
    sources = expand(['.', '../link.png'])
    jobs = make_jobs(sources, tmp_path / 'out', Job(Path(), Path(), ('table',)))
    assert [(job.name, job.folder.name) for job in jobs] == [
        ('people', 'people'),
        ('link.png', 'link'),
    ]


def test_results_in_the_folder_of_the_images_are_kept(tmp_path):
    save(tmp_path / 'a.png')
    (job,) = make_jobs([tmp_path], tmp_path, Job(Path(), Path(), ('table',)))
    with locked(tmp_path):
        assert run_job(job).state == 'done'
    (tmp_path / '.DS_Store').touch()
    with locked(tmp_path):
        assert run_job(job).state == 'kept'


def test_a_tilde_is_a_home_or_a_letter(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    assert expand(['~clip.jpg', '~/clip.jpg']) == [Path('~clip.jpg'), tmp_path / 'clip.jpg']


def test_an_empty_input_is_refused():
    with pytest.raises(SourceError, match='an input is empty'):
        expand(['a.jpg', ''])


def test_a_working_directory_that_is_gone_is_said(tmp_path, monkeypatch):
    (tmp_path / 'gone').mkdir()
    monkeypatch.chdir(tmp_path / 'gone')
    (tmp_path / 'gone').rmdir()
    (job,) = make_jobs(expand(['a.jpg']), tmp_path, Job(Path(), Path(), ()))
    assert (job.folder.name, run_job(job).state) == ('a', 'failed')
    with pytest.raises(OutputError), locked(Path('out')):
        pass


def test_the_bars_show_names_as_they_are(tmp_path):
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    with RunProgress(1, lambda: False, console) as progress:
        progress.step(Job(Path('Title [dQw4w9WgXcQ].mp4'), tmp_path, ()), 1, 2)
    assert 'Title [dQw4w9WgXcQ].mp4' in console.file.getvalue()


def test_a_name_that_no_file_can_have_is_said_not_to_exist(tmp_path):
    (source,) = expand(['y' * 300])
    (job,) = make_jobs([source], tmp_path, Job(Path(), Path(), ()))
    report = run_job(job)
    assert report.state == 'failed' and 'yyy' in report.reason


def test_links_that_lead_round_or_nowhere_are_told(tmp_path):
    for name, target in (('round.jpg', 'round.jpg'), ('nowhere.jpg', 'gone.jpg')):
        (tmp_path / name).symlink_to(target)
        (source,) = expand([str(tmp_path / name)])
        (job,) = make_jobs([source], tmp_path / 'out', Job(Path(), Path(), ()))
        report = run_job(job)
        assert report.state == 'failed' and name in report.reason


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / 'pipe.mp4')
    for path in (tmp_path / 'pipe.mp4', Path('/dev/zero')):
        with pytest.raises(SourceError, match='device or a pipe'):
            open_input(path)
    folder = tmp_path / 'bag'
    folder.mkdir()
    os.mkfifo(folder / 'bag_0.mcap')
    (folder / 'metadata.yaml').write_text(
        'rosbag2_bagfile_information: {relative_file_paths: [bag_0.mcap]}'
    )
    with pytest.raises(SourceError, match='files are missing'):
        open_input(folder)


def test_an_output_folder_may_be_removed_meanwhile(tmp_path):
    import shutil

    with locked(tmp_path / 'out'):
        shutil.rmtree(tmp_path / 'out')
    with locked(tmp_path / 'out'):
        with pytest.raises(OutputError, match='another run'), locked(tmp_path / 'out'):
            pass
        assert (tmp_path / 'out' / '.annotate.lock').exists()


def test_an_output_folder_whose_name_is_no_utf8_is_refused(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b'/erg\xe4'))
    with pytest.raises(OutputError, match='is no UTF-8'), locked(path):
        pass


def test_what_a_killed_run_has_left_are_folders(tmp_path):
    (tmp_path / '.unfinished-a').mkdir()
    save(tmp_path / '.unfinished-b')
    save(tmp_path / '.replaced-c')
    clear_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.replaced-c', '.unfinished-b']


def test_no_name_reaches_the_terminal_as_commands(tmp_path):
    """A line break forges a line, an escape sequence colours it, another turns its direction."""
    name, shown = 'a\n[9/9] \x1b[31mred\u202e.png', r'a\n[9/9] \x1b[31mred\u202e'
    console = Console(file=io.StringIO(), width=200)
    report = JobReport(Path(name), 'failed', f"'{name}'", files=(tmp_path / name[:-4] / 'x',))
    progress = RunProgress(1, lambda: False, console)
    progress.finished(Job(Path(name), tmp_path, ()), report)
    console.print(report_table([report], {Path(name): tmp_path / name[:-4]}))
    (reason,) = reasons([report])
    printed = console.file.getvalue()
    assert printed.count(shown) >= 2 and reason.count(shown) == 2
    assert printed.replace('\n', '').isprintable() and reason.isprintable()


def test_what_has_the_names_of_the_run_s_own_files_is_neither_followed_nor_waited_for(tmp_path):
    mine, lock = tmp_path / 'mine', tmp_path / 'out' / LOCK
    mine.write_text('precious')
    lock.parent.mkdir()
    lock.symlink_to(mine)
    with pytest.raises(OutputError, match='it is a link'), locked(lock.parent):
        pass
    assert mine.read_text() == 'precious' and lock.is_symlink()
    lock.unlink()
    os.mkfifo(lock)
    with locked(lock.parent):
        pass
    with pytest.raises(OutputError, match='it is no folder'), locked(mine):
        pass


def test_a_link_that_leads_nowhere_is_somebody_s(tmp_path):
    image, output = save(tmp_path / 'a.png'), tmp_path / 'out'
    output.mkdir()
    (output / 'a').symlink_to('gone')
    (job,) = make_jobs([image], output, Job(Path(), Path(), ('table',)))
    assert job.folder == output / 'a-2'
