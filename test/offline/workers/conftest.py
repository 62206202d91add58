"""What the tests of scheduling share: inputs, and how runs look from outside."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.waiting import wait_until

OUTPUTS = ('--outputs', 'table', 'video')


@pytest.fixture(scope='session')
def clips(tmp_path_factory, scene):
    """Return a folder of inputs of which one takes some seconds; each test only reads them."""
    import cv2

    folder = tmp_path_factory.mktemp('clips')
    for name, images in (('a', scene[:4]), ('b', scene[5:]), ('long', scene * 25)):
        writer = cv2.VideoWriter(
            str(folder / f'{name}.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10.0, (320, 240)
        )
        if not writer.isOpened():
            pytest.skip('this OpenCV writes no mp4v')
        for image in images:
            writer.write(image)
        writer.release()
    cv2.imwrite(str(folder / 'still.png'), scene[8])
    (folder / 'broken.mp4').write_bytes(b'nonsense')
    return [folder / name for name in ('long.mp4', 'broken.mp4', 'a.mp4', 'still.png', 'b.mp4')]


@pytest.fixture(scope='session')
def serial(tmp_path_factory, clips):
    """Return the folder that one process makes."""
    folder = tmp_path_factory.mktemp('serial')
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'face_perception.offline.annotate',
            *clips,
            '--output',
            folder / 'out',
            *OUTPUTS,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr  # one input is broken
    return folder / 'out'


def contents(output):
    """Return what is in the files of a run, but for the times that it took."""
    found = {}
    for path in sorted(output.rglob('*')):
        name = str(path.relative_to(output))
        if path.name == 'report.json':
            report = json.loads(path.read_text())
            for varying in ('seconds', 'mean_ms'):
                report.pop(varying)
            found[name] = report
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def assert_equal(output, serial):
    """Assert that a run made all that one process makes, and left nothing else."""
    ours, theirs = contents(output), contents(serial)
    assert list(ours) == list(theirs)
    assert sum(name.endswith('.csv') for name in ours) == 4
    assert [name for name in ours if ours[name] != theirs[name]] == []


def names_in(folder):
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def in_order(log, clips):
    """Return whether the table at the end has the inputs in the order of the command line."""
    table = log[log.index('┃') :]
    places = [table.index(f'│ {clip.name}') for clip in clips]
    return places == sorted(places)


def holders(folder, suspects=None):
    """Return the ids of the processes that are making a folder: they have files in it open."""
    making = re.compile(
        f'{re.escape(str(folder.parent))}/.unfinished-([0-9a-f]{{8}}~)?{re.escape(folder.name)}/'
    )
    found = set()
    for process in suspects or [int(name) for name in os.listdir('/proc') if name.isdigit()]:
        try:
            links = [os.readlink(link) for link in Path(f'/proc/{process}/fd').iterdir()]
        except OSError:
            continue
        if any(making.match(link) for link in links):
            found.add(process)
    return found


def children(process):
    """Return the ids of a process's children, but for multiprocessing's resource tracker."""
    listed = Path(f'/proc/{process}/task/{process}/children').read_text().split()
    return [
        int(child)
        for child in listed
        if b'resource_tracker' not in Path(f'/proc/{child}/cmdline').read_bytes()
    ]


def alive(processes):
    return [process for process in processes if Path(f'/proc/{process}').exists()]


def kill_worker_at(command, folder):
    """Kill the process that is writing into a folder, once it is at work."""
    at_work = []
    command.wait_for(lambda: at_work.extend(holders(folder)) or at_work)
    assert command.process.pid not in at_work
    os.kill(at_work[0], signal.SIGKILL)
    wait_until(lambda: not holders(folder, at_work))
    return at_work[0]


class Heard:
    """What is told of the jobs of a run."""

    def __init__(self):
        self.steps, self.reports = [], []

    def check(self):
        pass

    def step(self, job, done, total):
        self.steps.append((job, done, total))

    def finished(self, job, report):
        self.reports.append((job, report))


@pytest.fixture(scope='session')
def look():
    """Return how to look at runs and processes from outside."""
    return SimpleNamespace(
        outputs=OUTPUTS,
        assert_equal=assert_equal,
        names_in=names_in,
        in_order=in_order,
        holders=holders,
        children=children,
        alive=alive,
        kill_worker_at=kill_worker_at,
        Heard=Heard,
    )
