"""The command as a user runs it: exit codes, signals, kills, full disks, no ROS."""

import csv
import io
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from rich.console import Console  # noqa: E402

from face_perception.core.extras import install_command  # noqa: E402
from face_perception.offline.annotate import main, run  # noqa: E402
from face_perception.offline.options import Options  # noqa: E402
from face_perception.offline.progress import report_table  # noqa: E402
from face_perception.offline.types import Job, JobReport  # noqa: E402

OUTPUTS = ('--outputs', 'table', 'video')


@pytest.fixture
def clips(make_video, scene):
    """Return four videos: short ones, and one that takes some seconds."""
    return [
        make_video(scene[:5], 'a.mp4'),
        make_video(scene * 60, 'long.mp4'),
        make_video(scene[5:], 'b.mp4'),
    ]


def states(output):
    """Return name -> state of the folders in the output; each has all its files."""
    found = {}
    for folder in output.iterdir():
        report = json.loads((folder / 'report.json').read_text())
        assert all((folder / name).is_file() for name in report['files'])
        found[folder.name] = report['state']
    return found


def test_all_inputs_well_is_0(start_command, tmp_path, make_video, scene):
    clips = [make_video(scene[:4], f'{name}/clip.mp4') for name in 'ab']
    command = start_command(*clips, '--output', tmp_path / 'out', *OUTPUTS)
    assert command.wait() == 0, command.log()
    assert states(tmp_path / 'out') == {'clip': 'done', 'clip-2': 'done'}
    assert f'[1/2] {clips[0]}: done, 4 frames' in command.log()
    again = start_command(*clips, '--output', tmp_path / 'out', *OUTPUTS)
    assert again.wait() == 0 and again.log().count('kept, 4 frames') == 2


def test_broken_inputs_among_good_ones_are_1_and_the_rest_goes_on(
    start_command, tmp_path, make_video, make_bag, recorded, scene
):
    (tmp_path / 'empty.mp4').write_bytes(b'')
    (tmp_path / 'broken.mcap').write_bytes(b'nonsense')
    cut = make_bag(recorded.camera('/cam', scene), 'cut')
    with (cut / 'cut.mcap').open('r+b') as file:
        file.truncate(1_500_000)
    command = start_command(
        tmp_path / 'empty.mp4',
        make_video(scene[:3]),
        tmp_path / 'broken.mcap',
        'gone.mp4',
        cut,
        make_bag(recorded.camera('/cam', scene[:3])),
        '--output',
        tmp_path / 'out',
        '--outputs',
        'table',
    )
    assert command.wait() == 1
    assert states(tmp_path / 'out') == {'clip': 'done', 'bag': 'done', 'cut': 'failed'}
    log = command.log()
    for words in (
        "empty.mp4' is empty",
        'File magic is invalid',
        "'gone.mp4' does not exist",
        "'cut.mcap' is damaged or was not closed",
    ):
        assert log.count(words) == 2, 'when it happens and at the end'
    assert log.count('[6/6]') == 1


def test_in_a_log_names_are_whole(tmp_path):
    job = Job(tmp_path / f'{"long_" * 30}clip.mp4', tmp_path / ('folder_' * 20), ('table',))
    log = Console(file=io.StringIO())
    assert run([job], Options((), tmp_path, job), lambda: False, log) == 1
    lines = log.file.getvalue().splitlines()
    assert sum(job.source.name in line and '│ failed │' in line for line in lines) == 1


