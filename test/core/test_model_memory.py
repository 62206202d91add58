"""Valid networks that ask for gigabytes, never end, or crash the library: one sentence each."""

import resource
import time
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='needs onnx (the extra test) to make model files')

from onnx import TensorProto, helper  # noqa: E402

from face_perception.core import bounded_run  # noqa: E402
from face_perception.core.attributes.classifier import Classifier  # noqa: E402
from face_perception.core.detectors import YuNetDetector  # noqa: E402
from face_perception.core.errors import DetectorError, ModelError  # noqa: E402
from face_perception.core.onnx_models import load_classifier  # noqa: E402
from face_perception.core.types import Box  # noqa: E402
from support.waiting import wait_until  # noqa: E402

#: What a refused file may take, in KB: a small part of the 2 GiB and more that each asks for.
MEMORY = 300_000
SIDE = 1 << 15


def constant(name, values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def huge(kind):
    """Return the nodes and sparse tensors that make ``large`` from ``mean``."""
    sparse = helper.make_sparse_tensor(
        helper.make_tensor('large', TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor('where', TensorProto.INT64, [1], [0]),
        [1, SIDE, SIDE >> 1, 1],
    )
    return {
        'Expand': ([helper.make_node('Expand', ['mean', 'shape'], ['large'])], []),
        'Tile': ([helper.make_node('Tile', ['mean', 'repeats'], ['large'])], []),
        'ConstantOfShape': ([helper.make_node('ConstantOfShape', ['shape'], ['large'])], []),
        'folded Expand': ([helper.make_node('Expand', ['still', 'shape'], ['large'])], []),
        'sparse initializer': ([], [sparse]),
        'sparse Constant': ([helper.make_node('Constant', [], ['large'], sparse_value=sparse)], []),
        'many faces': (
            [
                helper.make_node('Shape', ['image'], ['sizes']),
                helper.make_node('Slice', ['sizes', 'zero', 'one'], ['faces']),
                helper.make_node('Mul', ['faces', 'million'], ['long']),
                helper.make_node('Concat', ['one', 'long', 'some', 'one'], ['asked'], axis=0),
                helper.make_node('ConstantOfShape', ['asked'], ['large']),
            ],
            [],
        ),
        'endless': ([endless_loop('ever')], []),
        'endless for many faces': (
            [
                helper.make_node('Shape', ['image'], ['sizes']),
                helper.make_node('Gather', ['sizes', 'first'], ['faces']),
                helper.make_node('Sub', ['faces', 'two'], ['others']),
                helper.make_node('Mul', ['others', 'ever'], ['turns']),
                endless_loop('turns'),
            ],
            [],
        ),
    }[kind]


def endless_loop(turns):
    """Return the node that makes ``large`` from ``mean`` in so many turns."""
    return helper.make_node(
        'Loop',
        [turns, 'true', 'mean'],
        ['large'],
        body=helper.make_graph(
            [
                helper.make_node('Identity', ['go'], ['goes']),
                helper.make_node('Identity', ['was'], ['is']),
            ],
            'body',
            [
                helper.make_tensor_value_info('turn', TensorProto.INT64, []),
                helper.make_tensor_value_info('go', TensorProto.BOOL, []),
                helper.make_tensor_value_info('was', TensorProto.FLOAT, None),
            ],
            [
                helper.make_tensor_value_info('goes', TensorProto.BOOL, []),
                helper.make_tensor_value_info('is', TensorProto.FLOAT, None),
            ],
        ),
    )


@pytest.fixture
def make_huge(tmp_path):
    """Write a classifier that keeps the contract, but for what it takes on its way."""

    def make(kind):
        nodes, sparse = huge(kind)
        graph = helper.make_graph(
            [
                helper.make_node('Cast', ['image'], ['f'], to=TensorProto.FLOAT),
                helper.make_node('ReduceMean', ['f'], ['mean'], axes=[1, 2, 3], keepdims=1),
                *nodes,
                helper.make_node('ReduceMean', ['large'], ['one_mean'], axes=[0, 1, 2, 3]),
                helper.make_node('Add', ['mean', 'one_mean'], ['sum']),
                helper.make_node('ReduceMean', ['sum'], ['flat'], axes=[2, 3], keepdims=0),
                helper.make_node('Expand', ['flat', 'classes'], ['logits']),
                helper.make_node('Softmax', ['logits'], ['probabilities'], axis=1),
            ],
            'huge',
            [helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', 8, 8, 1])],
            [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, ['N', 3])],
            [
                constant('shape', [1, SIDE, SIDE, 1]),
                constant('repeats', [1, SIDE, SIDE >> 2, 1]),
                constant('classes', [1, 3]),
                constant('zero', [0]),
                constant('one', [1]),
                constant('some', [40]),
                constant('million', [1_000_000]),
                helper.make_tensor('ever', TensorProto.INT64, [], [2**40]),
                helper.make_tensor('true', TensorProto.BOOL, [], [True]),
                helper.make_tensor('first', TensorProto.INT64, [], [0]),
                helper.make_tensor('two', TensorProto.INT64, [], [2]),
                helper.make_tensor('still', TensorProto.FLOAT, [1, 1, 1, 1], [0.0]),
            ],
            sparse_initializer=sparse,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
        helper.set_model_props(
            model,
            {
                'task': 'emotion',
                'labels': '["happy", "sad", "neutral"]',
                'color': 'gray',
                'crop_margin': '0',
            },
        )
        path = tmp_path / 'huge.onnx'
        onnx.save(model, path)
        return path

    return make


def taken():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    'kind',
    [
        'Expand',
        'Tile',
        'ConstantOfShape',
        'folded Expand',
        'sparse initializer',
        'sparse Constant',
    ],
)
def test_what_asks_for_gigabytes_is_refused_and_takes_none(make_huge, make_model, kind):
    path = make_huge(kind)
    load_classifier(make_model(), 'emotion')
    before = taken()
    with pytest.raises(ModelError, match='asks for more memory') as caught:
        load_classifier(path, 'emotion')
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)
    assert taken() - before < MEMORY
    load_classifier(make_model(), 'emotion')


def test_loading_does_not_limit_this_process(make_huge, make_model):
    """Its other threads and the processes that they start have all of the memory."""
    seen, over = set(), Event()

    def look():
        while not over.is_set():
            seen.add(resource.getrlimit(resource.RLIMIT_AS))

    watcher = Thread(target=look)
    watcher.start()
    try:
        with pytest.raises(ModelError, match='asks for more memory'):
            load_classifier(make_huge('sparse Constant'), 'emotion')
        load_classifier(make_model(version='another'), 'emotion')
    finally:
        over.set()
        watcher.join()
    assert seen == {resource.getrlimit(resource.RLIMIT_AS)}


def test_what_asks_for_gigabytes_later_leaves_its_faces_without_a_prediction(make_huge):
    classifier = Classifier(load_classifier(make_huge('many faces'), 'emotion'))
    image, box = np.zeros((60, 90, 3), np.uint8), Box(10, 10, 30, 30)
    before = taken()
    assert classifier.classify(image, [box] * 30) == [None] * 30
    assert 'asks for more memory' in classifier.take_fault()
    assert taken() - before < MEMORY
    assert classifier.classify(image, [box])[0] is not None


def test_what_never_ends_is_refused(make_huge, monkeypatch):
    monkeypatch.setattr(bounded_run, 'MOST_RUN_S', 0.3)
    with pytest.raises(ModelError, match=r'not run \(it takes longer than 0.3 s of CPU time\)'):
        load_classifier(make_huge('endless'), 'emotion')


def test_a_later_run_that_never_ends_leaves_its_faces_without_a_prediction(make_huge, monkeypatch):
    monkeypatch.setattr(bounded_run, 'MOST_RUN_S', 0.6)
    classifier = Classifier(load_classifier(make_huge('endless for many faces'), 'emotion'))
    image, box = np.zeros((60, 90, 3), np.uint8), Box(10, 10, 30, 30)
    assert classifier.classify(image, [box] * 5) == [None] * 5
    assert 'fails (it takes longer than 0.6 s of CPU time)' in classifier.take_fault()
    assert classifier.classify(image, [box])[0] is not None


def test_a_run_that_a_busy_machine_lets_wait_is_not_late(monkeypatch):
    monkeypatch.setattr(bounded_run, 'MOST_RUN_S', 0.15)
    watch, options = bounded_run._Watch(), SimpleNamespace(terminate=False)
    watch.begin(options)
    time.sleep(0.6)  # as while others have the processor
    assert not options.terminate

    def ended():
        sum(range(10**6))
        return options.terminate

    wait_until(ended)
    watch.end()


@pytest.mark.parametrize('kind', ['sparse initializer', 'sparse Constant', 'Expand'])
def test_what_crashes_opencv_or_asks_it_for_gigabytes_ends_another_process(make_huge, kind):
    before = taken()
    with pytest.raises(DetectorError, match='is no YuNet file') as caught:
        YuNetDetector(make_huge(kind))
    assert '\n' not in str(caught.value)
    assert taken() - before < MEMORY
