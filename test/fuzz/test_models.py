"""Model files with anything changed: loaded and sane, or refused in one sentence."""

import json

import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='the fuzzer needs hypothesis')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from face_perception.core.attributes.classifier import Classifier  # noqa: E402
from face_perception.core.errors import ModelError  # noqa: E402
from face_perception.core.onnx_models import load_classifier  # noqa: E402
from face_perception.core.types import Box  # noqa: E402
from support.mutations import STEPS, damaged, examples  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)


def load_and_ask(path):
    """Load a file; the predictions of one that is taken are probabilities or none."""
    try:
        model = load_classifier(path, 'emotion')
    except ModelError as error:
        assert str(error).isprintable() and len(str(error)) < 1200
        return False
    for prediction in Classifier(model).classify(IMAGE, [Box(10, 10, 30, 30)] * 3):
        assert prediction is None or abs(prediction.probabilities.sum() - 1) < 0.05
    return True


def test_good_files_are_taken(make_model):
    assert load_and_ask(make_model())


@examples(25)
@given(steps=STEPS)
def test_bytes(make_model, tmp_path_factory, steps):
    path = tmp_path_factory.mktemp('fuzz') / 'model.onnx'
    path.write_bytes(damaged(make_model().read_bytes(), steps))
    load_and_ask(path)


@examples(25)
@given(
    labels=st.none() | st.text() | st.lists(st.text() | st.integers()).map(json.dumps),
    margin=st.none() | st.floats().map(str) | st.text(),
    color=st.sampled_from(['gray', 'rgb', '', 'GRAY']) | st.text(),
    task=st.just('emotion') | st.text(),
    version=st.text(),
)
def test_metadata(make_model, labels, margin, color, task, version):
    try:
        path = make_model(
            labels=labels, crop_margin=margin, color=color, task=task, version=version
        )
    except (TypeError, ValueError):  # what ONNX itself cannot write, such as a lone surrogate
        return
    load_and_ask(path)


@pytest.mark.parametrize('output', ['nan', 'logits', 'failing', 'one row'])
def test_outputs_that_are_no_probabilities(make_model, output):
    assert not load_and_ask(make_model(output=output))
