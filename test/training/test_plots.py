"""Every plot is written, shows what it was given, and leaves no trace in Matplotlib."""

import math
import subprocess
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('matplotlib', reason='training needs the extra "train" (Matplotlib)')
pytest.importorskip('torchmetrics', reason='training needs the extra "train" (TorchMetrics)')

from face_perception.core.types import Box  # noqa: E402
from face_perception.training import learning_curves, plots  # noqa: E402
from face_perception.training.data import Sample  # noqa: E402
from face_perception.training.robustness import DEGRADATIONS  # noqa: E402

LABELS = ('female', 'male')


def drawn(path):
    """Return the image at ``path`` as gray; it must not be blank."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None and min(image.shape) > 300
    assert 0.001 < (image < 200).mean() < 0.9
    return image


@pytest.fixture
def predictions():
    """Return labels ``[300]`` and probabilities ``[300, 2]`` that are mostly right."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 300)
    right = random.beta(4, 1.5, 300)
    return labels, np.where(np.eye(2)[labels] == 1, right[:, np.newaxis], 1 - right[:, np.newaxis])


def history(epochs):
    return [
        {
            'epoch': epoch,
            'loss': 2 / epoch,
            'accuracy': 0.6 - 0.3 / epoch,
            'learning_rate': 0.004 / epoch,
            'seconds': 20.0,
        }
        for epoch in range(1, epochs + 1)
    ]


def test_learning_curves_show_the_history(tmp_path):
    learning_curves.learning_curves(history(10), tmp_path / 'few.png')
    learning_curves.learning_curves(history(40), tmp_path / 'many.png')
    assert (drawn(tmp_path / 'few.png') != drawn(tmp_path / 'many.png')).any()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['few.png', 'many.png']


def test_learning_curves_replace_the_file(tmp_path):
    path = tmp_path / 'curves.png'
    for epochs in (1, 2):
        learning_curves.learning_curves(history(epochs), path)
        drawn(path)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    'change',
    [
        {'note': 'a word', 'device': None, 'boxes': [1, 2]},
        {'loss': math.nan, 'accuracy': math.inf},
        {'validation_loss': 1.0, 'macro_f1': np.float32(0.4)},
        {'images': 28_000},
        {'accuracy': None, 'seconds': None, 'epoch': 1},
    ],
)
def test_learning_curves_take_other_keys_and_values(tmp_path, change):
    entries = history(3)
    entries[1].update(change)
    learning_curves.learning_curves(entries, tmp_path / 'curves.png')
    drawn(tmp_path / 'curves.png')


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('entries', [[], [{}], [{'epoch': 1}], [{'loss': 1.0}], history(1)])
def test_learning_curves_of_hardly_anything(tmp_path, entries):
    learning_curves.learning_curves(entries, tmp_path / 'curves.png')
    drawn(tmp_path / 'curves.png')


def test_further_numbers_are_drawn_too(tmp_path):
    learning_curves.learning_curves(history(9), tmp_path / 'plain.png')
    for name, number in (('average_precision', 0.3), ('teacher_loss', 1.5)):
        more = [{**entry, name: number} for entry in history(9)]
        learning_curves.learning_curves(more, tmp_path / 'more.png')
        assert (drawn(tmp_path / 'plain.png') != drawn(tmp_path / 'more.png')).any()


def test_confusion_matrix_is_dark_where_many_are(tmp_path):
    shades = {}
    for name, table in (('right', [[9, 1], [1, 9]]), ('wrong', [[1, 9], [9, 1]])):
        plots.confusion_matrix(np.array(table), LABELS, tmp_path / 'confusion.png', 'a network')
        image = drawn(tmp_path / 'confusion.png')
        height, width = image.shape
        shades[name] = image[height // 4, width // 4]  # first row, first column
    assert shades['right'] < shades['wrong'] - 100


@pytest.mark.filterwarnings('error')
def test_confusion_matrix_with_a_class_without_images(tmp_path):
    plots.confusion_matrix(np.array([[3, 1], [0, 0]]), LABELS, tmp_path / 'confusion.png')
    drawn(tmp_path / 'confusion.png')


@pytest.mark.filterwarnings('error')
def test_reliability_shows_over_confidence(tmp_path, predictions):
    labels, probabilities = predictions
    plots.reliability(probabilities, labels, tmp_path / 'fair.png')
    over = np.where(probabilities > 0.5, 0.97, 0.03)
    plots.reliability(over, labels, tmp_path / 'over.png')
    assert (drawn(tmp_path / 'fair.png') != drawn(tmp_path / 'over.png')).any()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('confidence', [0.5, 1.0])
def test_reliability_of_a_constant_confidence(tmp_path, confidence):
    plots.reliability(
        np.array([[confidence, 1 - confidence]] * 4),
        np.array([0, 0, 0, 1]),
        tmp_path / 'reliability.png',
    )
    drawn(tmp_path / 'reliability.png')


def mistakes(colors, confidences):
    """Return samples of one colour each (BGR), labelled 0, and predictions that say 1 to them."""
    samples = [
        Sample(np.full((20, 20, 3), color, dtype=np.uint8), Box(0, 0, 20, 20), 0, {}, '')
        for color in colors
    ]
    return samples, np.array([[1 - value, value] for value in confidences])


def test_worst_mistakes_come_first_in_true_colours(tmp_path):
    blue, red, green = (255, 0, 0), (0, 0, 255), (0, 255, 0)
    samples, probabilities = mistakes((blue, red, green), (0.7, 0.9, 0.2))
    plots.worst_mistakes(samples, probabilities, LABELS, tmp_path / 'worst.png')
    image = cv2.imread(str(tmp_path / 'worst.png'))

    def left_edge(color):
        columns = np.flatnonzero((image == color).all(axis=2).any(axis=0))
        return columns.min() if len(columns) else None

    assert left_edge(red) < left_edge(blue)
    assert left_edge(green) is None  # that prediction is right


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('count', [0, 1, 60])
def test_any_number_of_mistakes_is_drawn(tmp_path, count):
    samples, probabilities = mistakes([(0, 0, 0)] * count + [(9, 9, 9)], [0.8] * count + [0.1])
    plots.worst_mistakes(samples, probabilities, LABELS, tmp_path / 'worst.png', 'a network')
    drawn(tmp_path / 'worst.png')


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('loss', [0.0, 0.2, -0.05])
def test_robustness_is_drawn(tmp_path, loss):
    table = {'clean': 0.9, **{entry.name: 0.9 - loss for entry in DEGRADATIONS}}
    plots.robustness(table, DEGRADATIONS, tmp_path / 'robustness.png', 'a network')
    drawn(tmp_path / 'robustness.png')


def test_matplotlib_is_loaded_late_and_without_pyplot(tmp_path):
    code = (
        'import sys; from face_perception.training import learning_curves\n'
        'assert "matplotlib" not in sys.modules\n'
        f'learning_curves.learning_curves([], {str(tmp_path / "curves.png")!r})\n'
        'assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], check=True, timeout=120)
