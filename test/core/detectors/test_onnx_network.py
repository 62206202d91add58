"""The detector that runs a network, with networks whose predictions are known."""

import hashlib

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from face_perception.core.detectors import OnnxDetector, make_detector, onnx_network
from face_perception.core.detectors.detector import MOST_FACES
from face_perception.core.errors import DetectorError, ImageError, ModelError
from face_perception.core.onnx_models import load_detector
from face_perception.core.types import Box


def constant(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values, kind), name)


def bright_region():
    """Return nodes that give one box, around all that is brighter than 180."""
    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('Greater', ['pixels', 'gray'], ['is_bright']),
        helper.make_node('Cast', ['is_bright'], ['bright'], to=TensorProto.FLOAT),
    ]
    for name, axes in (('x', [0, 1, 3]), ('y', [0, 2, 3])):
        nodes += [
            helper.make_node('ReduceMax', ['bright'], [f'{name}s'], axes=axes, keepdims=0),
            helper.make_node('ArgMax', [f'{name}s'], [f'{name}_first'], axis=0),
            helper.make_node('ArgMax', [f'{name}s'], [f'{name}_last'], axis=0, select_last_index=1),
            helper.make_node('Add', [f'{name}_last', 'one'], [f'{name}_end']),
        ]
    return nodes + [
        helper.make_node('Concat', ['x_first', 'y_first', 'x_end', 'y_end'], ['corners'], axis=0),
        helper.make_node('Cast', ['corners'], ['floats'], to=TensorProto.FLOAT),
        helper.make_node('Reshape', ['floats', 'row'], ['boxes']),
        helper.make_node('ReduceMax', ['bright'], ['brightest'], keepdims=0),
        helper.make_node('Reshape', ['brightest', 'any'], ['scores']),
    ]


