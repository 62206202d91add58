import os
import re
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from face_perception.core.extras import install_command
from face_perception.tools import view, viewer
from face_perception.visuals import rerun_writer
from face_perception.visuals.rerun_writer import RerunError


def test_recordings_are_found_in_files_and_folders(tmp_path):
    for name in ('b/results.rrd', 'a/deep/results.rrd', '.unfinished-1/results.rrd', 'a/other.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    first, second = tmp_path / 'a/deep/results.rrd', tmp_path / 'b/results.rrd'
    assert view.find_recordings([tmp_path]) == [first, second]
    assert view.find_recordings([second, tmp_path]) == [second, first]
    # A hidden folder may be the one that is meant.
    assert view.find_recordings([tmp_path / '.unfinished-1'])


@pytest.mark.parametrize(
    'name, fault',
    [
        ('empty', r"the folder '.*empty' has no recording \(.rrd\): face_perception_demo --rerun"),
        ('missing.rrd', "the file '.*missing.rrd' does not exist"),
        ('image.png', "'.*image.png' is no recording: give .rrd files"),
    ],
)
def test_what_has_no_recording_is_named(tmp_path, name, fault):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(RerunError, match=fault):
        view.find_recordings([tmp_path / name])


def test_what_launch_adds_for_ros_is_no_recording():
    given = ['--live', '--ros-args', '-r', 'a:=b', '--', '--web', '--ros-args']
    own, ros = view.split_arguments(given)
    assert own == ['--live', '--web']
    assert ros == ['--ros-args', '-r', 'a:=b', '--', '--ros-args']
    assert view.split_arguments(['a.rrd', '--web']) == (['a.rrd', '--web'], [])


def test_without_rerun_one_sentence_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'rerun', None)
    with pytest.raises(RerunError, match=re.escape(install_command('view'))):
        rerun_writer.import_rerun()
    assert view.main([str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_live_without_ros_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(view, 'import_rerun', lambda: None)
    monkeypatch.setattr(view, 'ros_fault', lambda: 'this program needs ROS 2')
    (tmp_path / 'results.rrd').touch()
    assert view.main(['--live', '--web']) == 1
    assert capsys.readouterr().err == 'face_perception_view: this program needs ROS 2\n'
    # Recordings are shown all the same.
    monkeypatch.setattr(view, 'check_display', lambda program: None)
    monkeypatch.setattr(view, 'become_viewer', lambda arguments: None)
    view.main([str(tmp_path)])
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--node', 'left-face'], "'left-face' is no name of a node"),
        (['--ros-args', '--rate', '2'], "ROS does not know '--rate', '2'"),
    ],
)
def test_what_names_no_node_is_refused_before_a_viewer_is_started(
    monkeypatch, capsys, arguments, words
):
    pytest.importorskip('rclpy', reason='needs ROS 2')
    from face_perception.tools.live import live

    def start(*given):
        raise AssertionError(given)

    for name in ('Child', 'stand_back', 'catch_signals'):
        monkeypatch.setattr(live, name, lambda: None)
    monkeypatch.setattr(live, 'Child', start)
    monkeypatch.setattr(view, 'import_rerun', lambda: None)
    assert view.main(['--live', '--web', *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_without_a_display_it_says_what_to_do_instead(start_tool, tmp_path):
    pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    (tmp_path / 'results.rrd').touch()
    tool = start_tool('view', 'results.rrd', DISPLAY='', WAYLAND_DISPLAY='')
    assert tool.wait() == 1
    assert 'there is no display here: --web' in tool.log()
    assert len(tool.log().strip().splitlines()) == 1


@pytest.mark.skipif(sys.platform != 'linux', reason='windows need no such display elsewhere')
def test_a_display_that_does_not_answer_is_none(tmp_path, monkeypatch):
    """As after ``ssh -X``, in a terminal that lives on."""
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    monkeypatch.setenv('WAYLAND_DISPLAY', 'wayland-0')
    for name in (':987', 'localhost:59000.0', 'nonsense', 'a:b', ':99999999999'):
        monkeypatch.setenv('DISPLAY', name)
        with pytest.raises(RerunError, match=f'does not answer .*DISPLAY={name}.: --web'):
            viewer.check_display('view')
    with socket.socket(socket.AF_UNIX) as wayland, socket.socket() as far:
        wayland.bind(str(tmp_path / 'wayland-0'))
        wayland.listen()
        viewer.check_display('view')
        monkeypatch.delenv('WAYLAND_DISPLAY')
        far.bind(('127.0.0.1', 0))
        far.listen()
        monkeypatch.setenv('DISPLAY', f'127.0.0.1:{far.getsockname()[1] - 6000}.0')
        viewer.check_display('view')


def test_in_a_browser_it_is_for_this_machine_alone(start_tool, tmp_path):
    pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    from face_perception.visuals.rerun_writer import RerunWriter

    writer = RerunWriter(tmp_path / 'results.rrd', 'test')
    writer.at(0, 0)
    writer.file('camera', 'a.png')
    writer.close()
    tool = start_tool('view', '--web', tmp_path)
    tool.wait_for_log('from another machine first: ssh -L')
    address = tool.log().split()[1]
    assert address.startswith('http://127.0.0.1:')
    page = b''
    while not page:
        assert tool.process.poll() is None, tool.log()
        try:
            page = urllib.request.urlopen(address, timeout=5).read()
        except OSError:  # it does not listen yet
            time.sleep(0.1)
    assert b'rerun' in page.lower()


def test_a_port_that_is_taken_is_not_used():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = viewer.free_port(port)
    assert other != port and viewer.free_port(port) == port


@pytest.mark.parametrize(
    'arguments',
    [
        [],
        ['--live', 'demo_output'],
        ['--live', '--rate', '0'],
        ['--live', '--memory', '1'],
        ['demo_output', '--node', '/face_perception'],
        ['demo_output', '--raw'],
        ['demo_output', '--rate', '2'],
        ['demo_output', '--memory', '100'],
        ['--live', '--host', '0.0.0.0'],
    ],
)
def test_what_makes_no_sense_is_refused(arguments):
    with pytest.raises(SystemExit) as caught:
        view.parse_arguments(arguments)
    assert caught.value.code == 2


def test_live_by_default_it_looks_at_all_nodes_a_little_slowly():
    options = view.parse_arguments(['--live', '--web'])
    assert (options.node, options.rate, options.host) == (None, 5.0, '127.0.0.1')
    options = view.parse_arguments(['--live', '--node', '/a/face_perception', '--node', 'b'])
    assert options.node == ['/a/face_perception', 'b']


def test_who_else_can_look_is_said():
    alone = viewer.Address('127.0.0.1', '127.0.0.1', 9876, 9090)
    assert 'ssh -L 9090:127.0.0.1:9090 -L 9876:127.0.0.1:9876' in alone.notice()
    assert '--cors-allow-origin' not in viewer.web_arguments(alone)
    everywhere = viewer.Address('0.0.0.0', 'robot', 9876, 9090)
    assert everywhere.data.startswith('rerun+http://127.0.0.1:')
    assert 'http://robot:9090/' in everywhere.notice()
    assert 'whoever reaches robot sees it too' in everywhere.notice()
    assert 'http://robot:9090' in viewer.web_arguments(everywhere)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(RerunError, match=r'--host 192\.0\.2\.1 cannot be listened at'):
        viewer.listen_at('192.0.2.1')


def test_live_ends_with_the_viewer_and_leaves_no_process(start_tool):
    pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    tool = start_tool('view', '--live', '--web')
    tool.wait_for_log('open http://127.0.0.1:')
    children = Path(f'/proc/{tool.process.pid}/task/{tool.process.pid}/children')
    tool.wait_for(lambda: children.read_text())
    child = Path('/proc', children.read_text().split()[0])
    assert tool.stop(timeout=60) == 0  # it stands back where cores are short
    assert not child.exists()


def test_a_viewer_that_was_closed_is_no_news_of_rerun(start_tool):
    pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')
    tool = start_tool('view', '--live', '--web')
    tool.wait_for_log('open http://127.0.0.1:')
    children = Path(f'/proc/{tool.process.pid}/task/{tool.process.pid}/children')
    tool.wait_for(lambda: children.read_text())
    time.sleep(3)  # until something is sent
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    assert tool.wait() == 2
    *_, line = tool.log().splitlines()
    assert line == 'face_perception_view: the viewer ended with code -9'
