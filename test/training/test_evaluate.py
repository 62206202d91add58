"""The command that measures a model: its numbers, its files, and what it says when it cannot."""

import json
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip('torchmetrics', reason='training needs the extra "train" (TorchMetrics)')
pytest.importorskip('sklearn', reason='training needs the extra "train" (scikit-learn)')
pytest.importorskip('onnxruntime', reason='needed to run a model file')

from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.core.types import EMOTIONS, GENDERS, Box  # noqa: E402
from face_perception.training import classifier_report, evaluate, exported  # noqa: E402
from face_perception.training.data import RACES, DatasetError, load_samples  # noqa: E402
from face_perception.training.robustness import DEGRADATIONS  # noqa: E402

IMAGES = {'confusion.png', 'reliability.png', 'worst_mistakes.png'}


@pytest.fixture
def emotion_model(make_model):
    """Return the path of a model that always predicts the last emotion, neutral."""
    return make_model(classes=7, labels=json.dumps(EMOTIONS))


@pytest.fixture
def gender_model(make_model):
    """Return the path of a model that always predicts male."""
    return make_model(channels=3, classes=2, color='rgb', task='gender', labels=json.dumps(GENDERS))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command; return its exit status and what it wrote to stdout and stderr."""

    def command(*words):
        monkeypatch.setattr(sys, 'argv', ['face_perception_evaluate', *map(str, words)])
        status = evaluate.main()
        return status, *capsys.readouterr()

    return command


def male_share(samples, **groups):
    """Return the share of the label male among samples of ``groups``."""
    labels = [
        sample.label
        for sample in samples
        if all(sample.groups[name] == value for name, value in groups.items())
    ]
    return np.mean([label == GENDERS.index('male') for label in labels])


def test_emotion_from_the_command_line(run, emotion_model, fer_folder, tmp_path):
    output = tmp_path / 'made' / 'here'
    status, printed, errors = run(emotion_model, '--data', fer_folder, '--output', output)
    assert (status, errors) == (0, '')
    assert 'macro_f1' in printed and 'surprise' in printed and '14.3 %' in printed
    assert {path.name for path in output.iterdir()} == {'evaluation.json', *IMAGES}
    for name in IMAGES:
        assert cv2.imread(str(output / name)).std() > 5
    report = json.loads((output / 'evaluation.json').read_text())
    numbers = report['numbers']
    assert numbers['images'] == 14 and numbers['accuracy'] == round(2 / 14, 4)
    assert numbers['macro_f1'] == round(2 / 8 / 7, 4)
    assert (numbers['recall_neutral'], numbers['recall_happy']) == (1, 0)
    assert [row[6] for row in report['confusion']] == [2] * 7 and 'robustness' not in report
    assert report['model']['labels'] == list(EMOTIONS) and report['model']['version'] == '9.9'
    assert report['data'] == {'path': str(fer_folder), 'split': 'validation'}


def test_what_is_written_is_what_measure_returns(run, gender_model, utkface_folder, tmp_path):
    assert run(gender_model, '--data', utkface_folder, '--output', tmp_path)[0] == 0
    classifier = exported.load(gender_model)
    samples = load_samples('gender', utkface_folder, classifier.model.crop_margin)
    report = json.loads((tmp_path / 'evaluation.json').read_text())
    assert report['numbers'] == classifier_report.measure(classifier, samples)


def test_robustness_is_measured_when_asked_for(run, emotion_model, fer_folder, tmp_path):
    status, printed, _ = run(
        emotion_model, '--data', fer_folder, '--robustness', '--output', tmp_path / 'out'
    )
    assert status == 0 and 'jpeg_20' in printed
    table = json.loads((tmp_path / 'out' / 'evaluation.json').read_text())['robustness']
    assert list(table) == ['clean', *(entry.name for entry in DEGRADATIONS)]
    assert set(table.values()) == {round(2 / 14, 4)}
    assert cv2.imread(str(tmp_path / 'out' / 'robustness.png')).std() > 5


def test_without_output_nothing_is_written(run, emotion_model, fer_folder):
    before = sorted(fer_folder.rglob('*'))
    assert run(emotion_model, '--data', fer_folder)[0] == 0
    assert sorted(fer_folder.rglob('*')) == before


def test_another_split(run, emotion_model, fer_folder, tmp_path):
    status, _, _ = run(
        emotion_model, '--data', fer_folder, '--split', 'train', '--output', tmp_path / 'out'
    )
    report = json.loads((tmp_path / 'out' / 'evaluation.json').read_text())
    assert status == 0 and report['numbers']['images'] == 42
    assert report['data']['split'] == 'train'


def test_gender_by_group(run, gender_model, utkface_folder, tmp_path):
    status, printed, _ = run(gender_model, '--data', utkface_folder, '--output', tmp_path)
    assert status == 0 and 'race_white' in printed
    samples = load_samples('gender', utkface_folder, 0.0)
    report = json.loads((tmp_path / 'evaluation.json').read_text())
    numbers, overall = report['numbers'], male_share(samples)
    assert numbers['accuracy'] == round(overall, 4)
    assert numbers['gap_recall'] == 1
    races = {
        index: male_share(samples, race=index)
        for index in {sample.groups['race'] for sample in samples}
    }
    assert len(races) > 1
    for index, share in races.items():
        name = f'race_{RACES[index].lower()}'
        assert numbers[f'accuracy_{name}'] == round(share, 4)
        assert report['images_of_group'][name] == sum(
            sample.groups['race'] == index for sample in samples
        )
    assert numbers['worst_race_gap'] == round(overall - min(races.values()), 4)


def test_groups_that_nobody_knows_are_left_out(gender_model, utkface_folder):
    classifier = exported.load(gender_model)
    samples = [replace(sample, groups={}) for sample in load_samples('gender', utkface_folder, 0.0)]
    numbers = classifier_report.measure(classifier, samples)
    assert not [name for name in numbers if 'race' in name or 'age' in name.split('_')]
    assert numbers['gap_recall'] == 1


def test_a_class_without_images_has_no_number(gender_model, utkface_folder):
    classifier = exported.load(gender_model)
    men = [
        sample
        for sample in load_samples('gender', utkface_folder, 0.0)
        if sample.label == GENDERS.index('male')
    ]
    numbers = classifier_report.measure(classifier, men)
    assert numbers['recall_male'] == 1
    assert 'recall_female' not in numbers and 'gap_recall' not in numbers
    json.dumps(numbers, allow_nan=False)


def test_boxes_of_the_cascade(monkeypatch, run, emotion_model, fer_folder):
    found = iter([Box(5, 5, 30, 30), None] * 7)
    monkeypatch.setattr(classifier_report, 'find_face', lambda image, kind: next(found))
    classifier = exported.load(emotion_model)
    numbers = classifier_report.measure(
        classifier, load_samples('emotion', fer_folder, 0.0), ['haar']
    )
    assert numbers['found_by_haar'] == 0.5
    # Labels 0 to 6 twice: of every other image one is neutral.
    assert numbers['accuracy_haar_boxes'] == round(1 / 7, 4)
    monkeypatch.setattr(classifier_report, 'find_face', lambda image, kind: None)
    numbers = classifier_report.measure(
        classifier, load_samples('emotion', fer_folder, 0.0), ['haar']
    )
    assert numbers['found_by_haar'] == 0 and 'accuracy_haar_boxes' not in numbers


def test_without_samples_there_is_nothing_to_measure(emotion_model):
    with pytest.raises(DatasetError, match='no images'):
        classifier_report.measure(exported.load(emotion_model), [])


def test_more_faces_than_a_batch_keep_their_order(emotion_model, fer_folder):
    classifier = exported.load(emotion_model)
    samples = load_samples('emotion', fer_folder, 0.0) * 5
    assert len(samples) > exported.BATCH
    together = exported.probabilities_of(classifier, samples)
    one_by_one = [exported.probabilities_of(classifier, [sample])[0] for sample in samples]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5)


def assert_one_line(outcome, *words):
    status, printed, errors = outcome
    assert (status, printed) == (1, '')
    assert errors.startswith('error: ') and errors.count('\n') == 1
    assert all(word in errors for word in words)


def test_a_missing_model_is_one_line(run, fer_folder):
    assert_one_line(run(fer_folder / 'no.onnx', '--data', fer_folder), 'no.onnx', 'not exist')


def test_a_file_that_is_no_model_is_one_line(run, fer_folder):
    path = fer_folder / 'text.onnx'
    path.write_text('no model at all\n')
    assert_one_line(run(path, '--data', fer_folder), 'text.onnx')


def test_missing_data_is_one_line(run, emotion_model, tmp_path):
    assert_one_line(run(emotion_model, '--data', tmp_path / 'nowhere'), 'nowhere')


def test_an_output_that_cannot_be_made_is_one_line(run, emotion_model, fer_folder, tmp_path):
    (tmp_path / 'file').touch()
    assert_one_line(run(emotion_model, '--data', fer_folder, '--output', tmp_path / 'file'), 'file')


@pytest.mark.parametrize(
    'labels', [EMOTIONS[::-1], EMOTIONS[:6] + ('bored',)], ids=['another order', 'another label']
)
def test_other_labels_than_the_datas_are_refused(make_model, labels):
    with pytest.raises(ModelError, match='predicts'):
        exported.load(make_model(classes=7, labels=json.dumps(labels)))
