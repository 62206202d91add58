"""The process that loads a model file first: where it imports from, and how it ends."""

import subprocess
import sys

import pytest

from face_perception.core import model_trial
from face_perception.core.errors import ModelError
from face_perception.core.model_trial import program, trial_fault
from support.waiting import wait_until


def fault(load, imports='pass', **options):
    return trial_fault('the library', program(imports, f'    {load}'), **options)


def test_what_it_says():
    assert fault('pass') == ''
    assert fault('assert sys.argv[3:] == ["a"]', arguments=['a']) == ''
    assert fault(r'raise ValueError("first\nwhy")') == 'why'
    assert fault('import os; os.kill(os.getpid(), 11)') == 'the library crashes, signal 11'


def test_it_gets_its_input_where_this_process_has_none_itself():
    asked = program(
        'pass', '    raise ValueError(content.decode())', 'content = sys.stdin.buffer.read()'
    )
    ask = (
        'from face_perception.core.model_trial import trial_fault\n'
        f'raise SystemExit(trial_fault("", {asked!r}, content=b"whole") != "whole")'
    )
    closed = subprocess.run(['sh', '-c', '"$0" -c "$1" 0<&- 1>&- 2>&-', sys.executable, ask])
    assert closed.returncode == 0


def test_it_imports_from_where_this_process_does(tmp_path, monkeypatch):
    """Not from the present folder, where anybody may have put a module of that name."""
    here, there = tmp_path / 'here', tmp_path / 'a:b é'
    for folder in (here, there):
        folder.mkdir()
        (folder / 'whence.py').write_text(f'PLACE = {folder.name!r}')
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(there)
    assert fault('raise ValueError(whence.PLACE)', 'import whence') == 'a:b é'


def test_only_its_own_work_counts_as_time(monkeypatch):
    monkeypatch.setattr(model_trial, 'MOST_TRIAL_S', 0.2)
    monkeypatch.setattr(model_trial, 'PATIENCE', 100)
    assert fault('import time; time.sleep(0.5)') == ''
    assert fault('while True: pass') == 'it takes longer than 0.2 s of CPU time'


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM'])
def test_who_ends_it_says_nothing_about_the_file(name):
    with pytest.raises(ModelError, match=rf'was ended \({name}\): try again'):
        fault(f'import os; os.kill(os.getpid(), signal.{name}); sys.exit(0)')


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux ends children with their parents')
def test_it_does_not_outlive_this_process(tmp_path):
    mark = tmp_path / 'child'
    load = (
        f'    open({str(mark)!r}, "w").write(str(__import__("os").getpid()))\n    while True: pass'
    )
    ask = (
        'from face_perception.core.model_trial import program, trial_fault\n'
        f'trial_fault("", program("pass", {load!r}))'
    )
    parent = subprocess.Popen([sys.executable, '-c', ask])
    wait_until(lambda: mark.exists() and mark.read_text())
    parent.kill()
    parent.wait()
    wait_until(lambda: has_ended(mark.read_text()))


def has_ended(process):
    try:
        with open(f'/proc/{process}/status') as file:
            return 'State:\tZ' in file.read()  # nobody may have asked for its exit code
    except FileNotFoundError:
        return True
