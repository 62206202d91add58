"""Runs the launch_testing test, in a process of its own, where launch_testing is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip(
    'launch_testing', reason='needs launch_testing, which comes with ROS 2 and is not on PyPI'
)


def test_the_launch_file_under_launch_testing():
    test = Path(__file__).with_name('launch_testing_node.py')
    done = subprocess.run(
        [sys.executable, '-m', 'launch_testing.launch_test', str(test)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'OK' in done.stdout + done.stderr
