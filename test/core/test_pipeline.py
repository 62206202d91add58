import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import face_perception
from face_perception import FacePipeline
from face_perception.core.errors import ImageError, ModelError, SettingsError
from face_perception.core.networks import FaceNetworks
from face_perception.core.settings import PipelineSettings
from face_perception.core.types import EMOTIONS, GENDERS, Box, Classification, Detection

FACE = Detection(Box(10, 10, 40, 40), 0.9)


class FixedDetector:
    """Finds what it is told to find."""

    def __init__(self, *detections):
        self.detections = list(detections)

    def detect(self, image_bgr, faint_share=1.0):
        return self.detections


class FixedClassifier:
    """Says the same of all faces."""

    mirror = False

    def classify(self, image_bgr, boxes, shown=None):
        return [Classification(('happy',), np.ones(1, np.float32)) for _ in boxes]

    def take_fault(self):
        return ''


def test_the_shipped_models_label_a_smiling_woman(portrait):
    image, _ = portrait
    result = FacePipeline.load()(image)
    assert (result.image_width, result.image_height) == (640, 480)
    (face,) = result.faces
    assert face.emotion.label == 'happy' and face.emotion.labels == EMOTIONS
    assert face.gender.label == 'female' and face.gender.labels == GENDERS
    for prediction in (face.emotion, face.gender):
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert result.timings.detect > 0 and result.timings.classify > 0


def test_the_same_image_gives_the_same_result(portrait):
    image, _ = portrait
    pipeline = FacePipeline.load()
    first, second = pipeline(image).faces, pipeline(image).faces
    assert [face.box for face in first] == [face.box for face in second]
    assert np.array_equal(first[0].emotion.probabilities, second[0].emotion.probabilities)


def test_with_times_faces_are_followed_until_a_reset(portrait):
    image, _ = portrait
    pipeline = FacePipeline.load()
    ids = [pipeline(image, time_s).faces[0].track_id for time_s in (0.0, 0.1)]
    assert pipeline(image).faces[0].track_id == ''
    pipeline.reset()
    assert [*ids, pipeline(image, 0.2).faces[0].track_id] == ['1', '1', '2']


def test_results_can_be_compared(portrait):
    image, _ = portrait
    pipeline = FacePipeline.load()
    first, second = pipeline(image).faces[0], pipeline(image).faces[0]
    assert first == second and hash(first) == hash(second)
    assert first != replace(second, emotion=second.gender) and first.emotion != 'happy'


def test_faces_come_largest_first_clipped_and_in_a_total_order():
    networks = FaceNetworks(
        FixedDetector(
            Detection(Box(50, 50, 10, 10), 0.5),
            Detection(Box(20, 50, 10, 10), 0.6),
            Detection(Box(-10, -10, 40, 40), 0.7),
            Detection(Box(500, 0, 40, 40), 0.8),
        )
    )
    result = networks(np.zeros((100, 100, 3), np.uint8))
    assert [face.box for face in result.faces] == [
        Box(0, 0, 30, 30),
        Box(20, 50, 10, 10),
        Box(50, 50, 10, 10),
    ]
    assert all(face.emotion is None and face.gender is None for face in result.faces)


def test_a_model_that_is_not_asked_for_is_not_loaded():
    networks = FaceNetworks.load(PipelineSettings(gender_model='', emotion_model=''))
    assert networks.gender is None and networks.emotion is None


def test_labels_that_no_message_can_carry_are_refused(make_model):
    path = make_model(labels='["happy", "bored", "tired"]')
    with pytest.raises(ModelError, match=r"\['bored', 'tired'\]"):
        FacePipeline.load(PipelineSettings(emotion_model=str(path)))


