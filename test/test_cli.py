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
