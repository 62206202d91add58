"""The Makefile, with programs that only note that they were called."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
PARTS = ('face_perception', 'msg', 'launch', 'config', 'models', 'scripts', 'cmake')


@pytest.fixture
def folder(tmp_path):
    """Return a folder as after `make demo`, in which every program prints its name."""
    shutil.copy(ROOT / 'Makefile', tmp_path)
    for name in (*PARTS, 'build_backend'):
        (tmp_path / name).mkdir()
    for name in ('CMakeLists.txt', 'package.xml', 'pyproject.toml', 'setup.py'):
        (tmp_path / name).touch()
    (tmp_path / '.venv' / 'bin').mkdir(parents=True)
    for name in ('pip', 'python', 'face_perception_demo'):
        path = tmp_path / '.venv' / 'bin' / name
        path.write_text(f'#!/bin/sh\necho {name} $1 >> calls\n')
        path.chmod(0o755)
    stamp = tmp_path / '.venv' / '.installed'
    stamp.touch()
    return tmp_path


def called(folder):
    """Run `make demo`; return how it ended, what it said, and what was called."""
    (folder / 'calls').write_text('')
    # The tests themselves run under make, whose settings would be heeded.
    settings = ('MAKE', 'MFLAGS', 'VENV', 'DEMO_ARGS')
    done = subprocess.run(
        ['make', 'demo'],
        cwd=folder,
        capture_output=True,
        text=True,
        env={name: text for name, text in os.environ.items() if not name.startswith(settings)},
    )
    calls = (folder / 'calls').read_text().splitlines()
    return done.returncode, done.stdout, [call.strip() for call in calls]


@pytest.mark.parametrize('name', ['mine.onnx', 'my model.onnx', 'epoch=12.onnx', 'a:b$c%.onnx'])
def test_a_file_of_any_name_is_installed_once(folder, name):
    assert called(folder)[2][-1] == 'face_perception_demo'
    path = folder / 'models' / name
    path.touch()
    os.utime(path, (time.time() + 1, time.time() + 1))
    status, _, calls = called(folder)
    assert status == 0 and 'pip install' in calls and calls[-1] == 'face_perception_demo'
    os.utime(path, (1, 1))
    status, _, calls = called(folder)
    assert status == 0 and 'pip install' not in calls and calls[-1] == 'face_perception_demo'


def test_an_environment_that_was_moved_is_told_in_one_line(folder):
    pip = folder / '.venv' / 'bin' / 'pip'
    pip.write_text('#!/its/former/place/.venv/bin/python\n')
    status, said, calls = called(folder)
    (line,) = said.splitlines()
    assert status == 2 and calls == [] and "'make clean'" in line and '.venv' in line


def test_what_cannot_be_compiled_is_said_before_anything_is_fetched(folder):
    os.utime(folder / '.venv' / '.installed', (1, 1))
    (folder / '.venv' / 'bin' / 'python').write_text('#!/bin/sh\necho $1 >> calls\nexit 1\n')
    status, _, calls = called(folder)
    assert status == 2 and calls == ['pip --version', 'build_backend/compiling.py']