def test_inputs_of_the_same_name_are_told_apart_at_the_end():
    reports = [JobReport(Path(name), 'failed') for name in ('a/clip.mp4', 'b/clip.mp4', 'c/x.mp4')]
    log = Console(file=io.StringIO(), width=200)
    log.print(report_table(reports, {}))
    shown = log.file.getvalue()
    assert '│ a/clip.mp4 │' in shown and '│ b/clip.mp4 │' in shown and '│ x.mp4      │' in shown


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ((), 'arguments are required: INPUT, --output'),
        (('x.mp4',), 'required: --output'),
        (('x.mp4', '--output', 'out', '--outputs', 'tables'), "invalid choice: 'tables'"),
        (('--output', 'out', '--outputs', 'table', '.'), 'inputs come before --outputs, or behind'),
        (('x.mp4', '--output', 'out', '--outputs', 'table,bag'), 'with blanks between them'),
        (
            ('x.mp4', '--output', 'out', '--detector', 'haar', '--detector-model', 'x.onnx'),
            "--detector-model is for the detectors 'onnx' and 'yunet'",
        ),
        (('x.mp4', '--output', ''), 'it is empty: give the folder for the results'),
        (('x.mp4', '--output', 'out', '--input-size', '9'), 'a size in pixels of 64 to 4096'),
        (('x.mp4', '--output', 'out', '--anonymize', 'no'), 'blur'),
    ],
)
def test_a_wrong_option_is_2_with_one_line(capsys, arguments, words):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert words in said and len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (
            ('x.mp4', '--output', 'out', *OUTPUTS, '--emotion-model', './no.onnx'),
            "'no.onnx' does not exist",
        ),
        (('x.mp4', '--output', 'file/out', *OUTPUTS), "'file/out' cannot be written to"),
        (
            ('x.mp4', '--output', 'out', *OUTPUTS, '--detector', 'yunet'),
            "--detector 'yunet' needs a file: set --detector-model to the path",
        ),
    ],
)
def test_what_no_input_can_have_is_2_with_one_line(start_command, tmp_path, arguments, words):
    (tmp_path / 'file').write_text('no folder')
    command = start_command(*arguments)
    assert command.wait() == 2
    assert words in command.log() and len(command.log().strip().splitlines()) == 1


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_whole_and_the_next_run_goes_on(
    start_command, tmp_path, clips, number
):
    output = tmp_path / 'out'
    command = start_command(*clips, '--output', output, *OUTPUTS)
    command.wait_for((output / '.unfinished-long' / 'annotated.mp4').exists)
    assert command.stop(number) == 130
    assert states(output) == {'a': 'done'}
    assert 'the same command goes on where it stopped' in command.log()
    if number == signal.SIGINT:
        again = start_command(clips[0], clips[2], '--output', output, *OUTPUTS)
        assert again.wait() == 0
        assert f'{clips[0]}: kept' in again.log() and f'{clips[2]}: done' in again.log()


def test_a_kill_leaves_nothing_half_written_in_sight(start_command, tmp_path, clips, visible):
    output = tmp_path / 'out'
    command = start_command(*clips, '--output', output, *OUTPUTS)
    command.wait_for((output / '.unfinished-long' / 'annotated.mp4').exists)
    assert command.stop(signal.SIGKILL) == -signal.SIGKILL
    assert [name for name in visible(output) if not name.startswith('.')] == ['a']
    before = (output / 'a' / 'faces.csv').stat().st_mtime_ns
    again = start_command(clips[0], clips[2], '--output', output, *OUTPUTS)
    assert again.wait() == 0, again.log()
    assert states(output) == {'a': 'done', 'b': 'done'}
    assert (output / 'a' / 'faces.csv').stat().st_mtime_ns == before


def test_where_nothing_more_can_be_written_one_error_says_so(
    start_command, tmp_path, make_video, scene, visible
):
    def no_large_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    clips = [make_video(scene, f'{name}.mp4') for name in 'ab']
    for outputs in ('video', 'bag'):
        command = start_command(
            *clips, '--output', tmp_path / 'out', '--outputs', outputs, prepare=no_large_files
        )
        assert command.wait() == 1, command.log()
        faults = [
            line
            for line in command.log().splitlines()
            if line.startswith('face_perception_annotate: ')
        ]
        assert len(faults) == 1 and (
            'cannot be written' in faults[0] or 'not written whole' in faults[0]
        ), command.log()
        assert '[1/2]' not in command.log(), 'it ends at once'
        assert visible(tmp_path / 'out') == []


def test_two_runs_at_once_do_not_mix(start_command, tmp_path, clips):
    output = tmp_path / 'out'
    first = start_command(clips[1], '--output', output, '--outputs', 'table')
    first.wait_for((output / '.unfinished-long').exists)
    second = start_command(clips[0], '--output', output, '--outputs', 'table')
    assert second.wait() == 2 and 'another run is writing into' in second.log()
    assert first.stop(signal.SIGINT) == 130


def test_it_runs_where_files_cannot_be_locked(monkeypatch, tmp_path, make_video, scene):
    monkeypatch.setattr('face_perception.offline.annotate.fcntl', None)  # as on Windows
    clip = make_video(scene, 'clip.mp4')
    assert main([str(clip), '--output', str(tmp_path / 'out'), '--outputs', 'table']) == 0
    assert list((tmp_path / 'out').rglob('*.csv'))


