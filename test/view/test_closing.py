"""Browser, viewer, node and camera are closed in different orders: no process is left behind."""

import signal
import time
from pathlib import Path
from uuid import uuid4

import pytest

from support.browser import Browser, why_none
from support.program import Programs
from support.waiting import wait_until

pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view): make test-view')
pytest.importorskip('skimage', reason='needs scikit-image (the extra demo) for the sample')
if reason := why_none():
    pytest.skip(reason, allow_module_level=True)

#: Seconds for the whole to start, and for each to end, on a machine that has much else to do.
PATIENCE_S, END_S = 300, 60
PROGRAMS = {
    'camera': ('tools.camera.camera', '--rate', '5'),
    'node': ('ros.node',),
    'view': ('tools.view', '--live', '--web'),
}


@pytest.fixture
def programs():
    programs = Programs()
    yield programs
    programs.end()


@pytest.fixture
def mark(monkeypatch):
    """Return what all processes have in their environment that are started from now on."""
    mark = f'CLOSED={uuid4()}'
    monkeypatch.setenv(*mark.split('='))
    return mark.encode()


def living(mark):
    """Return the command lines of the processes that have the mark."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            if mark in (folder / 'environ').read_bytes().split(b'\0'):
                found.append((folder / 'cmdline').read_bytes().replace(b'\0', b' ').decode())
        except OSError:  # it has just ended
            pass
    return found


@pytest.fixture
def start(programs, tmp_path, mark):
    """Start all; return them by name. The browser has shown the page of the viewer."""
    browsers = []

    def start(with_browser=True):
        running = {
            name: programs.start(
                ['-m', f'face_perception.{module}', *arguments], tmp_path, name, patience=END_S
            )
            for name, (module, *arguments) in PROGRAMS.items()
        }
        running['view'].wait_for_log('open http://', PATIENCE_S)
        running['node'].wait_for_log('active: looking for faces', PATIENCE_S)
        if with_browser:
            browsers.append(Browser(tmp_path, (800, 500)))
            running['browser'] = browsers[0]
            browsers[0].open(running['view'].log().split()[1])
            wait_until(
                lambda: browsers[0].screenshot().std() >= 10,
                PATIENCE_S,
                lambda: 'the page stayed empty',
            )
        return running

    yield start
    for browser in browsers:
        browser.close()


def wait_for_nobody(mark):
    wait_until(lambda: not living(mark), END_S, lambda: living(mark))


ORDERS = [
    ('browser', 'view', 'node', 'camera'),
    ('view', 'node', 'camera', 'browser'),
    ('node', 'camera', 'browser', 'view'),
    ('camera', 'browser', 'view', 'node'),
]


@pytest.mark.parametrize('order', ORDERS, ids='-'.join)
def test_whatever_is_closed_first_the_others_go_on_and_nothing_is_left(start, mark, order):
    running = start()
    for name in order:
        closed = running.pop(name)
        if name == 'browser':
            closed.close()
        else:
            assert closed.stop(timeout=END_S) == 0, closed.log()
        time.sleep(1)
        for other, program in running.items():
            assert other == 'browser' or program.alive(), program.log()
    wait_for_nobody(mark)


def test_killed_it_takes_the_viewer_with_it(start, mark):
    running = start(with_browser=False)
    assert any('rerun' in line for line in living(mark))
    running['view'].stop(signal.SIGKILL)
    wait_until(lambda: not any('rerun' in line for line in living(mark)), END_S)
    assert running['node'].stop() == 0 and running['camera'].stop() == 0
    wait_for_nobody(mark)
