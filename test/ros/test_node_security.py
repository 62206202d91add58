"""What a stranger on the network may do to the node, and how an operator closes that."""

import shutil

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.srv import DescribeParameters

from face_perception.core.resources import share_directory


def test_a_file_outside_of_the_allowed_folders_is_refused_whether_it_exists_or_not(
    start_robot, tmp_path
):
    mine, other = tmp_path / 'mine', tmp_path / 'other'
    for folder in (mine, other):
        folder.mkdir()
        shutil.copy(share_directory() / 'models' / 'emotion_mini_xception.onnx', folder / 'a.onnx')
    robot = start_robot(model_directories=str(mine))
    answers = [
        robot.set(**{f'{task}__model': str(other / name)})
        for task in ('emotion', 'gender', 'detector')
        for name in ('a.onnx', 'absent.onnx')
    ]
    assert not any(answer.successful for answer in answers)
    assert all("start the node with its folder in 'model_directories'" in a.reason for a in answers)
    assert robot.set(emotion__model=str(mine / 'a.onnx')).successful
    assert 'does not exist' in robot.set(emotion__model=str(mine / 'b.onnx')).reason
    for change in ({'model_directories': '/'}, {'read_only_parameters': True}):
        assert not robot.set(**change).successful


def test_with_read_only_parameters_none_can_be_changed(start_robot, ros):
    robot = start_robot(read_only_parameters=True, max_faces=3)
    for change in ({'max_faces': 0}, {'lazy': False}, {'use_sim_time': True}):
        result = robot.set(**change)
        assert not result.successful and 'read-only' in result.reason
    name = f'/{robot.process.name}/describe_parameters'
    answer = ros.call_until_answered(
        DescribeParameters, name, DescribeParameters.Request(names=['model_directories'])
    )
    assert answer.descriptors[0].read_only
