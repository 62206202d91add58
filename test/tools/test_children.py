import os
import subprocess
import sys
import time

import pytest

from face_perception.tools.children import Child, ChildError, end_all
from support.waiting import wait_until


@pytest.fixture
def make_child(tmp_path, monkeypatch):
    """Start children that run a given piece of Python."""
    children = []
    monkeypatch.setenv(
        'PYTHONPATH', os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    )

    def make(code, name='child'):
        (tmp_path / f'{name}.py').write_text(code)
        child = Child(name, name, [], tmp_path / f'{name}.log')
        children.append(child)
        return child

    yield make
    end_all(children)


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat') as status:
            return status.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_child_that_ends_is_noticed_with_its_last_words(make_child):
    child = make_child('import sys\nfor i in range(20): print("line", i)\nsys.exit("no camera")')
    child.process.wait(10)
    with pytest.raises(ChildError) as caught:
        child.check()
    said = str(caught.value)
    assert said.startswith('the child ended with code 1; it last said:\n')
    assert said.endswith('line 19') or said.endswith('no camera')
    assert 'line 5\n' not in said


def test_a_child_that_is_killed_is_noticed(make_child):
    child = make_child('import time; time.sleep(60)')
    child.check()
    child.process.kill()
    child.process.wait(10)
    with pytest.raises(ChildError, match='was ended by signal 9$'):
        child.check()


def test_all_end_in_time_even_one_that_refuses(make_child):
    stubborn = make_child(
        'import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
        'print("ready", flush=True)\ntime.sleep(60)',
        'stubborn',
    )
    docile = make_child('import time; time.sleep(60)', 'docile')
    wait_until(lambda: 'ready' in stubborn.said())
    start = time.monotonic()
    end_all([stubborn, docile])
    assert time.monotonic() - start < 20
    assert stubborn.process.returncode == -9
    assert docile.process.returncode == -15


def test_a_child_does_not_outlive_its_parent(tmp_path):
    (tmp_path / 'sleeper.py').write_text('import time; time.sleep(60)')
    parent = subprocess.Popen(
        [
            sys.executable,
            '-c',
            'import pathlib, time\n'
            'from face_perception.tools.children import Child\n'
            'child = Child("sleeper", "sleeper", [], pathlib.Path("log"))\n'
            'print(child.process.pid, flush=True)\n'
            'time.sleep(60)',
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(pid))
