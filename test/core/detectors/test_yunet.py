"""
YuNet through OpenCV's own code, on a stand-in for the network.

The real file is not ours to ship. ``make_yunet`` writes one with the same outputs, which sees a
face wherever a whole cell of 8 x 8 pixels is bright; OpenCV decodes both in the same way.
"""

import hashlib
import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from face_perception.core.detectors import YuNetDetector, make_detector
from face_perception.core.errors import DetectorError, ImageError, ModelError
from face_perception.core.types import Box

#: Side of the faces that the stand-in sees, in pixels of the network's input.
FACE_PX = 16

has_its_outputs = pytest.mark.skipif(
    tuple(map(int, cv2.__version__.split('.')[:2])) < (4, 8),
    reason='OpenCV before 4.8 runs another generation of YuNet files',
)


@pytest.fixture
def make_yunet(tmp_path):
    """Write a network with the outputs of YuNet (2023mar); ``channels`` can break it."""
    onnx = pytest.importorskip('onnx', reason='needs onnx (the extra test) to make model files')
    from onnx import TensorProto, helper, numpy_helper

    def make(outputs=('cls', 'obj', 'bbox', 'kps')):
        nodes, weights, described = [], [], []
        for output, channels in (('cls', 1), ('obj', 1), ('bbox', 4), ('kps', 10)):
            if output not in outputs:
                continue
            for stride in (8, 16, 32):
                name = f'{output}_{stride}'
                kernel = np.zeros((channels, 3, stride, stride), np.float32)
                bias = np.zeros(channels, np.float32)
                if channels == 1 and stride == 8:
                    kernel += 1 / (255 * kernel.size)
                if channels == 4:
                    # Offset of the centre in cells, and logarithm of the size in cells.
                    bias[:] = [0.5, 0.5, np.log(FACE_PX / stride), np.log(FACE_PX / stride)]
                weights += [
                    numpy_helper.from_array(kernel, f'{name}_kernel'),
                    numpy_helper.from_array(bias, f'{name}_bias'),
                ]
                nodes += [
                    helper.make_node(
                        'Conv',
                        ['input', f'{name}_kernel', f'{name}_bias'],
                        [f'{name}_planes'],
                        kernel_shape=[stride, stride],
                        strides=[stride, stride],
                    ),
                    helper.make_node('Transpose', [f'{name}_planes'], [name], perm=[0, 2, 3, 1]),
                ]
                described.append(
                    helper.make_tensor_value_info(
                        name, TensorProto.FLOAT, [1, 64 // stride, 64 // stride, channels]
                    )
                )
        graph = helper.make_graph(
            nodes,
            'yunet',
            [helper.make_tensor_value_info('input', TensorProto.FLOAT, [1, 3, 64, 64])],
            described,
            weights,
        )
        path = tmp_path / 'yunet.onnx'
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
            path,
        )
        return path

    return make


@has_its_outputs
def test_boxes_come_back_to_where_they_were_in_images_of_several_sizes(make_yunet):
    detector = make_detector('yunet', 400, 0.9, make_yunet())
    for width, height in ((640, 480), (480, 640), (1921, 1079), (333, 257), (640, 480)):
        scale = max(max(width, height) / 400, 1)
        side = round(20 * scale)
        x, y = width // 3, height // 2
        image = np.zeros((height, width, 3), np.uint8)
        image[y : y + side, x : x + side] = 255
        found = detector.detect(image)
        assert found and detector.detect(image) == found
        for face in found:
            assert face.score >= 0.9
            # The cells that are bright throughout have their centres inside.
            center_x, center_y = face.box.center
            assert x + 3 * scale <= center_x <= x + side - 3 * scale
            assert y + 3 * scale <= center_y <= y + side - 3 * scale
            assert abs(face.box.width - FACE_PX * scale) < 0.02 * FACE_PX * scale
            assert abs(face.box.height - FACE_PX * scale) < 0.02 * FACE_PX * scale


def test_a_yunet_that_is_given_to_another_type_is_told_as_that(make_yunet):
    with pytest.raises(ModelError, match="is a YuNet: choose the detector type 'yunet'"):
        make_detector('onnx', 400, None, make_yunet())


@has_its_outputs
def test_which_file_was_loaded_is_known(make_yunet):
    path = make_yunet()
    model = make_detector('yunet', 400, 0.9, path).model
    assert (model.path, model.version) == (path, '')
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@has_its_outputs
def test_a_yunet_goes_to_other_processes_and_serves_several_threads(make_yunet):
    detector = pickle.loads(pickle.dumps(make_detector('yunet', 400, 0.9, make_yunet())))
    images = [np.zeros((200 + 40 * number, 320, 3), np.uint8) for number in range(4)]
    for number, image in enumerate(images):
        image[80:104, 40 * number : 40 * number + 24] = 255
    alone = [detector.detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, images * 10)) == alone * 10
    assert all(alone)


@has_its_outputs
def test_the_input_size_can_change_and_boxes_are_clipped_to_the_image(make_yunet):
    detector = YuNetDetector(make_yunet(), input_size=160)
    image = np.full((480, 640, 3), 255, np.uint8)
    coarse = detector.detect(image)
    detector.input_size = 640
    fine = detector.detect(image)
    assert len(fine) > 4 * len(coarse) > 0
    assert Box(0, 0, 12, 12) in [face.box for face in fine]  # half of its cell's 4 px is outside
    for face in coarse + fine:
        assert face.box.clipped(640, 480).area == pytest.approx(face.box.area)


@has_its_outputs
@pytest.mark.parametrize('shape', [(1, 1, 3), (8, 2000, 3), (2000, 8, 3)])
def test_images_of_any_shape_are_taken(make_yunet, shape):
    assert YuNetDetector(make_yunet()).detect(np.zeros(shape, np.uint8)) == []


@has_its_outputs
def test_an_empty_image_is_refused(make_yunet):
    with pytest.raises(ImageError, match='uint8'):
        YuNetDetector(make_yunet()).detect(np.zeros((0, 4, 3), np.uint8))


def test_no_file_and_a_missing_file_each_get_their_sentence(tmp_path):
    with pytest.raises(DetectorError, match='detector.model'):
        make_detector('yunet', 320, 0.5)
    with pytest.raises(DetectorError, match='missing.onnx.* does not exist'):
        make_detector('yunet', 320, 0.5, tmp_path / 'missing.onnx')
    with pytest.raises(DetectorError, match='does not exist'):
        make_detector('yunet', 320, 0.5, tmp_path)


def test_a_file_that_is_no_yunet_is_told_apart(make_yunet, make_model, tmp_path):
    text = tmp_path / 'text.onnx'
    text.write_text('hello, world')
    for path in (text, make_model(), make_yunet(outputs=('cls', 'obj'))):
        with pytest.raises(DetectorError, match=f"'{path}' is no YuNet file") as caught:
            make_detector('yunet', 320, 0.5, path)
        assert '\n' not in str(caught.value)


def test_an_opencv_without_it_is_told_apart(monkeypatch, tmp_path):
    monkeypatch.delattr(cv2, 'FaceDetectorYN')
    with pytest.raises(DetectorError, match='does not exist in this OpenCV'):
        make_detector('yunet', 320, 0.5, tmp_path / 'yunet.onnx')
