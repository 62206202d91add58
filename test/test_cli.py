"""What all commands share before they begin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

CODE = """
import os, sys
from face_perception import cli
sys.argv = ['annotate', '--help']
try:
    cli.annotate()
except SystemExit:
    print(os.environ['OPENBLAS_NUM_THREADS'], len(os.listdir('/proc/self/task')), file=sys.stderr)
"""


@pytest.mark.skipif(
    not Path('/proc/self/task').exists() or (os.cpu_count() or 1) < 2,
    reason='threads are counted on Linux, and started for several cores',
)
def test_no_threads_are_started_for_matrices_unless_somebody_asks(tmp_path):
    def started(**asked):
        env = {name: value for name, value in os.environ.items() if 'OPENBLAS' not in name} | asked
        done = subprocess.run(
            [sys.executable, '-c', CODE], capture_output=True, text=True, env=env, cwd=tmp_path
        )
        return done.stderr.split()

    (chosen, threads), (asked, more) = started(), started(OPENBLAS_NUM_THREADS='2')
    assert (chosen, asked) == ('1', '2') and int(threads) < int(more)


@pytest.mark.parametrize('closed', [0, 1, 2])
def test_a_standard_stream_may_be_closed(tmp_path, closed):
    """What is opened next must not take its place, and be printed into."""
    code = (
        'import os, sys\n'
        'from face_perception import cli\n'
        'cli.import_module = lambda name: sys.modules["__main__"]\n'
        'main = lambda: print(sys.stdin.read(0), "printed") or 5\n'
        'status = cli.view()\n'
        f'sys.exit(status if os.path.samefile({closed}, os.devnull) else 6)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], preexec_fn=lambda: os.close(closed), cwd=tmp_path
    )
    assert done.returncode == 5


def test_what_an_encoding_lacks_is_printed_all_the_same(tmp_path):
    code = (
        'import sys\n'
        'from face_perception import cli\n'
        'cli.import_module = lambda name: sys.modules["__main__"]\n'
        'main = lambda: print("\\u4e2d.jpg\\u2026") or 5\n'
        'sys.exit(cli.view())\n'
    )
    env = os.environ | {'PYTHONIOENCODING': 'latin-1'}
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, env=env, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (5, '\\u4e2d.jpg\\u2026\n')