@pytest.mark.parametrize(
    'image',
    [
        None,
        'a.png',
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_bgr_image_is_refused(image):
    with pytest.raises(ImageError, match='uint8'):
        FacePipeline(FaceNetworks(FixedDetector()))(image)
    with pytest.raises(ImageError, match='uint8'):
        FacePipeline(FaceNetworks(FixedDetector()))(image, 1.0)


def test_what_imread_returns_for_a_missing_file_is_told_as_that():
    with pytest.raises(ImageError, match='cv2.imread .+ missing .+ check its path'):
        FaceNetworks(FixedDetector())(None)


@pytest.mark.parametrize('wrong', [{'max_faces': 3}, 'emotion_mini_xception.onnx'])
def test_settings_of_another_kind_are_refused_with_what_to_give(wrong):
    with pytest.raises(SettingsError, match=r'give PipelineSettings\(...\)'):
        FacePipeline.load(wrong)


def test_a_network_that_fails_on_a_face_is_warned_of(make_model):
    settings = PipelineSettings(emotion_model=str(make_model(output='bright nan')), gender_model='')
    networks = replace(FaceNetworks.load(settings), detector=FixedDetector(FACE))
    pipeline = FacePipeline(networks, settings)
    dark, bright = (np.full((60, 60, 3), value, np.uint8) for value in (0, 255))
    assert pipeline(dark).faces[0].emotion.label == 'happy'
    for times in ((), (0.0,)):
        with pytest.warns(RuntimeWarning, match='no probabilities.+export it again'):
            assert pipeline(bright, *times).faces[0].emotion is None


def test_threads_that_share_a_pipeline_get_the_faces_of_their_own_images(portrait):
    image, _ = portrait
    pipeline = FacePipeline.load()
    images = [np.roll(image[:, : 600 - 20 * number], 15 * number, 0) for number in range(4)]
    alone = [pipeline(image).faces for image in images]
    with ThreadPoolExecutor(len(images)) as pool:
        shared = list(pool.map(lambda image: pipeline(image).faces, images * 5))
    assert [[face.box for face in faces] for faces in shared] == [
        [face.box for face in faces] for faces in alone * 5
    ]


def test_a_pipeline_and_its_memory_can_be_given_to_another_process(portrait):
    image, _ = portrait
    pipeline = FacePipeline.load(PipelineSettings(num_threads=2, detector_input_size=320))
    before = pipeline(image, 0.0)
    copy = pickle.loads(pickle.dumps(pipeline))
    assert copy.settings == pipeline.settings
    assert (
        copy.networks.detector.input_size == 320 and copy.networks.detector.model.num_threads == 2
    )
    assert [face.track_id for face in copy(image, 0.1).faces] == ['1']
    assert copy(image).faces == pipeline(image).faces
    assert before == pickle.loads(pickle.dumps(before))


def test_settings_and_networks_that_are_replaced_hold_for_images_with_times_too():
    faces = [Detection(Box(50 * place, 50, 40, 40), 0.9) for place in range(3)]
    pipeline = FacePipeline(FaceNetworks(FixedDetector(*faces), emotion=FixedClassifier()))
    image = np.zeros((100, 200, 3), np.uint8)
    pipeline.settings = PipelineSettings(max_faces=1)
    assert (pipeline(image).classified, pipeline(image, 0.0).classified) == (1, 1)
    pipeline.networks = FaceNetworks(FixedDetector(*faces[:2]))
    assert (len(pipeline(image).faces), len(pipeline(image, 9.0).faces)) == (2, 2)


def test_type_checkers_and_shells_know_the_pipeline(tmp_path):
    api = pytest.importorskip('mypy.api', reason='needs mypy (make lint)')
    assert 'FacePipeline' in dir(face_perception)
    program = tmp_path / 'program.py'
    program.write_text(
        'from face_perception import FacePipeline\nreveal_type(FacePipeline.load())\n'
    )
    options = ['--follow-imports=silent', '--ignore-missing-imports', f'--cache-dir={tmp_path}']
    said, _, _ = api.run([*options, str(program)])
    assert 'core.pipeline.FacePipeline' in said


def test_importing_messages_brings_no_opencv_no_onnxruntime_and_no_models():
    pytest.importorskip('rclpy', reason='needs ROS 2')
    code = (
        'import sys; from face_perception.msg import FaceArray; '
        "heavy = {'cv2', 'onnxruntime', 'face_perception.core'} & set(sys.modules); "
        'sys.exit(f"imported {heavy}" if heavy else 0)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_the_core_imports_no_ros():
    code = (
        'import sys, face_perception.core.pipeline, face_perception.visuals.boxes; '
        "ros = {'rclpy', 'sensor_msgs', 'std_msgs'} & set(sys.modules); "
        'sys.exit(f"imported {ros}" if ros else 0)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
