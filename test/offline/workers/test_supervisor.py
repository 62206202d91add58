"""What is done about what workers say, whoever they are."""

from pathlib import Path

import pytest

from face_perception.core.errors import FacePerceptionError
from face_perception.offline.types import Job, JobReport
from face_perception.offline.workers.protocol import Fault, Lost, Step
from face_perception.offline.workers.supervisor import MOST_ATTEMPTS, Steps, supervise


class Crew:
    """Has room for so many jobs, and says what is written down for it, one thing at a time."""

    def __init__(self, room, *says):
        self.room, self.says, self.begun, self.ended = room, list(says), [], None

    def begin(self, number, job):
        if self.room == 0:
            return False
        self.room -= 1
        self.begun.append(number)
        return True

    def hear(self, timeout_s):
        number, said = self.says.pop(0)
        if not isinstance(said, Step):
            self.room += 1
        return [(number, said)]

    def end(self, jobs):
        self.ended = [job.source.name for job in jobs]


def jobs_in(folder, count):
    return [Job(Path(f'{number}.mp4'), folder / str(number), ()) for number in range(count)]


def done(job):
    return JobReport(job.source, 'done')


def test_jobs_are_begun_as_there_is_room_and_reported_as_they_end(tmp_path, look):
    jobs = jobs_in(tmp_path, 3)
    crew = Crew(
        2,
        (0, Step(1, 9)),
        (1, done(jobs[1])),
        (1, Step(9, 9)),  # it came late
        (0, done(jobs[0])),
        (2, done(jobs[2])),
    )
    heard = look.Heard()
    supervise(jobs, heard, crew)
    assert crew.begun == [0, 1, 2] and crew.ended == []
    assert [report.source.name for _, report in heard.reports] == ['1.mp4', '0.mp4', '2.mp4']
    assert heard.steps == [(jobs[0], 1, 9)]


def test_a_job_that_loses_its_workers_is_given_up_in_the_end(tmp_path, look):
    (job,) = jobs = jobs_in(tmp_path, 1)
    crew = Crew(1, *[(0, Lost('they die'))] * MOST_ATTEMPTS)
    heard = look.Heard()
    (tmp_path / '.unfinished-0').mkdir()
    supervise(jobs, heard, crew)
    assert crew.begun == [0] * MOST_ATTEMPTS
    assert heard.reports == [(job, JobReport(job.source, 'failed', 'they die'))]
    assert look.names_in(tmp_path) == []


def test_what_all_would_meet_ends_the_run_and_leaves_nothing(tmp_path, look):
    jobs = jobs_in(tmp_path, 3)
    for number in range(3):
        (tmp_path / f'.unfinished-{number}').mkdir()
    crew = Crew(2, (0, Fault('the disk is full')))
    with pytest.raises(FacePerceptionError, match='the disk is full'):
        supervise(jobs, look.Heard(), crew)
    assert crew.ended == ['0.mp4', '1.mp4']
    assert look.names_in(tmp_path) == ['.unfinished-2'], 'which nobody of this run has begun'


def test_not_every_step_is_told_but_the_last_one_is():
    told = []
    steps = Steps(lambda done, total: told.append(done), 60.0)
    for count in range(5):
        steps(count, 4)
    assert told == [0, 4]
