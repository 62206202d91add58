"""Who does the tasks: processes and a dask cluster make what one process makes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

OUTPUTS = ('--outputs', 'table', 'video')


@pytest.fixture(scope='session')
def clips(tmp_path_factory, scene):
    """Return a folder of inputs of which one takes some seconds; each test only reads them."""
    import cv2
    folder = tmp_path_factory.mktemp('clips')
    for name, pictures in (('a', scene[:4]), ('b', scene[5:]), ('long', scene * 25)):
        writer = cv2.VideoWriter(
            str(folder / f'{name}.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10.0, (320, 240))
        if not writer.isOpened():
            pytest.skip('this OpenCV writes no mp4v')
        for picture in pictures:
            writer.write(picture)
        writer.release()
    cv2.imwrite(str(folder / 'still.png'), scene[8])
    (folder / 'broken.mp4').write_bytes(b'nonsense')
    return [folder / name for name in ('long.mp4', 'broken.mp4', 'a.mp4', 'still.png', 'b.mp4')]


@pytest.fixture(scope='session')
def serial(tmp_path_factory, clips):
    """Return the folder that one process makes."""
    folder = tmp_path_factory.mktemp('serial')
    done = subprocess.run(
        [sys.executable, '-m', 'face_perception.offline.annotate', *clips, '--output',
         folder / 'out', *OUTPUTS], cwd=folder, capture_output=True, text=True, timeout=120)
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
    table = log[log.index('┃'):]
    places = [table.index(f'│ {clip.name}') for clip in clips]
    return places == sorted(places)


def holders(folder, suspects=None):
    """Return the ids of the processes that are making a folder: they have files in it open."""
    making = re.compile(f'{re.escape(str(folder.parent))}/.unfinished-([0-9a-f]{{8}}~)?'
                        f'{re.escape(folder.name)}/')
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
    return [int(child) for child in listed if b'resource_tracker' not in Path(
        f'/proc/{child}/cmdline').read_bytes()]


def alive(processes):
    return [process for process in processes if Path(f'/proc/{process}').exists()]


def wait_until(condition, timeout=20.0):
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f'nothing after {timeout} s'
        time.sleep(0.02)
    return value


def kill_worker_at(command, folder):
    """Kill the process that is writing into a folder, once it is at work."""
    at_work = []
    command.wait_for(lambda: at_work.extend(holders(folder)) or at_work)
    assert command.process.pid not in at_work
    os.kill(at_work[0], signal.SIGKILL)
    wait_until(lambda: not holders(folder, at_work))
    return at_work[0]


# Processes of this machine

def test_processes_make_what_one_process_makes_also_when_one_is_killed(
        start_command, tmp_path, clips, serial):
    command = start_command(*clips, '--output', tmp_path / 'out', *OUTPUTS, '--workers', 3)
    kill_worker_at(command, tmp_path / 'out' / 'long')
    assert command.wait() == 1, command.log()
    assert_equal(tmp_path / 'out', serial)
    assert in_order(command.log(), clips)
    again = start_command(*clips, '--output', tmp_path / 'out', *OUTPUTS)
    assert again.wait() == 1 and again.log().count(': kept, ') == 4, again.log()


def test_a_task_that_kills_every_process_is_reported(start_command, tmp_path, clips):
    output = tmp_path / 'out'
    command = start_command(clips[0], clips[2], '--output', output, *OUTPUTS, '--workers', 2)
    for _ in range(3):
        kill_worker_at(command, output / 'long')
    assert command.wait() == 1, command.log()
    assert names_in(output) == ['a']
    assert ('long.mp4: failed: the process that was at it was ended by SIGKILL, as happens where '
            'memory runs out, 3 times') in command.log()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(start_command, tmp_path, clips, number):
    output = tmp_path / 'out'
    command = start_command(clips[0], clips[2], '--output', output, *OUTPUTS, '--workers', 2,
                            prepare=os.setsid)
    command.wait_for(lambda: holders(output / 'long'))
    workers = children(command.process.pid)
    assert len(workers) == 2
    if number == signal.SIGKILL:
        command.process.send_signal(number)
    else:
        os.killpg(command.process.pid, number)  # as a terminal does
    assert command.wait() == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    wait_until(lambda: not alive(workers))
    left = [name for name in names_in(output) if name != 'a']
    assert left == (['.annotate.lock'] if number == signal.SIGKILL else []), command.log()
    if number == signal.SIGINT:
        assert 'the same command goes on where it stopped' in command.log()


def test_what_all_would_meet_ends_all_processes(start_command, tmp_path, clips):
    import resource
    command = start_command(
        clips[0], clips[2], '--output', tmp_path / 'out', *OUTPUTS, '--workers', 2,
        prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    assert command.wait() == 1, command.log()
    faults = [line for line in command.log().splitlines()
              if line.startswith('face_perception_annotate: ')]
    assert len(faults) == 1 and 'written' in faults[0], command.log()
    assert names_in(tmp_path / 'out') == []


# A cluster

class Cluster:
    """A dask scheduler and its workers, as processes on 127.0.0.1."""

    def __init__(self, folder, **environment):
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._file = folder / 'scheduler.json'
        self.processes = [self._start('dask_scheduler', '--host', '127.0.0.1', '--port', '0',
                                      '--no-dashboard', environment=environment)]
        wait_until(self._file.exists, 60)
        self.address = json.loads(self._file.read_text())['address']

    def add_worker(self, *before, **environment):
        """Start a worker; return its process."""
        self.processes.append(self._start(
            'dask_worker', '--host', '127.0.0.1', '--nthreads', '2', '--no-nanny',
            '--no-dashboard', '--local-directory', self._folder, before=before,
            environment=environment))
        return self.processes[-1]

    def _start(self, module, *arguments, before=(), environment=None):
        with (self._folder / 'log').open('a') as log:
            return subprocess.Popen(
                [sys.executable, *before, '-m', f'distributed.cli.{module}', '--scheduler-file',
                 self._file, *arguments], cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})

    def log(self):
        return (self._folder / 'log').read_text()

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    """Return a cluster of two workers."""
    pytest.importorskip('distributed', reason='needs dask.distributed (the extra cluster)')
    cluster = Cluster(tmp_path_factory.mktemp('cluster'))
    try:
        cluster.add_worker()
        cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()


def test_a_cluster_makes_what_one_process_makes_also_when_a_worker_is_killed(
        start_command, tmp_path, clips, serial, cluster):
    command = start_command(*clips, '--output', 'out', *OUTPUTS, '--scheduler', cluster.address)
    killed = kill_worker_at(command, tmp_path / 'out' / 'long')
    assert killed in [process.pid for process in cluster.processes[1:]]
    assert command.wait() == 1, command.log() + cluster.log()
    assert_equal(tmp_path / 'out', serial)
    assert in_order(command.log(), clips)
    cluster.add_worker()


def test_an_input_that_kills_its_workers_is_reported(start_command, tmp_path, clips):
    pytest.importorskip('distributed', reason='needs dask.distributed (the extra cluster)')
    impatient = Cluster(tmp_path / 'impatient', DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES='0')
    try:
        impatient.add_worker()
        impatient.add_worker()
        command = start_command(clips[0], '--output', tmp_path / 'out', *OUTPUTS,
                                '--scheduler', impatient.address)
        kill_worker_at(command, tmp_path / 'out' / 'long')
        assert command.wait() == 1, command.log()
        assert 'long.mp4: failed: the workers that were at it were lost' in command.log()
        assert names_in(tmp_path / 'out') == []
    finally:
        impatient.stop()


def test_ctrl_c_stops_the_work_of_a_cluster(start_command, tmp_path, clips, cluster):
    output = tmp_path / 'out'
    command = start_command(clips[0], clips[2], '--output', output, *OUTPUTS,
                            '--scheduler', cluster.address)
    workers = []
    command.wait_for(lambda: workers.extend(holders(output / 'long')) or workers)
    assert command.stop(signal.SIGINT, 20) == 130
    assert [name for name in names_in(output) if name != 'a'] == [], command.log()
    wait_until(lambda: not holders(output / 'long', workers))
    assert alive(workers) == workers, 'the cluster is somebody else\'s and goes on'


def test_a_worker_that_does_not_see_the_folders_says_so(tmp_path, clips, cluster):
    from distributed import Client

    from face_perception.offline.cluster import Job, work
    from face_perception.offline.scheduling import Fault
    from face_perception.offline.types import Task
    marker = tmp_path / 'marker'
    marker.touch()
    gone = Task(tmp_path / 'gone.mp4', tmp_path / 'out' / 'gone', ('table',))
    with Client(cluster.address, set_as_default=False) as client:
        elsewhere = client.submit(work, Job(gone, True, tmp_path / 'none', 't', 0)).result()
        unseen = client.submit(work, Job(gone, True, marker, 't', 0)).result()
        missing = client.submit(work, Job(gone, False, marker, 't', 0)).result()
    assert isinstance(elsewhere, Fault)
    assert f"the folder '{tmp_path}/out' of the outputs is not the same on the worker tcp://" in (
        elsewhere.sentence)
    assert unseen.state == missing.state == 'failed'
    assert "gone.mp4' does not exist on the worker tcp://127.0.0.1" in unseen.reason
    assert "gone.mp4' does not exist: give" in missing.reason, 'as without a cluster'


#: The command with less patience for a cluster.
HASTY = """
import sys
from face_perception.offline import cluster
cluster.CONNECT_S = 2.0
from face_perception.cli import annotate
sys.exit(annotate())
"""


class Heard:
    """What is told of the tasks of a run."""

    def __init__(self):
        self.steps, self.reports = [], []

    def check(self):
        pass

    def step(self, task, done, total):
        self.steps.append((task, done, total))

    def finished(self, task, report):
        self.reports.append((task, report))


@pytest.mark.parametrize('who', ['processes', 'cluster'])
def test_how_far_the_workers_are_is_told(tmp_path, clips, who, request):
    from face_perception.offline.scheduling import run_all
    from face_perception.offline.types import Task
    how = {'workers': 2} if who == 'processes' else {
        'scheduler': request.getfixturevalue('cluster').address}
    tasks = [Task(clip, tmp_path / clip.stem, ('table',)) for clip in (clips[0], clips[3])]
    heard = Heard()
    run_all(tasks, heard, **how)
    assert {task.source: report.state for task, report in heard.reports} == {
        clips[0]: 'done', clips[3]: 'done'}
    assert all(report.source == task.source and report.files and all(
        path.parent == task.folder for path in report.files) for task, report in heard.reports)
    long = [(done, total) for task, done, total in heard.steps if task is tasks[0]]
    assert long[0] == (0, 250) and long[-1] == (250, 250) and long == sorted(long)
    assert len(long) > 2, 'also in between'


def test_a_task_with_its_mark_is_found_and_others_are_not(tmp_path):
    from face_perception.offline.scheduling import discard, new_mark
    from face_perception.offline.types import Task
    mine = ['.unfinished-a', f'.unfinished-{new_mark()}a']
    others = ['a', '.unfinished-a-2', f'.unfinished-{new_mark()}a-2', f'.unfinished-{new_mark()}ba']
    for name in mine + others:
        (tmp_path / name).mkdir()
    discard(Task(tmp_path / 'a.mp4', tmp_path / 'a', ()))
    assert names_in(tmp_path) == sorted(others)


def fault_of(start_command, tmp_path, clips, *arguments, code=HASTY):
    """Return the one sentence with which the command ends, having made nothing."""
    command = start_command(*clips, '--output', 'out', *OUTPUTS, *arguments, code=code)
    assert command.wait() == 1, command.log()
    line, = command.log().strip().splitlines()
    assert list((tmp_path / 'out').iterdir()) == []
    return line


def test_a_scheduler_that_is_not_there_is_one_sentence(start_command, tmp_path, clips, cluster):
    for address in ('tcp://127.0.0.1:9', 'nonsense://x'):
        line = fault_of(start_command, tmp_path, clips, '--scheduler', address)
        assert f"the scheduler '{address}' cannot be reached within 2 s" in line


def test_without_the_extra_one_sentence_says_what_to_install(start_command, tmp_path, clips):
    line = fault_of(start_command, tmp_path, clips, '--scheduler', 'tcp://127.0.0.1:9', code=(
        "import sys; sys.modules['distributed'] = None\n"
        'from face_perception.cli import annotate; sys.exit(annotate())'))
    assert "run pip install 'face_perception[offline,cluster]'" in line


def test_workers_that_are_missing_or_lack_the_package_are_one_sentence(
        start_command, tmp_path, clips, cluster):
    bare = Cluster(tmp_path / 'bare')
    try:
        line = fault_of(start_command, tmp_path, clips, '--scheduler', bare.address)
        assert 'has no workers: start some' in line
        # A Python with all that is installed here but this package.
        packages = tmp_path / 'packages'
        packages.mkdir()
        import distributed
        for path in Path(distributed.__file__).parents[1].iterdir():
            if not path.name.startswith('face_perception'):
                (packages / path.name).symlink_to(path)
        bare.add_worker('-S', PYTHONPATH=str(packages))
        wait_until(lambda: 'Registered to' in bare.log(), 30)
        line = fault_of(start_command, tmp_path, clips, '--scheduler', bare.address)
        assert 'needs face_perception' in line and 'has none' in line
    finally:
        bare.stop()
