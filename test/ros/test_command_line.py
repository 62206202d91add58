"""What the node's command line may hold: ROS's part alone."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros.command_line import PROGRAM, check_command_line
from face_perception.ros.node import main


@pytest.mark.parametrize(
    'given',
    [['--params-file', 'mine.yaml'], ['-p', 'max_faces:=1'], ['image', '\x1b[2J'], ['--hel']],
)
def test_what_ros_would_pass_over_is_refused_in_one_line(capsys, given):
    with pytest.raises(SystemExit, match='2'):
        main(given)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'{PROGRAM}: ') and line.isprintable()
    assert given[0] in line and '--ros-args -r image:=' in line and '--params-file' in line


@pytest.mark.parametrize(
    'given',
    [
        [],
        ['--ros-args', '-p', 'max_faces:=1', '--params-file', 'mine.yaml'],
        ['--ros-args', '-r', 'image:=/camera', '--'],
        ['--ros-args', '-r', 'nonsense'],  # rclpy refuses it when it begins
    ],
)
def test_what_ros_reads_is_left_to_it(given):
    check_command_line(given)


def test_the_node_explains_itself(capsys):
    with pytest.raises(SystemExit, match='0'):
        main(['--help'])
    text = capsys.readouterr().out
    assert f'usage: {PROGRAM}' in text and '-p detector.input_size:=' in text
