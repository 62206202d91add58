"""What the tests of the tools share: pictures on disk, and the tools as real processes."""

import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest


@pytest.fixture
def pictures():
    """Return six pictures of 64x48 pixels, told apart by their brightness: 30, 60, ... 180."""
    ramp = np.linspace(0, 40, 64)[None, :, None]
    return [np.full((48, 64, 3), 30 * number, np.uint8) + ramp.astype(np.uint8)
            for number in range(1, 7)]


@pytest.fixture
def make_video(tmp_path, pictures):
    """Write a video of the pictures, 10 per second."""

    def make(name='video.mp4', codec='mp4v'):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10.0, (64, 48))
        if not writer.isOpened():
            pytest.skip(f'this OpenCV writes no {codec}')
        for picture in pictures:
            writer.write(picture)
        writer.release()
        return path

    return make


class Tool:
    """One of the tools as a process."""

    def __init__(self, module, arguments, folder, environment):
        self._log_path = folder / f'{module}_{time.monotonic_ns()}.log'
        with open(self._log_path, 'w') as log:
            self.process = subprocess.Popen(
                [sys.executable, '-m', f'face_perception.tools.{module}', *map(str, arguments)],
                # Away from the source tree, which would come before the installed package.
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C works as in a terminal, also where these tests run in the background.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

    def log(self):
        """Return what it has printed so far."""
        return self._log_path.read_text()

    def wait(self, timeout=30.0):
        """Wait for its end; return the exit code."""
        return self.process.wait(timeout)

    def wait_for_log(self, text, timeout=20.0):
        """Wait until it has printed ``text``."""
        deadline = time.monotonic() + timeout
        while text not in self.log():
            assert time.monotonic() < deadline and self.process.poll() is None, self.log()
            time.sleep(0.05)

    def stop(self, number=signal.SIGINT, timeout=3.0):
        """Interrupt it; return exit code and the seconds that it took."""
        start = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout), time.monotonic() - start


@pytest.fixture
def start_tool(tmp_path):
    """Start tools; none outlives the test, and none may print a traceback."""
    tools = []

    def start(module, *arguments, **environment):
        tool = Tool(module, arguments, tmp_path, {**os.environ, **environment})
        tools.append(tool)
        return tool

    yield start
    for tool in tools:
        if tool.process.poll() is None:
            tool.process.kill()
            tool.process.wait()
        assert 'Traceback' not in tool.log(), tool.log()