def test_it_runs_where_no_ros_is_installed(start_command, tmp_path, make_bag, recorded, scene):
    """As without ROS: every import of it fails."""
    bag = make_bag(recorded.camera('/cam', scene[:3]))
    code = '\n'.join(
        (
            'import sys',
            *(
                f"sys.modules['{name}'] = None"
                for name in (
                    'rclpy',
                    'std_msgs',
                    'sensor_msgs',
                    'builtin_interfaces',
                    'rcl_interfaces',
                    'cv_bridge',
                    'face_perception.msg',
                )
            ),
            'from face_perception.cli import annotate',
            'sys.exit(annotate())',
        )
    )
    command = start_command(
        bag, '--output', tmp_path / 'out', '--outputs', 'table', 'bag', code=code
    )
    assert command.wait() == 0, command.log()
    assert states(tmp_path / 'out') == {'bag': 'done'}


def test_a_video_does_not_wait_for_what_only_bags_need(start_command, tmp_path, make_video, scene):
    code = (
        'import sys; from face_perception.cli import annotate; annotate();'
        "sys.exit({'ruamel.yaml', 'rosbags.typesys.stores'} & set(sys.modules) or 0)"
    )
    command = start_command(
        make_video(scene[:2]), '--output', tmp_path / 'out', '--outputs', 'table', code=code
    )
    assert command.wait() == 0, command.log()
    assert states(tmp_path / 'out') == {'clip': 'done'}


@pytest.mark.parametrize('name', ['pyarrow', 'rich.console'])
def test_without_the_extra_one_sentence_says_what_to_install(start_command, name):
    command = start_command(
        'x',
        code='\n'.join(
            (
                'import sys',
                f"sys.modules['{name}'] = None",
                'from face_perception.cli import annotate',
                'sys.exit(annotate())',
            )
        ),
    )
    assert command.wait() == 1
    assert command.log().strip().splitlines() == [
        f'error: {name} is missing: run {install_command("offline")}'
    ]


def test_the_options_reach_the_pipeline(start_command, tmp_path, make_video, scene):
    source = make_video(scene[:4])
    command = start_command(
        source,
        '--output',
        tmp_path / 'out',
        '--outputs',
        'table',
        '--no-gender',
        '--max-faces',
        '1',
        '--smoothing',
        '0',
        '--input-size',
        '320',
        '--score-threshold',
        '0.4',
        '--detector-interval',
        '2',
        '--threads',
        '2',
    )
    assert command.wait() == 0, command.log()
    options = json.loads((tmp_path / 'out' / 'clip' / 'report.json').read_text())['options']
    assert (
        options['pipeline']
        | {
            'gender_model': '',
            'max_faces': 1,
            'smoothing_time_constant': 0.0,
            'detector_input_size': 320,
            'detector_score_threshold': 0.4,
            'detector_interval': 2,
            'num_threads': 2,
        }
        == options['pipeline']
    )
    with (tmp_path / 'out' / 'clip' / 'faces.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert rows and {row['gender'] for row in rows} == {''}


def test_anonymized_nothing_that_is_written_shows_a_face(
    start_command, tmp_path, make_bag, recorded, scene
):
    from face_perception.core.detectors import make_detector
    from face_perception.offline.readers import open_input

    bag = make_bag(recorded.camera('/cam', scene) + recorded.camera('/jpegs', scene, recorded.jpeg))
    command = start_command(
        bag,
        '--output',
        tmp_path / 'out',
        '--outputs',
        'video',
        'bag',
        '--anonymize',
        'blur',
        '--annotated-image',
        'raw',
    )
    assert command.wait() == 0, command.log()
    folder = tmp_path / 'out' / 'bag'
    detector = make_detector('onnx', 480, None)

    def found(images):
        return sum(len(detector.detect(image)) for image in images)

    assert found(scene) >= 8
    for topic in ('/cam', '/jpegs', '/cam/face_perception/image_annotated'):
        reader = open_input(folder / 'bag', (topic,))
        images = [item.frame.image for item in reader.items()]
        reader.close()
        assert len(images) == 10 and found(images) == 0, topic
    capture, images = cv2.VideoCapture(str(folder / 'annotated_cam.mp4')), []
    while (read := capture.read())[0]:
        images.append(read[1])
    assert len(images) == 10 and found(images) == 0


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs /dev/full')
def test_where_nothing_can_be_printed_one_sentence_says_so(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((40, 50, 3), np.uint8))
    command = 'from face_perception.cli import annotate; raise SystemExit(annotate())'
    with open('/dev/full', 'w') as full:
        run = subprocess.run(
            [sys.executable, '-c', command, 'a.png', '--output', 'out', '--outputs', 'table'],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert run.returncode == 1
    assert run.stderr == 'error: nothing more can be printed (No space left on device)\n'
