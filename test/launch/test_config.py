"""The shipped parameter file says what the node declares."""

import json
import re
from pathlib import Path

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


def comment_above(text: str, name: str) -> str:
    """Return the comment on the line of a parameter, and that in the lines above it, as one."""
    *sections, key = name.split('.')
    lines, start = text.splitlines(), 0
    for depth, section in enumerate([*sections, key], 2):
        at = re.compile(rf'{"  " * depth}{section}:')
        start = next(i for i in range(start, len(lines)) if at.match(lines[i]))
    words, index = [lines[start].partition('#')[2]], start - 1
    while lines[index].lstrip().startswith('#'):
        words.insert(0, lines[index].lstrip(' #'))
        index -= 1
    return ' '.join(words)


@pytest.mark.parametrize(
    'parameter',
    [parameter for parameter in PARAMETERS if parameter.minimum is not None],
    ids=lambda parameter: parameter.name,
)
def test_file_says_the_range(parameter):
    text = (share_directory() / 'config' / 'face_perception.yaml').read_text(encoding='utf-8')
    said = comment_above(text, parameter.name)
    assert f'{parameter.minimum} to {parameter.maximum}' in said


@pytest.mark.parametrize(
    'parameter',
    [parameter for parameter in PARAMETERS if parameter.choices],
    ids=lambda parameter: parameter.name,
)
def test_file_says_the_choices(parameter):
    text = (share_directory() / 'config' / 'face_perception.yaml').read_text(encoding='utf-8')
    said = comment_above(text, parameter.name)
    assert all(choice in said for choice in parameter.choices)


@pytest.mark.parametrize('parameter', PARAMETERS, ids=lambda parameter: parameter.name)
def test_the_documents_have_every_parameter_with_its_default(parameter):
    page = Path(__file__).parents[2] / 'docs' / 'parameters.md'
    rows = [
        [cell.strip() for cell in line.strip('| ').split(' | ')]
        for line in page.read_text(encoding='utf-8').splitlines()
        if line.startswith('| `')
    ]
    given = []
    for names, default, *_ in (row for row in rows if len(row) >= 3):
        names, defaults = names.split(', '), default.split(', ')
        if f'`{parameter.name}`' in names:
            given.append(defaults[names.index(f'`{parameter.name}`') % len(defaults)].strip('`*'))
    assert any(
        one == 'the shipped ones' or yaml.safe_load(one) == parameter.default for one in given
    )


def test_rviz_shows_the_annotated_images_of_the_node():
    path = share_directory() / 'config' / 'face_perception.rviz'
    manager = yaml.safe_load(path.read_text(encoding='utf-8'))['Visualization Manager']
    (display,) = manager['Displays']
    assert display['Class'] == 'rviz_default_plugins/Image' and display['Enabled']
    assert display['Topic']['Value'] == '/face_perception/image_annotated'
    # It matches publishers of either reliability.
    assert display['Topic']['Reliability Policy'] == 'Best Effort'
    assert display['Topic']['Durability Policy'] == 'Volatile'


def panels(layout):
    """Return the panels of a Foxglove layout, from left to right and top to bottom."""
    if isinstance(layout, str):
        return [layout]
    assert layout['direction'] in ('row', 'column') and 0 < layout['splitPercentage'] < 100
    return panels(layout['first']) + panels(layout['second'])


def test_foxglove_shows_topics_and_fields_that_the_node_has():
    from face_perception.msg import Face, FaceArray, PipelineLatency

    path = share_directory() / 'config' / 'foxglove.json'
    file = json.loads(path.read_text(encoding='utf-8'))
    assert sorted(panels(file['layout'])) == sorted(file['configById'])
    paths = [each for panel in file['configById'].values() for each in panel.get('paths', ())]
    assert len(paths) == 7
    for each in paths:
        topic, _, field = each['value'].partition('.')
        kind = {
            '/face_perception/faces': FaceArray,
            '/face_perception/latency': PipelineLatency,
        }[topic]
        name, _, inner = field.partition('.')
        assert re.sub(r'\[\d\]', '', name) in kind.get_fields_and_field_types()
        assert not inner or inner in Face.get_fields_and_field_types()
    image = file['configById']['Image!faces']['imageMode']
    assert image['imageTopic'] == '/face_perception/image_annotated'
    assert list(image['annotations']) == ['/face_perception/annotations']


def test_rviz_has_the_names_of_its_own_plugins():
    path = share_directory() / 'config' / 'face_perception.rviz'
    config = yaml.safe_load(path.read_text(encoding='utf-8'))
    manager = config['Visualization Manager']
    # As rviz_common and rviz_default_plugins declare them (branches humble, jazzy and rolling).
    assert [panel['Class'] for panel in config['Panels']] == ['rviz_common/Displays']
    assert [tool['Class'] for tool in manager['Tools']] == ['rviz_default_plugins/MoveCamera']
    assert set(manager['Displays'][0]['Topic']) == {
        'Depth',
        'Durability Policy',
        'History Policy',
        'Reliability Policy',
        'Value',
    }
