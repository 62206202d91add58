"""The shipped parameter file says what the node declares."""

import pytest

pytest.importorskip('rclpy', reason='needs rclpy, which the table of parameters imports')

import yaml  # noqa: E402  (rclpy depends on it)

from face_perception.core.resources import share_directory  # noqa: E402
from face_perception.ros.parameters import PARAMETERS  # noqa: E402


def flat(values: dict, prefix: str = '') -> dict[str, object]:
    """Return nested parameters under their dotted names."""
    names = {}
    for name, value in values.items():
        if isinstance(value, dict):
            names |= flat(value, f'{prefix}{name}.')
        else:
            names[prefix + name] = value
    return names


@pytest.fixture(scope='module')
def shipped() -> dict[str, object]:
    path = share_directory() / 'config' / 'face_perception.yaml'
    nodes = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert list(nodes) == ['/**'], 'it must fit every node name and namespace'
    return flat(nodes['/**']['ros__parameters'])


def test_file_has_every_parameter_and_no_other(shipped):
    assert sorted(shipped) == sorted(parameter.name for parameter in PARAMETERS)


@pytest.mark.parametrize('parameter', PARAMETERS, ids=lambda parameter: parameter.name)
def test_file_has_the_default(shipped, parameter):
    value = shipped[parameter.name]
    # 1 is no 1.0 to ROS.
    assert (value, type(value)) == (parameter.default, type(parameter.default))


def test_rviz_shows_the_annotated_images_of_the_node():
    path = share_directory() / 'config' / 'face_perception.rviz'
    manager = yaml.safe_load(path.read_text(encoding='utf-8'))['Visualization Manager']
    (display,) = manager['Displays']
    assert display['Class'] == 'rviz_default_plugins/Image' and display['Enabled']
    assert display['Topic']['Value'] == '/face_perception/image_annotated'
    # It matches publishers of either reliability.
    assert display['Topic']['Reliability Policy'] == 'Best Effort'
    assert display['Topic']['Durability Policy'] == 'Volatile'
