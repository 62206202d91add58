"""Names and words of any alphabet, in a terminal that is not set up for them."""

import os
import subprocess
import sys


def run(tmp_path, code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, '-c', code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        cwd=tmp_path,
    )


def test_files_have_their_names_in_a_locale_of_another_encoding(tmp_path):
    code = (
        'import os, pathlib, sys\n'
        'from face_perception.console.streams import mend_streams, use_utf8\n'
        'use_utf8()\n'
        'mend_streams()\n'
        'pathlib.Path("\\u65e5\\u672c").mkdir()\n'
        'print(sys.argv[1], pathlib.Path("caf\\xe9").exists(), sys.stdout.encoding)\n'
        'sys.exit(5)\n'
    )
    (tmp_path / 'café').mkdir()
    done = run(tmp_path, code, 'café', LC_ALL='C', PYTHONUTF8='0', PYTHONIOENCODING='ascii')
    assert (done.returncode, done.stdout) == (5, 'caf\\xe9 True ascii\n'), done.stderr
    assert (tmp_path / '日本').is_dir()


def test_an_interpreter_that_is_told_to_leave_utf8_is_begun_anew_once_at_most(tmp_path):
    code = 'from face_perception.console.streams import use_utf8; use_utf8(); print("begun")'
    command = [sys.executable, '-X', 'utf8=0', '-c', code]
    environment = os.environ | {'LC_ALL': 'C'}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, done.stdout) == (0, 'begun\n'), done.stderr


def test_a_module_that_is_run_prints_what_an_encoding_lacks(tmp_path):
    code = (
        'import sys\n'
        'from face_perception.console.endings import ended\n'
        'sys.exit(ended(lambda: print("\\u4e2d\\u2026") or 5))\n'
    )
    done = run(tmp_path, code, PYTHONIOENCODING='ascii')
    assert (done.returncode, done.stdout) == (5, '\\u4e2d\\u2026\n'), done.stderr
