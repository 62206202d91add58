"""Files of parameters that are for another node, as a real node is started with them."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from types import SimpleNamespace

from face_perception.ros.parameter_files import files_for_others

VALUES = '{ros__parameters: {num_threads: 2, detector: {interval: 3}}}'


def node(*names):
    """Return what stands for a node that was given these parameters."""
    return SimpleNamespace(
        _parameter_overrides=dict.fromkeys(names), get_fully_qualified_name=lambda: '/left/faces'
    )


@pytest.mark.parametrize('text', [f'face_perception: {VALUES}', f'right: {{faces: {VALUES}}}'])
def test_a_file_for_other_nodes_is_told(tmp_path, text):
    path = tmp_path / 'config.yaml'
    path.write_text(text)
    arguments = ['program', '--ros-args', '--params-file', str(path)]
    (sentence,) = files_for_others(arguments, node('max_faces'))
    assert "config.yaml' is for this node, /left/faces, but for /" in sentence
    assert "'/**'" in sentence
    assert not files_for_others(arguments, node('detector.interval', 'num_threads'))


@pytest.mark.parametrize('text', ['', '[]', '/**:', '/**: {ros__parameters: }', ': : x', '\0'])
def test_a_file_that_says_nothing_is_passed_over(tmp_path, text):
    path = tmp_path / 'config.yaml'
    path.write_text(text)
    assert not files_for_others(['--params-file', str(path)], node())
    assert not files_for_others(['--params-file', str(tmp_path / 'none.yaml')], node())


def test_a_node_says_that_its_parameters_are_another_s(start_robot, tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text(f'face_perception: {VALUES}')
    robot = start_robot('--params-file', str(path), matched=False)
    robot.process.wait_for_log("under '/**', which is any")
    path.write_text(f'/**: {VALUES}')
    robot = start_robot('--params-file', str(path), matched=False)
    robot.process.wait_for_log('active: looking for faces')
    assert 'which is any' not in robot.process.log()
