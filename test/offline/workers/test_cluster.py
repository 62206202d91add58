"""Jobs on the workers of a real dask cluster."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from face_perception.core.extras import install_command
from support.waiting import wait_until


class Cluster:
    """A dask scheduler and its workers, as processes on 127.0.0.1."""

    def __init__(self, folder, **environment):
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._file = folder / 'scheduler.json'
        self.processes = [
            self._start(
                'dask_scheduler',
                '--host',
                '127.0.0.1',
                '--port',
                '0',
                '--no-dashboard',
                environment=environment,
            )
        ]
        # It is there before anything is in it.
        wait_until(lambda: self._file.exists() and self._file.read_text(), excuse=self.log)
        self.address = json.loads(self._file.read_text())['address']

    def add_worker(self, *before, **environment):
        """Start a worker; return its process."""
        self.processes.append(
            self._start(
                'dask_worker',
                '--host',
                '127.0.0.1',
                '--nthreads',
                '2',
                '--no-nanny',
                '--no-dashboard',
                '--local-directory',
                self._folder,
                before=before,
                environment=environment,
            )
        )
        return self.processes[-1]

    def _start(self, module, *arguments, before=(), environment=None):
        with (self._folder / 'log').open('a') as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    *before,
                    '-m',
                    f'distributed.cli.{module}',
                    '--scheduler-file',
                    self._file,
                    *arguments,
                ],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )

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
    start_command, tmp_path, clips, serial, cluster, look
):
    command = start_command(
        *clips, '--output', 'out', *look.outputs, '--scheduler', cluster.address
    )
    killed = look.kill_worker_at(command, tmp_path / 'out' / 'long')
    assert killed in [process.pid for process in cluster.processes[1:]]
    assert command.wait() == 1, command.log() + cluster.log()
    look.assert_equal(tmp_path / 'out', serial)
    assert look.in_order(command.log(), clips)
    cluster.add_worker()


def test_an_input_that_kills_its_workers_is_reported(start_command, tmp_path, clips, look):
    pytest.importorskip('distributed', reason='needs dask.distributed (the extra cluster)')
    impatient = Cluster(tmp_path / 'impatient', DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES='0')
    try:
        impatient.add_worker()
        impatient.add_worker()
        command = start_command(
            clips[0], '--output', tmp_path / 'out', *look.outputs, '--scheduler', impatient.address
        )
        look.kill_worker_at(command, tmp_path / 'out' / 'long')
        assert command.wait() == 1, command.log()
        assert 'long.mp4: failed: the workers that were at it were lost' in command.log()
        assert look.names_in(tmp_path / 'out') == []
    finally:
        impatient.stop()


def test_ctrl_c_stops_the_work_of_a_cluster(start_command, tmp_path, clips, cluster, look):
    output = tmp_path / 'out'
    command = start_command(
        clips[0], clips[2], '--output', output, *look.outputs, '--scheduler', cluster.address
    )
    workers = []
    command.wait_for(lambda: workers.extend(look.holders(output / 'long')) or workers)
    assert command.stop(signal.SIGINT, 20) == 130
    assert [name for name in look.names_in(output) if name != 'a'] == [], command.log()
    wait_until(lambda: not look.holders(output / 'long', workers))
    assert look.alive(workers) == workers, "the cluster is somebody else's and goes on"


def test_a_worker_that_does_not_see_the_folders_says_so(tmp_path, clips, cluster):
    from distributed import Client

    from face_perception.offline.types import Job
    from face_perception.offline.workers.cluster import RemoteJob, work
    from face_perception.offline.workers.protocol import Fault

    marker = tmp_path / 'marker'
    marker.touch()
    gone = Job(tmp_path / 'gone.mp4', tmp_path / 'out' / 'gone', ('table',))
    with Client(cluster.address, set_as_default=False) as client:
        elsewhere = client.submit(work, RemoteJob(gone, True, tmp_path / 'none', 't', 0)).result()
        unseen = client.submit(work, RemoteJob(gone, True, marker, 't', 0)).result()
        missing = client.submit(work, RemoteJob(gone, False, marker, 't', 0)).result()
    assert isinstance(elsewhere, Fault)
    assert f"the folder '{tmp_path}/out' of the outputs is not the same on the worker tcp://" in (
        elsewhere.sentence
    )
    assert unseen.state == missing.state == 'failed'
    assert "gone.mp4' does not exist on the worker tcp://127.0.0.1" in unseen.reason
    assert "gone.mp4' does not exist: give" in missing.reason, 'as without a cluster'


@pytest.mark.parametrize('who', ['processes', 'cluster'])
def test_how_far_the_workers_are_is_told(tmp_path, clips, who, request, look):
    from face_perception.offline.types import Job
    from face_perception.offline.workers.scheduling import run_all

    how = (
        {'workers': 2}
        if who == 'processes'
        else {'scheduler': request.getfixturevalue('cluster').address}
    )
    jobs = [Job(clip, tmp_path / clip.stem, ('table',)) for clip in (clips[0], clips[3])]
    heard = look.Heard()
    run_all(jobs, heard, **how)
    assert {job.source: report.state for job, report in heard.reports} == {
        clips[0]: 'done',
        clips[3]: 'done',
    }
    assert all(
        report.source == job.source
        and report.files
        and all(path.parent == job.folder for path in report.files)
        for job, report in heard.reports
    )
    long = [(done, total) for job, done, total in heard.steps if job is jobs[0]]
    assert long[0] == (0, 250) and long[-1] == (250, 250) and long == sorted(long)
    assert len(long) > 2, 'also in between'


#: The command with less patience for a cluster.
HASTY = """
import sys
from face_perception.offline.workers import cluster
cluster.CONNECT_S = 2.0
from face_perception.cli import annotate
sys.exit(annotate())
"""


@pytest.fixture
def fault_of(start_command, tmp_path, clips, look):
    """Return the one sentence with which the command ends, having made nothing."""

    def run(address, code=HASTY):
        command = start_command(
            *clips, '--output', 'out', *look.outputs, '--scheduler', address, code=code
        )
        assert command.wait() == 1, command.log()
        (line,) = command.log().strip().splitlines()
        assert look.names_in(tmp_path / 'out') == []
        return line

    return run


def test_a_scheduler_that_is_not_there_is_one_sentence(fault_of, cluster):
    for address in ('tcp://127.0.0.1:9', 'nonsense://x'):
        line = fault_of(address)
        assert f"the scheduler '{address}' cannot be reached within 2 s" in line


def test_a_scheduler_that_is_lost_while_it_is_asked_is_no_traceback():
    pytest.importorskip('distributed', reason='needs dask.distributed (the extra cluster)')
    from face_perception.offline.workers.cluster import Cluster as Crew

    asked = []

    class Lost:
        def subscribe_topic(self, topic, handler):
            pass

        def nthreads(self):
            asked.append(1)
            raise OSError('Stream is closed')

    assert Crew(Lost(), Path('marker')).hear(0.01) == [] and asked


def test_without_the_extra_one_sentence_says_what_to_install(fault_of):
    line = fault_of(
        'tcp://127.0.0.1:9',
        code=(
            "import sys; sys.modules['distributed'] = None\n"
            'from face_perception.cli import annotate; sys.exit(annotate())'
        ),
    )
    assert f'run {install_command("offline", "cluster")}' in line


def test_workers_that_are_missing_or_lack_the_package_are_one_sentence(
    fault_of, tmp_path, cluster, look
):
    bare = Cluster(tmp_path / 'bare')
    try:
        line = fault_of(bare.address)
        assert 'has no workers: start some' in line
        # A Python with all that is installed here but this package.
        packages = tmp_path / 'packages'
        packages.mkdir()
        import distributed

        for path in Path(distributed.__file__).parents[1].iterdir():
            if not path.name.startswith('face_perception'):
                (packages / path.name).symlink_to(path)
        bare.add_worker('-S', PYTHONPATH=str(packages))
        wait_until(lambda: 'Registered to' in bare.log())
        line = fault_of(bare.address)
        assert 'needs face_perception' in line and 'has none' in line
    finally:
        bare.stop()
