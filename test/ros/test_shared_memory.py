"""Shared memory: what dead processes left is removed, and too little of it is said."""

import fcntl
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from face_perception.ros import shared_memory, transport
from face_perception.ros.shared_memory import (
    LARGE_SEGMENT,
    SMALL_SEGMENT,
    enough,
    remove_dead_segments,
    shortage,
)

SEGMENT = 'fastdds_0123456789abcdef'


@pytest.fixture
def segment(tmp_path):
    """Make a segment with its lock file, as old as if it had been in use."""

    def make(name=SEGMENT):
        (tmp_path / name).write_bytes(bytes(8192))
        lock = tmp_path / f'{name}_el'
        lock.touch()
        os.utime(lock, (1, 1))
        return lock

    return make


def test_a_segment_whose_owner_is_dead_is_removed(segment, tmp_path):
    owner = subprocess.Popen(
        [
            sys.executable,
            '-c',
            'import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX)\n'
            'print(flush=True); time.sleep(60)',
            segment(),
        ],
        stdout=subprocess.PIPE,
    )
    owner.stdout.readline()
    assert remove_dead_segments(tmp_path) == 0 and len(os.listdir(tmp_path)) == 2
    owner.kill()
    owner.wait()
    assert remove_dead_segments(tmp_path) == 8192 and not os.listdir(tmp_path)


def test_nothing_else_is_touched(segment, tmp_path):
    fresh = segment('fastdds_00000000000000ff')
    os.utime(fresh)  # its owner may not have locked it yet
    for name in ('fastdds_port7400', 'fastdds_port7400_el', 'mine', 'fastdds_xyz_el', 'mine_el'):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / 'fastdds_ffffffffffffffff_el').symlink_to(tmp_path / 'mine')
    before = sorted(os.listdir(tmp_path))
    assert remove_dead_segments(tmp_path) == 0
    assert sorted(os.listdir(tmp_path)) == before
    assert remove_dead_segments(tmp_path / 'nowhere') == 0


def test_our_own_lock_in_another_descriptor_keeps_it(segment, tmp_path):
    with segment().open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert remove_dead_segments(tmp_path) == 0
    assert (tmp_path / SEGMENT).exists()


@pytest.mark.parametrize(
    ('free', 'profile', 'said'),
    [
        (1 << 30, 'fastdds_large_images.xml', ''),
        (64 << 20, 'fastdds_small_memory.xml', 'above 8 MiB may get lost'),
        (4 << 20, 'fastdds_small_memory.xml', 'so large images may get lost'),
    ],
)
def test_the_profile_fits_and_a_shortage_is_said(monkeypatch, free, profile, said):
    status = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_blocks=free // 4096)
    monkeypatch.setattr(shared_memory.os, 'statvfs', lambda folder: status)
    assert transport.profile_path().endswith(profile)
    assert said in shortage() and bool(said) == bool(shortage())
    if said:
        assert '--shm-size=512m' in shortage()


def test_without_shared_memory_the_remedy_is_said(tmp_path):
    assert 'mount' in shortage(tmp_path / 'nowhere')


def test_shared_memory_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_memory.os, 'access', lambda folder, mode: False)
    assert f'{tmp_path} cannot be written to' in shortage(tmp_path)


def test_dockers_default_has_room_for_camera_node_and_listener():
    assert enough(SMALL_SEGMENT, 3) <= 64 << 20 < enough(LARGE_SEGMENT, 1)