@pytest.fixture
def make_network(tmp_path):
    """Write a detector that gives ``boxes`` and ``scores``, or what is bright in the image."""

    def make(
        boxes=None,
        scores=None,
        name='detector.onnx',
        shape=(1, 'H', 'W', 3),
        kind=TensorProto.UINT8,
        outputs=('boxes', 'scores'),
        **metadata,
    ):
        metadata = {
            'task': 'face_detection',
            'version': '9.9',
            'score_threshold': '0.4',
            'input_multiple': '32',
            **metadata,
        }
        constants = [
            constant('gray', 180),
            constant('one', [1], np.int64),
            constant('row', [1, 4], np.int64),
            constant('any', [-1], np.int64),
        ]
        nodes = bright_region()
        if boxes is not None:
            constants = [constant('b', boxes), constant('s', scores)]
            nodes = [
                helper.make_node('Identity', ['b'], [outputs[0]]),
                helper.make_node('Identity', ['s'], [outputs[1]]),
            ]
        graph = helper.make_graph(
            nodes,
            'tiny',
            [helper.make_tensor_value_info('image', kind, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
        helper.set_model_props(
            model, {key: value for key, value in metadata.items() if value is not None}
        )
        path = tmp_path / name
        save(model, path)
        return path

    return make


def black_with_square(width, height, box):
    image = np.zeros((height, width, 3), np.uint8)
    image[box.y : box.y + box.height, box.x : box.x + box.width] = 255
    return image


@pytest.mark.parametrize(
    ('width', 'height'),
    [(640, 480), (480, 640), (1921, 1079), (4096, 2160), (333, 257), (97, 131), (33, 31)],
)
@pytest.mark.parametrize('input_size', [160, 400])
def test_a_box_comes_back_to_where_it_was_in_the_image(make_network, width, height, input_size):
    box = Box(width // 7, height // 5, width // 3, height // 4)
    (found,) = OnnxDetector(make_network(), input_size).detect(
        black_with_square(width, height, box)
    )
    tolerance = max(max(width, height) / input_size, 1)  # a pixel of what the network saw
    for edge in ('x', 'y', 'width', 'height'):
        assert abs(getattr(found.box, edge) - getattr(box, edge)) <= tolerance
    assert found.score == 1.0


def test_the_padding_shows_nothing_and_the_last_image_leaves_nothing(make_network):
    detector = OnnxDetector(make_network())
    box = Box(100, 50, 30, 20)
    for width, height in ((333, 257), (257, 333), (40, 40), (333, 257)):
        assert detector.detect(np.zeros((height, width, 3), np.uint8)) == []
    assert detector.detect(black_with_square(333, 257, box))[0].box == box
    assert detector.detect(np.zeros((257, 333, 3), np.uint8)) == []
    detector.input_size = 160
    (found,) = detector.detect(black_with_square(333, 257, box))
    assert found.box != box and abs(found.box.x - box.x) < 3
    detector.input_size = 400
    assert detector.detect(black_with_square(333, 257, box))[0].box == box


FOUR = [[20, 10, 60, 50], [12, 10, 52, 50], [100, 100, 120, 120], [60, 60, 90, 90]]


def test_of_overlapping_boxes_the_best_is_kept_and_the_largest_comes_first(make_network):
    path = make_network(FOUR, [0.7, 0.9, 0.5, 0.45])
    detector = OnnxDetector(path, 400)
    image = np.zeros((150, 150, 3), np.uint8)
    found = detector.detect(image)
    assert [face.box for face in found] == [
        Box(12, 10, 40, 40),
        Box(60, 60, 30, 30),
        Box(100, 100, 20, 20),
    ]
    assert [face.score for face in found] == pytest.approx([0.9, 0.45, 0.5])
    assert detector.detect(image) == found == OnnxDetector(path, 400).detect(image)


def test_the_threshold_is_the_callers_or_the_one_of_the_file(make_network):
    path = make_network(FOUR, [0.1, 0.2, 0.5, 0.4])
    image = np.zeros((150, 150, 3), np.uint8)

    def scores(threshold):
        found = make_detector('onnx', 400, threshold, path).detect(image)
        return sorted(round(face.score, 4) for face in found)

    assert scores(0.0) == [0.2, 0.4, 0.5]
    assert scores(0.5) == [0.5] and scores(0.51) == []
    assert scores(None) == [0.4, 0.5]  # the file says 0.4


def test_faint_faces_are_given_on_demand_and_marked(make_network):
    boxes = [[0, 0, 90, 90], [100, 0, 150, 50], [200, 0, 230, 30]]
    detector = OnnxDetector(make_network(boxes, [0.3, 0.9, 0.2]), score_threshold=0.4)
    image = np.zeros((128, 256, 3), np.uint8)
    assert [face.score for face in detector.detect(image)] == [pytest.approx(0.9)]
    found = [(face.box.width, face.faint) for face in detector.detect(image, 0.6)]
    assert found == [(90, True), (50, False)]


def test_boxes_are_clipped_and_those_outside_or_not_a_number_are_dropped(make_network):
    boxes = [
        [-20, -10, 30, 40],
        [64, 96, 96, 128],
        [np.nan, 0, 9, 9],
        [20, 20, 10, 40],
        [50, 60, np.inf, np.inf],
    ]
    detector = OnnxDetector(make_network(boxes, [0.9, 0.8, 0.99, 0.7, 0.6]))
    found = detector.detect(np.zeros((100, 64, 3), np.uint8))
    assert [face.box for face in found] == [Box(0, 0, 30, 40), Box(50, 60, 14, 40)]


@pytest.mark.parametrize('shape', [(1, 1, 3), (8, 2000, 3), (2000, 8, 3), (1, 4096, 3)])
def test_images_of_any_shape_are_taken(make_network, shape):
    assert OnnxDetector(make_network()).detect(np.zeros(shape, np.uint8)) == []
    (found,) = OnnxDetector(make_network()).detect(np.full(shape, 255, np.uint8))
    assert found.box == Box(0, 0, shape[1], shape[0])


@pytest.mark.parametrize(
    'image',
    [np.zeros((0, 0, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)],
)
def test_what_is_no_bgr_image_is_refused(make_network, image):
    with pytest.raises(ImageError, match='uint8'):
        OnnxDetector(make_network()).detect(image)


def test_a_good_file_brings_everything_needed_to_use_it(make_network):
    path = make_network()
    model = make_detector('onnx', 320, 0.5, path).model
    assert (model.path, model.task, model.version) == (path, 'face_detection', '9.9')
    assert (model.score_threshold, model.input_multiple) == (0.4, 32)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ('change', 'complaint'),
    [
        ({'task': 'emotion'}, "task 'emotion'"),
        ({'task': None}, "task ''"),
        ({'score_threshold': None}, "no 'score_threshold'"),
        ({'score_threshold': '40'}, "no 'score_threshold'"),
        ({'input_multiple': 'some'}, "no 'input_multiple'"),
        ({'input_multiple': '0'}, "no 'input_multiple'"),
        ({'shape': (1, 320, 320, 3)}, r'not tensor\(uint8\) \[1, H, W, 3\]'),
        ({'shape': (1, 'H', 'W', 1)}, r'not tensor\(uint8\) \[1, H, W, 3\]'),
        ({'kind': TensorProto.FLOAT}, r'not tensor\(uint8\)'),
        (
            {'boxes': [[0, 0, 1, 1]], 'scores': [1.0], 'outputs': ('faces', 'scores')},
            r"outputs \['faces', 'scores'\]",
        ),
        ({'boxes': [[0, 0, 1, 1]], 'scores': [1.0, 0.5]}, r'boxes float32 \[1, 4\] and .* \[2\]'),
        ({'boxes': [0, 0, 1, 1], 'scores': [1.0]}, r'boxes float32 \[4\]'),
        ({'shape': (2, 'H', 'W', 3)}, 'does not run'),
    ],
)
def test_each_broken_part_of_the_contract_is_named(make_network, change, complaint):
    path = make_network(**change)
    with pytest.raises(ModelError, match=complaint) as caught:
        load_detector(path)
    assert str(path) in str(caught.value) and 'export it' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_missing_damaged_and_exchanged_files_each_get_their_sentence(make_network, tmp_path):
    path = make_network()
    with pytest.raises(ModelError, match='does not exist'):
        make_detector('onnx', 320, 0.5, tmp_path / 'missing.onnx')
    (tmp_path / 'half.onnx').write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelError, match='no ONNX model'):
        make_detector('onnx', 320, 0.5, tmp_path / 'half.onnx')
    (tmp_path / 'SHA256SUMS').write_text(f'{"0" * 64}  {path.name}\n')
    with pytest.raises(ModelError, match='not the one that was shipped'):
        make_detector('onnx', 320, 0.5, path)


def test_without_a_file_the_packages_own_is_taken(monkeypatch):
    monkeypatch.setattr(onnx_network, 'MODEL', 'nothing.onnx')
    with pytest.raises(ModelError, match='models/nothing.onnx.* does not exist'):
        make_detector('onnx', 320, 0.5)


class SizedSession:
    """Gives boxes by the height of the input: ``{height: (boxes, scores)}``; remembers heights."""

    def __init__(self, predictions):
        self.predictions, self.asked = predictions, []

    def run(self, outputs, feed, options=None):
        height = feed['image'].shape[1]
        self.asked.append(height)
        boxes, scores = self.predictions[height]
        return [np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)]


@pytest.fixture
def sized(make_network):
    """Return a detector of inputs of 320 pixels whose network gives boxes by the input's size."""

    def make(predictions):
        detector = OnnxDetector(make_network([[0, 0, 1, 1]], [0.0]), 320)
        object.__setattr__(detector.model, 'session', SizedSession(predictions))
        return detector

    return make


SQUARE = np.zeros((640, 640, 3), np.uint8)


def test_a_face_that_fills_the_image_is_one_face(sized):
    # At 320 pixels two parts of it and a face beside; at 160 the whole.
    detector = sized(
        {
            320: (
                [[20, 0, 220, 200], [60, 150, 230, 320], [100, 40, 160, 100], [240, 4, 300, 64]],
                [0.6, 0.7, 0.5, 0.8],
            ),
            160: ([[10, 5, 115, 155], [50, 7, 115, 157], [120, 2, 150, 32]], [0.8, 0.75, 0.3]),
        }
    )
    found = detector.detect(SQUARE)
    assert [one.box for one in found] == [Box(40, 20, 420, 600), Box(480, 8, 120, 120)]
    assert [one.score for one in found] == pytest.approx([0.8, 0.8])


def test_a_faint_hint_of_a_large_face_is_looked_at_again(sized):
    detector = sized({320: ([[0, 0, 300, 320]], [0.21]), 160: ([[4, 4, 150, 156]], [0.9])})
    assert [one.box for one in detector.detect(SQUARE)] == [Box(16, 16, 584, 608)]
    assert detector.model.session.asked == [320, 160]


def test_where_no_face_is_large_nothing_is_looked_at_twice(sized):
    detector = sized({320: ([[0, 0, 160, 160], [0, 0, 320, 320]], [0.9, 0.19])})
    assert [one.box for one in detector.detect(SQUARE)] == [Box(0, 0, 320, 320)]
    assert detector.model.session.asked == [320]


def test_what_looked_large_and_is_nothing_in_the_second_look_is_nothing(sized):
    detector = sized({320: ([[0, 0, 250, 250]], [0.9]), 160: ([[0, 0, 125, 125]], [0.1])})
    assert detector.detect(SQUARE) == []


def test_a_detector_that_knows_no_number_is_refused(make_network):
    with pytest.raises(ModelError, match='none of its boxes and scores is finite'):
        OnnxDetector(make_network([[0, 0, 9, 9]], [np.nan]))
    for score in (7.0, -1.0):
        with pytest.raises(ModelError, match='its scores are not in 0..1'):
            OnnxDetector(make_network([[0, 0, 9, 9]], [score]))
    with pytest.raises(ModelError, match="no 'input_multiple'"):
        OnnxDetector(make_network(input_multiple='1000000'))


def test_more_faces_than_any_crowd_has_are_bounded(make_network):
    grid = np.stack(np.meshgrid(np.arange(0, 480, 8), np.arange(0, 360, 8)), -1).reshape(-1, 2)
    scores = np.linspace(0.5, 0.9, len(grid), dtype=np.float32)
    found = OnnxDetector(make_network(np.hstack([grid, grid + 7]), scores)).detect(
        np.zeros((360, 480, 3), np.uint8)
    )
    assert len(found) == MOST_FACES < len(grid)
    assert min(face.score for face in found) == pytest.approx(sorted(scores)[-MOST_FACES])


def test_a_network_that_fails_at_the_size_of_images_is_refused_when_it_is_loaded(
    make_network, monkeypatch
):
    def run(self, image):
        if image.shape[2] > 100:
            raise DetectorError('the face detector fails')
        return run_before(self, image)

    run_before = OnnxDetector._run
    monkeypatch.setattr(OnnxDetector, '_run', run)
    OnnxDetector(make_network(), input_size=96)
    with pytest.raises(DetectorError, match='fails'):
        OnnxDetector(make_network(), input_size=480)
