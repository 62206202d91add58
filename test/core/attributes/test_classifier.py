import numpy as np
import pytest

from face_perception.core.attributes.classifier import MOST_AT_ONCE, Classifier
from face_perception.core.errors import ModelError
from face_perception.core.onnx_models import load_classifier
from face_perception.core.types import Box


class CountingSession:
    """Passes calls on and counts them."""

    def __init__(self, session):
        self._session = session
        self.calls = 0

    def run(self, *arguments):
        self.calls += 1
        return self._session.run(*arguments)


def classifier(make_model, **change):
    model = load_classifier(make_model(**change), 'emotion')
    session = CountingSession(model.session)
    object.__setattr__(model, 'session', session)
    return Classifier(model), session


def test_all_faces_go_through_the_network_in_one_call(make_model):
    network, session = classifier(make_model)
    image = np.zeros((60, 90, 3), np.uint8)
    image[:, 30:60], image[:, 60:] = 120, 255
    predictions = network.classify(
        image, [Box(0, 0, 30, 30), Box(30, 0, 30, 30), Box(60, 0, 30, 30)]
    )
    assert session.calls == 1
    # The network's logits are the crop's mean gray value times (-1, 0, 1) / 255.
    assert np.allclose(predictions[0].probabilities, 1 / 3)
    assert [prediction.label for prediction in predictions[1:]] == ['neutral', 'neutral']


def test_no_face_costs_nothing(make_model):
    network, session = classifier(make_model)
    assert network.classify(np.zeros((60, 90, 3), np.uint8), []) == []
    assert session.calls == 0


def test_the_batch_has_the_networks_size_and_colours(make_model):
    image = np.zeros((40, 40, 3), np.uint8)
    image[:] = (10, 20, 30)
    rgb, _ = classifier(make_model, channels=3, color='rgb')
    batch = rgb.batch(image, [Box(5, 5, 20, 20)])
    assert batch.shape == (1, 8, 8, 3) and (batch[0, 0, 0] == (30, 20, 10)).all()
    gray, _ = classifier(make_model)
    assert gray.batch(image, [Box(5, 5, 20, 20)]).shape == (1, 8, 8, 1)


def test_hundreds_of_faces_go_in_several_calls_with_the_same_predictions(make_model):
    network, session = classifier(make_model)
    image = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    boxes = [Box(x % 60, x % 30, 30, 30) for x in range(3 * MOST_AT_ONCE + 1)]
    predictions = network.classify(image, boxes)
    assert session.calls == 4 and len(predictions) == len(boxes)
    for box, prediction in zip(boxes[::20], predictions[::20]):
        (alone,) = network.classify(image, [box])
        assert np.allclose(alone.probabilities, prediction.probabilities, atol=1e-6)


def test_a_face_without_a_prediction_leaves_the_others_theirs(make_model):
    network, _ = classifier(make_model, output='bright nan')
    image = np.zeros((60, 90, 3), np.uint8)
    image[:, 60:] = 255
    dark, bright = network.classify(image, [Box(0, 0, 30, 30), Box(60, 0, 30, 30)])
    assert dark.label == 'happy' and bright is None
    assert 'no probabilities' in network.take_fault() and network.take_fault() == ''


def test_a_network_that_fails_leaves_its_question_open(make_model, monkeypatch):
    network, session = classifier(make_model)
    image = np.zeros((60, 90, 3), np.uint8)

    def fail(*_):
        raise RuntimeError('no memory\nleft')

    monkeypatch.setattr(session, 'run', fail)
    assert network.classify(image, [Box(0, 0, 30, 30)] * 2) == [None, None]
    assert 'fails (left)' in network.take_fault()


def test_onnx_runtime_prints_nothing_of_its_own(make_model, capfd):
    with pytest.raises(ModelError, match='does not run'):
        load_classifier(make_model(output='failing'), 'emotion')
    assert capfd.readouterr() == ('', '')
