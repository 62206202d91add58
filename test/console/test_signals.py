"""Signals that end a program where it can."""

import os
import signal
import subprocess
import sys

import pytest

CODE = """
import os, signal, sys
from face_perception.console.signals import catch_signals
interrupted = catch_signals()
os.kill(os.getpid(), int(sys.argv[1]))
sys.exit(5 if interrupted() else 0)
"""


def end_by(number, before=signal.SIG_DFL):
    """Return the exit code of a program that ``number`` reaches, which did ``before`` till then."""
    command = [sys.executable, '-c', CODE, str(int(number))]
    return subprocess.run(command, preexec_fn=lambda: signal.signal(number, before)).returncode


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM', 'SIGHUP'])
@pytest.mark.skipif(os.name == 'nt', reason='Windows has other signals')
def test_the_first_is_a_question(name):
    assert end_by(getattr(signal, name)) == 5


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no SIGHUP')
def test_under_nohup_a_terminal_may_go():
    assert end_by(signal.SIGHUP, before=signal.SIG_IGN) == 0
