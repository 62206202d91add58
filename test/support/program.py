"""A program under test as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from support.waiting import PATIENCE_S

#: What Cyclone DDS says where it is kept to this machine, whose own interface has none as a rule.
NO_MULTICAST = 'is not multicast-capable'


def told(text):
    """Return what a program printed, without what is so with every program of that middleware."""
    lines = text.splitlines(keepends=True)
    return ''.join(line for line in lines if NO_MULTICAST not in line)


class Program:
    """
    Python with ``arguments``, started in ``folder``, where a file named ``name`` gets what it
    prints; ``environment`` comes on top of ours, ``prepare`` is called in the new process, and
    ``patience`` is how long ``wait`` waits, in seconds.
    """

    def __init__(
        self, arguments, folder, name, environment=None, prepare=None, patience=PATIENCE_S
    ):
        self._name, self._patience = name, patience
        self._log_path = folder / f'{name}_{time.monotonic_ns()}.log'
        with self._log_path.open('w') as log:
            self.process = subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                # Away from the source tree, which would come before the installed package.
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                preexec_fn=_ready(prepare),
            )

    def log(self):
        """Return what it has printed so far, as ``told`` does."""
        return told(self._log_path.read_text())

    def said(self):
        """Return the sentences that begin with its command's name: what is wrong."""
        return [
            line
            for line in self.log().splitlines()
            if line.startswith(f'face_perception_{self._name}')
        ]

    def alive(self):
        """Return whether it still runs."""
        return self.process.poll() is None

    def wait(self, timeout=None):
        """Wait for its end; return the exit code."""
        return self.process.wait(timeout or self._patience)

    def wait_spinning(self, ros, timeout=PATIENCE_S):
        """Let ``ros`` take what comes until its end; return the exit code."""
        ros.spin_until(lambda: not self.alive(), timeout)
        ros.spin_for(0.2)
        return self.process.returncode

    def wait_for(self, condition, timeout=PATIENCE_S):
        """Wait until ``condition()`` is true while it runs."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline and self.alive(), self.log()
            time.sleep(0.01)

    def wait_for_log(self, text, timeout=PATIENCE_S):
        """Wait until it has printed ``text``."""
        self.wait_for(lambda: text in self.log(), timeout)

    def wait_to_catch(self, number, timeout=PATIENCE_S):
        """Wait until it has a handler of its own for a signal."""

        def caught():
            status = Path(f'/proc/{self.process.pid}/status').read_text()
            return int(status.split('SigCgt:')[1].split()[0], 16) & 1 << number - 1

        self.wait_for(caught, timeout)

    def stop(self, number=signal.SIGINT, timeout=PATIENCE_S):
        """Send it a signal, as Ctrl-C does; return the exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        """End it at once where it still runs."""
        if self.alive():
            self.process.kill()
            self.process.wait()


class Programs:
    """Starts programs; none outlives the test, and none may print a traceback."""

    def __init__(self):
        self._started = []

    def start(self, *arguments, **options):
        """Start a ``Program``."""
        self._started.append(Program(*arguments, **options))
        return self._started[-1]

    def end(self):
        for program in self._started:
            program.kill()
            assert 'Traceback' not in program.log(), program.log()


def _ready(extra):
    def prepare():
        # Ctrl-C works as in a terminal, also where these tests run in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if extra is not None:
            extra()

    return prepare
