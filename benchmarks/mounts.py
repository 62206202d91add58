"""What a fault did, and the faults that need a file system of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lab import NODE_LOGS

from face_perception.ros.transport import DECISIONS


@dataclass
class Outcome:
    """What a fault did: images without an answer, and seconds until the next good one."""

    fault: str
    times: int
    lost: str
    seconds: list[float]
    left: str = ''

    def row(self) -> str:
        """Return the line of a table."""
        worst = f'{np.median(self.seconds):.2f} / {max(self.seconds):.2f}' if self.seconds else '-'
        return f'| {self.fault} | {self.times} | {self.lost} | {worst} | {self.left} |'


def own_file_systems() -> list[Outcome]:
    """Try a full log folder and a small /dev/shm, each in a mount namespace; root only."""
    if os.geteuid() or not shutil.which('unshare'):
        return []
    # Without what was chosen for the /dev/shm of here.
    environment = {name: kept for name, kept in os.environ.items() if name not in DECISIONS}
    other_domain = str(int(environment['ROS_DOMAIN_ID']) % 100 + 1)
    outcomes = []
    for fault, mounts in (
        ('/dev/shm of 64 MB, as docker has', 'mount -t tmpfs -o size=64m tmpfs /dev/shm'),
        ('/dev/shm of 4 MB', 'mount -t tmpfs -o size=4m tmpfs /dev/shm'),
        (
            'disk of the log full',
            'mount -t tmpfs -o size=64k tmpfs {work}; head -c 60000 /dev/zero > {work}/full; '
            'export {NODE_LOGS}={work}',
        ),
        (
            'log folder read-only',
            'mount -t tmpfs -o ro tmpfs {work}; export {NODE_LOGS}={work}',
        ),
    ):
        with tempfile.TemporaryDirectory() as work:
            script = (
                f'{mounts.format(work=work, NODE_LOGS=NODE_LOGS)}; timeout 60 {sys.executable} '
                f'{Path(__file__).with_name("lab.py")}'
            )
            run = subprocess.run(
                ['unshare', '-m', 'bash', '-c', script],
                capture_output=True,
                text=True,
                # Apart: who has another /dev/shm on the same machine cannot be heard through it.
                env={**environment, 'ROS_DOMAIN_ID': other_domain},
            )
        last = (run.stdout.strip().splitlines() or ['{}'])[-1]
        seen = json.loads(last) if last.startswith('{') else {}
        lost = f'{seen.get("shown", 0) - seen.get("answered", 0)} of {seen.get("shown", 0)}'
        outcomes.append(
            Outcome(fault, 1, lost, seen.get('seconds', []), seen.get('said', '')[:110])
        )
    return outcomes
