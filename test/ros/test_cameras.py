import os
from pathlib import Path

import pytest

from face_perception.core.errors import FacePerceptionError
from face_perception.core.resources import share_directory

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros.cameras import Camera, read_cameras


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / 'cameras.yaml'
        path.write_text(text)
        return path

    return write


def test_the_example_has_two_cameras():
    left, right = read_cameras(share_directory() / 'config' / 'two_cameras.yaml')
    assert left == Camera('left', '/left/image_raw', '', {'detector.interval': 2})
    assert right == Camera('right', '/right/image_raw')


def test_each_machine_gets_its_own_cameras_and_those_of_none(write):
    path = write("""
cameras:
  - {name: a, image: /a, machine: head}
  - {name: b, image: /b, machine: base}
  - {name: c/d, image: /c}
""")
    names = {
        machine: [camera.name for camera in read_cameras(path, machine)]
        for machine in ('', 'head', 'base', 'arm')
    }
    assert names == {
        '': ['a', 'b', 'c/d'],
        'head': ['a', 'c/d'],
        'base': ['b', 'c/d'],
        'arm': ['c/d'],
    }


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', "no list 'cameras'"),
        ('cameras: []', "no list 'cameras'"),
        (': : x', 'is no YAML'),
        ('cameras: [left]', "camera 1 is 'left'"),
        ('cameras: [{name: a}]', "camera 1 has no 'image'"),
        ('cameras: [{name: a, image: /a}, {name: 7, image: /b}]', "camera 2 has no 'name'"),
        ('cameras: [{name: a-b, image: /a}]', 'which is no namespace'),
        ('cameras: [{name: k\xfcche, image: /a}]', 'which is no namespace'),
        ('cameras: [{name: a__b, image: /a}]', 'which is no namespace'),
        ('cameras: [{name: a, image: /a b}]', 'which is no name of a topic'),
        ('cameras: [{name: a, image: /a/}]', 'which is no name of a topic'),
        ('cameras: [{name: a, image: /a, topic: /b}]', "unknown key 'topic'"),
        ('cameras: [{name: a, image: /a}, {name: a, image: /b}]', "two cameras with the name 'a'"),
        ('cameras: [{name: a, image: /a, parameters: {lasy: true}}]', "'lasy' does not exist"),
        ('cameras: [{name: a, image: /a, parameters: {max_rate: 3}}]', 'decimal point'),
        ('cameras: [{name: a, image: /a, parameters: 3}]', "'parameters' are names with values"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(write, text, words):
    with pytest.raises(FacePerceptionError, match=words):
        read_cameras(write(text))


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(FacePerceptionError, match='cannot be read'):
        read_cameras(tmp_path / 'none.yaml')


def test_a_list_that_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'fifo.yaml')
    for path in (tmp_path / 'fifo.yaml', tmp_path, Path('/dev/zero')):
        with pytest.raises(FacePerceptionError, match='no regular file'):
            read_cameras(path)
