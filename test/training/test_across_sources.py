"""One table over sources and groups, on what the network has not learned from."""

import csv
import io
import json
import sys
import zipfile

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')
pytest.importorskip('onnx', reason='training needs the extra "train" (onnx)')
pytest.importorskip('rich', reason='training needs the extra "train" (rich)')

from rich.console import Console  # noqa: E402

from face_perception.core.types import Box  # noqa: E402
from face_perception.training import across_sources, source_plots, source_tables  # noqa: E402
from face_perception.training.architectures import mini_xception  # noqa: E402
from face_perception.training.confidence import answered  # noqa: E402
from face_perception.training.data import Sample  # noqa: E402
from face_perception.training.exported import load  # noqa: E402
from face_perception.training.onnx_graph import build_model  # noqa: E402
from support.untrained import GENDER  # noqa: E402


def write_model(path, training, bias=0.0):
    """Write a gender network with random weights that leans by ``bias`` to female."""
    torch.manual_seed(3)
    network = mini_xception(3, 2).eval()
    with torch.no_grad():
        network.layers[-3].bias += torch.tensor([bias, 0.0])
    metadata = {**GENDER, 'crop_margin': '0.0', 'training': json.dumps(training)}
    path.write_bytes(build_model(network, 1.0, 48, metadata).SerializeToString())
    return path


@pytest.fixture
def faces(tmp_path, images):
    """Write 30 crops of a source ``mine``, a third of them of an own group, and return the file."""
    index = io.StringIO()
    table = csv.writer(index)
    table.writerow(['file', 'label', 'source', 'x', 'y', 'w', 'h', 'person', 'age', 'group'])
    with zipfile.ZipFile(tmp_path / 'mine.zip', 'w') as archive:
        for number, image in enumerate(images(30, 96, 3, 9)):
            archive.writestr(f'{number}.png', cv2.imencode('.png', image)[1].tobytes())
            group = 'masked' if number % 3 == 0 else ''
            table.writerow([f'{number}.png', number % 2, 'mine', 20, 16, 40, 56, '', '', group])
        archive.writestr('index.csv', index.getvalue())
    return tmp_path / 'mine.zip'


@pytest.fixture
def found(monkeypatch):
    """Let the detector find every face but the brightest ones, a little too large."""

    def find(image, detector):
        return Box(8, 4, 80, 88) if image.mean() < 128 else None

    monkeypatch.setattr(across_sources, 'find_face', find)


def report_of(paths, data, **arguments):
    samples = across_sources.images_of(paths[0], 'gender', data, 0.0, 'stop')
    return across_sources.measure([load(path) for path in paths], samples, 'onnx')


@pytest.mark.usefixtures('found')
def test_a_folder_of_ones_own_has_a_row(tmp_path, faces):
    report = report_of([write_model(tmp_path / 'a.onnx', {})], [faces])
    rows = {(row['source'], row['group']): row for row in report['rows']}
    assert set(rows) == {('mine', name) for name in ('all', 'female', 'male', 'masked')}
    assert rows['mine', 'all']['pictures'] == 30 and rows['mine', 'masked']['pictures'] == 10
    groups = [rows['mine', name] for name in ('female', 'male')]
    right = sum(row['pictures'] * row['models']['a.onnx']['accuracy'] for row in groups)
    assert right / 30 == pytest.approx(
        rows['mine', 'all']['models']['a.onnx']['accuracy'], abs=1e-3
    )


@pytest.mark.usefixtures('found')
@pytest.mark.parametrize(
    'training',
    [
        {'data_sets': {'mine': {'training': 3, 'validation': 1}}},
        {'data_sets': {}, 'started_from': {'name': 'x', 'data_sets': {'mine': {}}}},
        {'data_sets': {}, 'teachers': [{'name': 'x', 'data_sets': {'mine': {}}}]},
        {'data_sets': {}, 'mean_of': [{'name': 'x', 'data_sets': {'mine': {}}}]},
        {'data_sets': ['mine']},
    ],
)
def test_what_was_learned_from_is_left_out(tmp_path, faces, training):
    whole = report_of([write_model(tmp_path / 'a.onnx', {})], [faces])
    part = report_of([write_model(tmp_path / 'b.onnx', training)], [faces])
    assert part['rows'][0]['pictures'] < whole['rows'][0]['pictures'] == 30


@pytest.mark.parametrize('said', [5, [[]], {'data_sets': 5}, {'teachers': 'x', 'data_sets': [[]]}])
def test_a_file_that_says_nonsense_of_its_training_has_learned_from_nothing_known(tmp_path, said):
    assert across_sources.learned_from(write_model(tmp_path / 'a.onnx', said)) == set()


def test_what_a_file_beside_it_has_learned_from_is_left_out(
    tmp_path, faces, monkeypatch, found, capsys
):
    files = [
        write_model(tmp_path / name, {'data_sets': sets})
        for name, sets in (('a.onnx', []), ('b.onnx', ['mine']))
    ]
    asked = ['--data', str(faces), '--output', str(tmp_path / 'report')]
    monkeypatch.setattr(sys, 'argv', ['across_sources', *map(str, files), *asked])
    assert across_sources.main() == 0
    report = json.loads((tmp_path / 'report' / 'sources.json').read_text())
    assert report['rows'][0]['pictures'] < 30


