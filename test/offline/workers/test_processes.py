"""Jobs on several processes of this machine."""

import os
import signal
from multiprocessing import Pipe

import pytest

from support.waiting import wait_until


def test_processes_make_what_one_process_makes_also_when_one_is_killed(
    start_command, tmp_path, clips, serial, look
):
    command = start_command(*clips, '--output', tmp_path / 'out', *look.outputs, '--workers', 3)
    look.kill_worker_at(command, tmp_path / 'out' / 'long')
    assert command.wait() == 1, command.log()
    look.assert_equal(tmp_path / 'out', serial)
    assert look.in_order(command.log(), clips)
    again = start_command(*clips, '--output', tmp_path / 'out', *look.outputs)
    assert again.wait() == 1 and again.log().count(': kept, ') == 4, again.log()


def test_a_job_that_kills_every_process_is_reported(start_command, tmp_path, clips, look):
    output = tmp_path / 'out'
    command = start_command(clips[0], clips[2], '--output', output, *look.outputs, '--workers', 2)
    for _ in range(3):
        look.kill_worker_at(command, output / 'long')
    assert command.wait() == 1, command.log()
    assert look.names_in(output) == ['a']
    assert (
        'long.mp4: failed: the process that was at it was ended by SIGKILL, as happens where '
        'memory runs out, 3 times'
    ) in command.log()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(start_command, tmp_path, clips, number, look):
    output = tmp_path / 'out'
    command = start_command(
        clips[0], clips[2], '--output', output, *look.outputs, '--workers', 2, prepare=os.setsid
    )
    command.wait_for(lambda: look.holders(output / 'long'))
    workers = look.children(command.process.pid)
    assert len(workers) == 2
    if number == signal.SIGKILL:
        command.process.send_signal(number)
    else:
        os.killpg(command.process.pid, number)  # as a terminal does
    assert command.wait() == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    wait_until(lambda: not look.alive(workers))
    left = [name for name in look.names_in(output) if name != 'a']
    assert left == (['.annotate.lock'] if number == signal.SIGKILL else []), command.log()
    if number == signal.SIGINT:
        assert 'the same command goes on where it stopped' in command.log()


def test_what_all_would_meet_ends_all_processes(start_command, tmp_path, clips, look):
    import resource

    command = start_command(
        clips[0],
        clips[2],
        '--output',
        tmp_path / 'out',
        *look.outputs,
        '--workers',
        2,
        prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert command.wait() == 1, command.log()
    faults = [
        line for line in command.log().splitlines() if line.startswith('face_perception_annotate: ')
    ]
    assert len(faults) == 1 and 'written' in faults[0], command.log()
    assert look.names_in(tmp_path / 'out') == []


def test_a_job_with_its_mark_is_found_and_others_are_not(tmp_path, look):
    from face_perception.offline.types import Job
    from face_perception.offline.workers.protocol import discard, new_mark

    mine = ['.unfinished-a', f'.unfinished-{new_mark()}a']
    others = ['a', '.unfinished-a-2', f'.unfinished-{new_mark()}a-2', f'.unfinished-{new_mark()}ba']
    for name in mine + others:
        (tmp_path / name).mkdir()
    discard(Job(tmp_path / 'a.mp4', tmp_path / 'a', ()))
    assert look.names_in(tmp_path) == sorted(others)


def test_a_process_that_has_just_finished_ends_when_it_is_told_to():
    pytest.importorskip('rosbags', reason='offline runs need rosbags')
    from face_perception.offline.workers.processes import serve

    ours, theirs = Pipe()
    ours.send('stop')  # its parent did not know yet that the job was done
    serve(theirs)
    assert not ours.poll()
