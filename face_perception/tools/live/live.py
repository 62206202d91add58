"""Shows what running nodes see, as it happens: finds them, and feeds a viewer."""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from ...console.signals import catch_signals
from ...ros.parameter_requests import ParameterRequests
from ...ros.start import begin, finish, own_arguments, prepare
from ...visuals.rerun_live import LiveWriter
from ..children import Child, end_all
from ..found import NONE_FOUND, find_nodes, full_name, outputs_of
from ..ros_program import refuse, steady_executor, warn
from ..viewer import LOCAL, listen_at, viewer, web_arguments
from .watched import Show, Watched

LOOK_PERIOD_S = 1.0
#: How far this and the viewer stand back where cores are short: the robot's work comes first.
NICENESS = 5
#: Seconds after which it says that there is nobody to look at.
PATIENCE_S = 10.0


class Watcher(Node):
    """Finds nodes, and looks at each."""

    def __init__(self, names: list[str] | None, writer: LiveWriter, show: Show):
        """Look at the nodes with these full names, or at all that there are."""
        super().__init__('face_perception_view', start_parameter_services=False)
        self._parameter_requests = ParameterRequests(self)
        self._writer, self._show = writer, show
        self._find = names is None
        self.watched: dict[str, Watched] = {}
        for name in names or ():
            self._watch(name)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._receive_diagnostics, 10)

    def look_again(self) -> None:
        """See which nodes there are, and which images they take."""
        if self._find:
            for name in find_nodes(self):
                self._watch(name)
        for watched in self.watched.values():
            watched.look_again()

    def missing(self) -> list[str]:
        """Return a sentence for each node that is wanted and has not come."""
        if not self.watched:
            return [f'no node was found yet: {NONE_FOUND}']
        running = ', '.join(find_nodes(self))
        remedy = (
            f'those that run are {running}, and --node takes one of them' if running else NONE_FOUND
        )
        return [
            f"no node '{name}' was found yet: {remedy}"
            for name in self.watched
            if not outputs_of(self, name)
        ]

    def _watch(self, name: str) -> None:
        if name not in self.watched:
            self.watched[name] = Watched(self, name, self._writer, self._show)

    def _receive_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            for watched in self.watched.values():
                watched.take_diagnostics(status)


def run_live(program: str, options: argparse.Namespace) -> int:
    """Feed a viewer until it is closed or this is interrupted; return the exit code."""
    interrupted = catch_signals()
    names = None if options.node is None else [*dict.fromkeys(map(full_name, options.node))]
    own_arguments([program, *options.ros])  # what ROS does not know is said before all else
    stand_back()
    prepare(partial(warn, program), is_camera=False)
    address = listen_at(options.host if options.web else LOCAL)
    memory = f'{options.memory}MB'
    if options.web:
        arguments = [*web_arguments(address), '--server-memory-limit', memory]
    else:
        arguments = ['--bind', LOCAL, '--port', str(address.data_port), '--memory-limit', memory]
    with tempfile.TemporaryDirectory() as folder:
        # Before rclpy: a process with the threads of DDS should not fork.
        child = Child('viewer', '', arguments, Path(folder) / 'viewer.log', viewer())
        try:
            print(address.notice() if options.web else 'close the window to end', flush=True)
            writer = LiveWriter.to_viewer(address.data, partial(warn, program))
            try:
                watcher = begin(
                    [program, *options.ros],
                    lambda: Watcher(names, writer, Show(options.rate, options.raw)),
                    SignalHandlerOptions.NO,
                )
                return feed(program, watcher, child, interrupted)
            finally:
                rclpy.try_shutdown()
                # Before the viewer ends: else the rest would wait for it to take what it cannot.
                writer.close()
        finally:
            end_all([child])
            # Python's last look for what can be freed takes seconds where cores are short, while
            # whoever has ended this, such as ros2 launch, waits five and then uses force.
            gc.freeze()


def stand_back() -> None:
    """Let others come first where cores are short, before this process and those it starts."""
    os.nice(NICENESS)
    # What wakes up for a message does not take the core from the node, which is at work on it.
    with suppress(AttributeError, OSError):  # not Linux, or not allowed
        if os.sched_getscheduler(0) == os.SCHED_OTHER:  # else somebody has chosen
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def feed(program: str, watcher: Watcher, child: Child, interrupted: Callable[[], bool]) -> int:
    """Show what there is until the viewer ends or the user wants to."""
    executor = steady_executor(program)
    executor.add_node(watcher)
    start, look, told = time.monotonic(), 0.0, False
    try:
        while not interrupted():
            executor.spin_once(timeout_sec=0.1)
            if (code := child.ended()) is not None:
                if code:
                    return refuse(program, f'the viewer ended with code {code}{child.said()}')
                return 0
            now = time.monotonic()
            if now - look >= LOOK_PERIOD_S:
                look = now
                watcher.look_again()
                if not told and now - start > PATIENCE_S:
                    told = True
                    for sentence in watcher.missing():
                        warn(program, sentence)
        return 0
    finally:
        finish(executor, watcher)