def test_a_source_without_a_row_is_named(tmp_path, faces, utkface_folder, caplog):
    with zipfile.ZipFile(faces) as archive:
        archive.extractall(tmp_path / 'mine')
    index = tmp_path / 'mine' / 'index.csv'
    head, *rows = index.read_text().splitlines()
    index.write_text('\n'.join([f'{head},split', *(f'{row},train' for row in rows)]))
    model = write_model(tmp_path / 'a.onnx', {'data_sets': ['mine']})
    samples = across_sources.images_of(
        model, 'gender', [index.parent, utkface_folder / 'utkface_train.zip'], 0.0, 'stop'
    )
    assert {sample.source for sample in samples} == {'UTKFace'}
    (record,) = caplog.records
    assert record.getMessage().startswith('mine: not measured')


def test_a_group_that_is_called_as_a_row_replaces_none():
    words = ['all', 'male', 'rest', 'rest']
    samples = [
        Sample(np.zeros((8, 8, 3), np.uint8), Box(0, 0, 8, 8), number % 2, {}, '', 'mine', word)
        for number, word in enumerate(words)
    ]
    rows = across_sources.rows_of(samples, ('female', 'male'))
    assert [(row.group, row.members.sum()) for row in rows] == [
        ('all', 4),
        ('female', 2),
        ('male', 2),
        ('all (group)', 1),
        ('male (group)', 1),
        ('rest', 2),
    ]


@pytest.mark.usefixtures('found')
def test_other_files_are_measured_on_the_same_images(tmp_path, faces):
    one, other = write_model(tmp_path / 'a.onnx', {}), write_model(tmp_path / 'b.onnx', {}, 90.0)
    report = report_of([one, other], [faces])
    assert report['models'] == ['a.onnx', 'b.onnx']
    rows = {row['group']: row['models']['b.onnx'] for row in report['rows']}
    assert rows['female']['accuracy'] == 1 and rows['male']['accuracy'] == 0
    text = source_tables.markdown_of(report)
    assert text.splitlines()[0].count('|') == text.splitlines()[1].count('|')
    assert '| mine | all | 30 |' in text and '100.0 %' in text
    assert '| 0.5 |' in source_tables.confidence_markdown_of(report)


@pytest.mark.usefixtures('found')
def test_faces_that_are_not_found_are_left_out_of_both(tmp_path, faces):
    report = report_of([write_model(tmp_path / 'a.onnx', {})], [faces])
    row = report['rows'][0]
    assert 0 < row['found'] < 1
    assert set(row['models']['a.onnx']) == {'accuracy', 'same_faces', 'own_boxes'}


@pytest.mark.usefixtures('found')
def test_the_command_writes_the_table_and_plots(tmp_path, faces, utkface_folder, monkeypatch):
    arguments = [str(write_model(tmp_path / 'a.onnx', {})), '--data', str(faces)]
    arguments += [str(utkface_folder / 'utkface_train.zip'), '--output', str(tmp_path / 'out')]
    monkeypatch.setattr(sys, 'argv', ['across_sources', *arguments])
    assert across_sources.main() == 0
    report = json.loads((tmp_path / 'out' / 'sources.json').read_text())
    assert {row['source'] for row in report['rows']} == {'mine', 'UTKFace'}
    assert {'10 to 19 years', 'Asian'} <= {row['group'] for row in report['rows']}
    for name in ('sources.png', 'confidence.png'):
        assert cv2.imread(str(tmp_path / 'out' / name)) is not None
    assert '| mine | all | 30 |' in (tmp_path / 'out' / 'sources.md').read_text()


def test_two_tasks_are_refused(tmp_path, faces, monkeypatch, capsys):
    torch.manual_seed(0)
    metadata = {
        'task': 'emotion',
        'labels': json.dumps(['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']),
        'color': 'gray',
        'input_size': '48',
        'crop_margin': '0.0',
    }
    other = tmp_path / 'emotion.onnx'
    other.write_bytes(
        build_model(mini_xception(1, 7).eval(), 1.0, 48, metadata).SerializeToString()
    )
    model = write_model(tmp_path / 'a.onnx', {})
    monkeypatch.setattr(sys, 'argv', ['x', str(model), str(other), '--data', str(faces)])
    assert across_sources.main() == 1
    assert 'one task' in capsys.readouterr().err


def test_predictions_below_a_threshold_are_not_counted():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.45, 0.55]])
    points = answered(probabilities, np.array([0, 1, 1, 0]), (0.0, 0.65, 0.95))
    assert [point['answered'] for point in points] == [1.0, 0.5, 0.0]
    assert [point['accuracy'] for point in points] == [0.5, 1.0, None]


def test_names_are_neither_markup_nor_formulas(tmp_path):
    numbers = {'model [b]': {'accuracy': 0.5, 'own_boxes': 0.5}}
    names = ('[/x]', '[indoor]', '$\\foo$')
    rows = [
        {'source': name, 'group': group, 'pictures': 1, 'found': 1.0, 'models': numbers}
        for name in names
        for group in (source_tables.ALL, name)
    ]
    report = {'models': list(numbers), 'detector': 'onnx', 'rows': rows}
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(source_tables.table_of(report))
    shown = console.export_text()
    assert all(shown.count(name) == 2 for name in names) and 'model [b]' in shown
    source_plots.draw_rows(report, tmp_path / 'sources.png')
    assert cv2.imread(str(tmp_path / 'sources.png')) is not None
