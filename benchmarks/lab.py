"""
A node as a process, whoever may be killed or frozen beside it, and ears for its answers.

As a command it tries one node for a few seconds and prints what came, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rig import prepare_environment
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message
from face_perception.msg import FaceArray

NODE = [sys.executable, '-m', 'face_perception.ros.node']
PATIENCE_S = 30.0
#: Variable with the folder of the node's log, where that is to be another than of the rest.
NODE_LOGS = 'LAB_NODE_LOGS'


def shared_files(process: int | None = None) -> set[str]:
    """Return the files in /dev/shm that a process has open or mapped, or any process at all."""
    found: set[str] = set()
    for folder in Path('/proc').glob(str(process or '[0-9]*')):
        with suppress(OSError):  # it ended, or is another user's
            found.update(re.findall(r'/dev/shm/\S+', (folder / 'maps').read_text()))
            for handle in (folder / 'fd').iterdir():
                with suppress(OSError):
                    target = os.readlink(handle)
                    found.update([target] if target.startswith('/dev/shm/') else [])
    return found


class Lab:
    """One node, whose images come from here, and all other processes of a trial."""

    def __init__(self):
        prepare_environment()
        self._folder = tempfile.TemporaryDirectory()
        self.models = Path(self._folder.name)
        self._processes: list[subprocess.Popen] = []
        self.log = self.models / 'node.log'
        rclpy.init()
        self.node = rclpy.create_node('lab')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, '/image', QoSProfile(depth=10))
        self.compressed = self.node.create_publisher(
            CompressedImage, '/image/compressed', QoSProfile(depth=10)
        )
        self.faces: list[FaceArray] = []
        self.node.create_subscription(FaceArray, '/face_perception/faces', self.faces.append, 100)
        self._set = self.node.create_client(SetParameters, '/face_perception/set_parameters')
        self._number = 0
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Lab:
        """Start the node."""
        self.restart()
        return self

    def __exit__(self, *_) -> None:
        """End everything."""
        for process in self._processes:
            self.kill(process)
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()
        self._folder.cleanup()

    # Processes

    def start_node(self, *arguments: str, prepare: Callable[[], None] | None = None):
        """Start a node with the models' folder allowed."""
        command = [*NODE, '--ros-args', '-p', f'model_directories:={self.models}', *arguments]
        logs = {'ROS_LOG_DIR': os.environ[NODE_LOGS]} if NODE_LOGS in os.environ else {}
        return self._start(command, prepare, **logs)

    def restart(self, *arguments: str, wait: bool = True, prepare=None) -> None:
        """Start the node anew, and wait until it takes images."""
        if self.process is not None:
            self.kill(self.process, signal.SIGINT)
        self.process = self.start_node(*arguments, prepare=prepare)
        compressed = 'image_transport:=compressed' in arguments
        publisher = self.compressed if compressed else self.images
        if wait and not self.until(
            lambda: publisher.get_subscription_count() or self.process.poll() is not None,
            PATIENCE_S,
        ):
            raise RuntimeError(f'the node takes no images: {self.log.read_text()[-2000:]}')
        if wait and self.process.poll() is not None:
            raise RuntimeError(self.log.read_text().strip())

    def start_camera(self):
        """Start the package's own camera."""
        return self._start(
            [sys.executable, '-m', 'face_perception.tools.camera.camera', '--rate', '15'], None
        )

    def start_python(self, code: str):
        """Start a program."""
        return self._start([sys.executable, '-c', code], None)

    def _start(self, command: list[str], prepare, **environment: str) -> subprocess.Popen:
        with self.log.open('ab') as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd='/',
                preexec_fn=prepare,
                env={**os.environ, **environment},
            )
        self._processes.append(process)
        return process

    def kill(self, process: subprocess.Popen, how: int = signal.SIGKILL) -> None:
        """End a process and wait for its end."""
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # Images and answers

    def spin(self, seconds: float) -> None:
        """Take what comes for a while."""
        self.until(lambda: False, seconds)

    def until(self, condition: Callable[[], object], seconds: float) -> object:
        """Take what comes until something holds; return it."""
        end = time.monotonic() + seconds
        while not (holds := condition()) and (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=min(left, 0.02))
        return holds

    def good(self, compressed: bool = False) -> Image | CompressedImage:
        """Return an image that has an answer."""
        image = np.full((480, 640, 3), 90, np.uint8)
        if compressed:
            data = cv2.imencode('.jpg', image)[1].tobytes()
            return CompressedImage(format='jpeg', data=array('B', data))
        return image_message(Header(), image)

    def show(self, message, seconds: float = 5.0, stamped: bool = True) -> float | None:
        """Publish an image, again if it gets lost; return the seconds until its answer."""
        self._number += 1
        message.header.frame_id = str(self._number)
        started = time.monotonic()
        publisher = self.images if isinstance(message, Image) else self.compressed
        while time.monotonic() - started < seconds:
            if stamped:
                message.header.stamp = self.node.get_clock().now().to_msg()
            publisher.publish(message)
            if self.until(lambda: self._answered(message.header.frame_id), min(seconds, 1.0)):
                return time.monotonic() - started
        return None

    def _answered(self, frame_id: str) -> bool:
        found = any(message.header.frame_id == frame_id for message in self.faces)
        del self.faces[:-100]
        return found

    def wait_for_faces(self, seconds: float = PATIENCE_S) -> float:
        """Wait for any answer from now on; return for how long."""
        self.faces.clear()
        started = time.monotonic()
        if not self.until(lambda: self.faces, seconds):
            raise RuntimeError(f'no answer came: {self.log.read_text()[-2000:]}')
        return time.monotonic() - started

    def set(self, name: str, value) -> str:
        """Set a parameter; return the reason of a refusal, '' for none."""
        self.until(self._set.service_is_ready, PATIENCE_S)
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()]
        )
        future = self._set.call_async(request)
        self.until(future.done, PATIENCE_S)
        return future.result().results[0].reason


def main() -> int:
    """Show a node twenty images and print what came of it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    said, seconds = '', []
    with tempfile.TemporaryFile() as _:
        lab = Lab()
        try:
            with lab:
                seconds = [lab.show(lab.good(), 2.0) for _ in range(20)]
                said = next(
                    (line for line in lab.log.read_text().splitlines() if '/dev/shm' in line), ''
                )
        except RuntimeError as error:
            said = str(error).strip().splitlines()[-1]
    answered = [each for each in seconds if each is not None]
    print(
        json.dumps(
            {
                'shown': len(seconds),
                'answered': len(answered),
                'seconds': answered,
                'said': said.partition(']: ')[2] or said,
            }
        )
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
