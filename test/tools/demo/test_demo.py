import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import cv2
import numpy as np
import pytest

from support.waiting import wait_until

for module in ('rich', 'matplotlib', 'skimage'):
    pytest.importorskip(module, reason='the demo needs the extra demo')


pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.core.extras import install_command  # noqa: E402
from face_perception.tools.demo import demo  # noqa: E402


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as listing:
        return [int(child) for child in listing.read().split()]


def test_it_shows_faces_and_writes_its_files(start_tool, tmp_path):
    run = start_tool('demo', '--duration', 4, '--output', 'out')
    assert run.wait(60) == 0, run.log()
    output = tmp_path / 'out'
    assert sorted(path.name for path in output.iterdir()) == [
        'annotated.mp4',
        'annotated.png',
        'latency.png',
    ]
    image = cv2.imread(str(output / 'annotated.png'))
    assert image.shape == (480, 640, 3)
    assert image.std() > 20
    video = cv2.VideoCapture(str(output / 'annotated.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) > 30
    readable, frame = video.read()
    assert readable and frame.shape == (480, 640, 3)
    plot = cv2.imread(str(output / 'latency.png'))
    assert min(plot.shape[:2]) > 500
    log = run.log()
    for part in ('results per second', 'end_to_end', 'out/annotated.mp4', 'at most'):
        assert part in log
    assert 'female' in log or 'male' in log  # the plain lines name what is seen


def test_it_records_for_the_rerun_viewer(start_tool, tmp_path):
    pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    run = start_tool('demo', '--duration', 3, '--rerun', '--output', 'out')
    assert run.wait(60) == 0, run.log()
    assert 'out/results.rrd' in run.log()
    printed = subprocess.run(
        [sys.executable, '-m', 'rerun_cli', 'rrd', 'print', 'out/results.rrd'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    rows = Counter()
    for number, entity, kind in re.findall(
        r' with (\d+) rows .*? - (/face_perception/\S+) - data columns: \[(\w+)', printed
    ):
        rows[entity, kind] += int(number)
    for entity, kind in (
        ('image', 'EncodedImage'),
        ('latency', 'Scalars'),
        ('tracks/1', 'Scalars'),
    ):
        assert rows[f'/face_perception/{entity}', kind] > 20, rows


def test_without_rerun_it_is_refused_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'rerun', None)
    assert demo.main(['--rerun', '--output', str(tmp_path / 'out')]) == 2
    assert install_command('view') in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_without_a_face_it_says_so_and_fails(start_tool, tmp_path):
    cv2.imwrite(str(tmp_path / 'blank.png'), np.full((240, 320, 3), 120, np.uint8))
    run = start_tool('demo', '--source', 'blank.png', '--duration', 1, '--output', 'out')
    assert run.wait(60) == 1
    assert 'no face was seen in' in run.log()
    assert '--source sample' in run.log()
    assert (tmp_path / 'out' / 'annotated.png').exists()


def test_it_does_not_count_what_others_say(start_tool, tmp_path):
    others = start_tool('camera', '--rate', 5)
    others.wait_for_log('publishing')
    run = start_tool('demo', '--duration', 30, '--output', 'out')
    assert run.wait(60) == 1
    assert 'publishes on /image in ROS domain' in run.log().splitlines()[-1]
    assert others.stop() == 0


def test_a_source_that_does_not_exist_is_said_in_the_words_of_the_camera(start_tool, tmp_path):
    run = start_tool('demo', '--source', 'nothing.mp4', '--output', 'out')
    assert run.wait(30) == 1
    assert 'the camera ended with code 2; it last said:' in run.log()
    assert "the source 'nothing.mp4' does not exist" in run.log()
    assert not list((tmp_path / 'out').iterdir())


def alive(pids):
    return [pid for pid in pids if os.path.exists(f'/proc/{pid}')]


def test_ctrl_c_ends_everything_and_writes_what_there_is(start_tool, tmp_path):
    run = start_tool('demo', '--duration', 60, '--output', 'out')
    run.wait_for_log('results/s')
    time.sleep(1)
    children = children_of(run.process.pid)
    assert len(children) == 2
    run.process.send_signal(signal.SIGINT)
    wait_until(lambda: not alive(children), timeout=20, excuse=lambda: alive(children))
    assert run.wait(10) == 0
    assert len(list((tmp_path / 'out').iterdir())) == 3


def test_an_extra_that_is_missing_is_named(monkeypatch):
    find = demo.importlib.util.find_spec
    missing = ['rich']
    monkeypatch.setattr(
        demo.importlib.util, 'find_spec', lambda name: None if name in missing else find(name)
    )
    with pytest.raises(demo.DemoError, match=re.escape(f'rich: run {install_command("demo")}')):
        demo.check_extras('0')
    missing[:] = ['matplotlib', 'skimage']
    with pytest.raises(demo.DemoError, match='needs matplotlib and skimage'):
        demo.check_extras('sample')
    missing[:] = ['skimage']
    demo.check_extras('video.mp4')  # only the sample needs it


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, capsys):
    (tmp_path / 'file').touch()
    assert demo.main(['--output', str(tmp_path / 'file' / 'out')]) == 2
    assert 'cannot be written to' in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _signals():
    """Give back the handlers that demo.main replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_live_in_a_browser_it_lasts_until_there_was_time_to_look():
    assert demo.parse_arguments([]).duration == demo.DURATION_S
    assert demo.parse_arguments(['--web']).duration == demo.WEB_S
    assert demo.parse_arguments(['--web', '--duration', '5']).duration == 5


def test_live_in_a_browser_it_says_where_and_leaves_no_process(start_tool):
    pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    run = start_tool('demo', '--web')
    run.wait_for_log('open http://127.0.0.1:', 60)
    run.wait_for_log('results/s', 60)
    children = children_of(run.process.pid)
    children += [child for parent in children for child in children_of(parent)]
    assert len(children) == 4  # camera, node, what feeds the viewer, and the viewer
    assert run.stop(timeout=60) == 0, run.log()  # it draws its plot
    wait_until(lambda: not alive(children), excuse=lambda: alive(children))
