import cv2
import numpy as np
import pytest

from face_perception.core.detectors import OnnxDetector, make_detector
from face_perception.core.errors import DetectorError
from face_perception.core.types import Box, Detection, Face, FrameResult
from face_perception.media.sample.sample import SampleScene
from face_perception.offline.outputs.anonymize import HOW, Anonymizer, anonymize, head
from face_perception.offline.types import Frame


@pytest.fixture(scope='module')
def detectors():
    """Return the shipped detector as it is and looking harder, and Haar where there is one."""
    made = [OnnxDetector(), OnnxDetector(input_size=960)]
    try:
        made.append(make_detector('haar', 480, None))
    except DetectorError:  # OpenCV 5
        pass
    return made


def inside(box, region):
    x, y = box.center
    return region.x <= x < region.x + region.width and region.y <= y < region.y + region.height


def assert_no_face_is_left(detectors, image, boxes, how):
    covered = anonymize(image, boxes, how)
    for detector in detectors:
        left = [
            face
            for face in detector.detect(covered)
            if any(inside(face.box, head(box)) for box in boxes)
        ]
        assert not left, (type(detector).__name__, left)


def boxes_of(detector, image):
    boxes = [face.box for face in detector.detect(image)]
    assert boxes, 'there was no face to begin with'
    return boxes


@pytest.mark.parametrize('how', HOW)
@pytest.mark.parametrize('scale', [0.25, 0.5, 1, 2])
def test_no_detector_finds_the_face_at_any_scale(detectors, portrait, how, scale):
    image = cv2.resize(portrait[0], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert_no_face_is_left(detectors, image, boxes_of(detectors[0], image), how)


@pytest.mark.parametrize('how', HOW)
def test_no_detector_finds_a_face_that_fills_the_image(detectors, portrait, how):
    image, (x, y, size) = portrait
    close = image[y - 20 : y + size + 30, x - 20 : x + size + 20]
    scale = 600 / close.shape[1]
    close = cv2.resize(close, None, fx=scale, fy=scale)
    box = Box(20 * scale, 20 * scale, size * scale, size * scale)
    assert_no_face_is_left(detectors, close, [box], how)


@pytest.mark.parametrize('how', HOW)
def test_no_detector_finds_one_of_several_small_faces(detectors, portrait, how):
    image, (x, y, size) = portrait
    bust = cv2.resize(image[y - 55 : y + size + 60, x - 60 : x + size + 60], (120, 120))
    group = np.full((480, 640, 3), 120, np.uint8)
    for top in (10, 170, 330):
        for left in (10, 170, 330, 490):
            group[top : top + 120, left : left + 120] = bust
    boxes = boxes_of(detectors[0], group)
    assert len(boxes) == 12
    assert_no_face_is_left(detectors, group, boxes, how)


@pytest.mark.parametrize('how', HOW)
def test_no_detector_finds_a_face_of_the_sample(detectors, how):
    pytest.importorskip('skimage', reason='needs scikit-image (the extra demo) for the sample')
    scene = SampleScene(rate=15)
    seen = 0
    for index in range(15, 210, 15):
        boxes = scene.faces(index)
        seen += len(boxes)
        assert_no_face_is_left(detectors, scene.frame(index), boxes, how)
    assert seen > 12


@pytest.mark.parametrize('how', HOW)
def test_all_else_stays_as_it_is(portrait, how):
    image, (x, y, size) = portrait
    before = image.copy()
    box = Box(x, y, size, size)
    covered = anonymize(image, [box], how)
    assert (image == before).all() and not np.shares_memory(image, covered)
    region = head(box)
    rows = (
        slice(int(region.y), int(region.y + region.height))
        if region.y > 0
        else slice(0, int(region.y + region.height))
    )
    columns = slice(int(region.x), int(region.x + region.width))
    changed = (covered != image).any(axis=2)
    assert changed[rows, columns].mean() > 0.9
    changed[rows, columns] = False
    assert not changed.any()
    assert (anonymize(image, [], how) == image).all()


@pytest.mark.parametrize('how', HOW)
@pytest.mark.parametrize(
    'box',
    [
        Box(-30, -30, 60, 60),
        Box(80, 50, 60, 60),
        Box(-200, -200, 500, 500),
        Box(0, 0, 96, 64),
        Box(40, 30, 1, 1),
        Box(40, 30, 0.2, 0.2),
    ],
)
def test_boxes_at_the_border_huge_and_tiny_ones(how, box):
    noise = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    covered = anonymize(noise, [box], how)
    assert covered.shape == noise.shape and covered.dtype == np.uint8
    center = box.clipped(96, 64).center
    x, y = min(int(center[0]), 95), min(int(center[1]), 63)
    assert box.width < 2 or (covered[y, x] != noise[y, x]).any()


@pytest.mark.parametrize('how', HOW)
@pytest.mark.parametrize('box', [Box(300, 300, 50, 50), Box(10, 10, 0, 0)])
def test_a_box_that_shows_nothing_changes_nothing(how, box):
    noise = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    assert (anonymize(noise, [box], how) == noise).all()


def test_only_a_few_values_of_a_face_are_left(portrait):
    image, (x, y, size) = portrait
    covered = anonymize(image, [Box(x, y, size, size)], 'pixelate')[y : y + size, x : x + size]
    assert len(np.unique(covered.reshape(-1, 3), axis=0)) <= 16


def test_another_way_is_refused():
    with pytest.raises(ValueError, match="by blur or pixelate, not by 'mask'"):
        anonymize(np.zeros((8, 8, 3), np.uint8), [], 'mask')
    with pytest.raises(ValueError, match='not by'):
        Anonymizer('')


class Blind:
    """Finds nothing."""

    input_size = 480

    def detect(self, image_bgr):
        return []


def noise_frame(index, topic='', name=''):
    image = np.random.default_rng(index).integers(0, 256, (200, 400, 3), np.uint8)
    return Frame(image, index, index * 100_000_000, topic, '', name)


def result_of(*boxes):
    return FrameResult(400, 200, [Face(box, 0.9, track_id='1') for box in boxes])


def covered_share(frame, covered, box):
    x, y, width, height = (int(v) for v in (box.x, box.y, box.width, box.height))
    changed = (frame.image != covered).any(axis=2)
    return changed[y : y + height, x : x + width].mean()


def walking(index):
    return Box(60 + 12 * index, 80, 40, 40)


def test_a_face_that_is_missed_stays_covered_where_it_walks_to():
    anonymizer = Anonymizer('blur', keep_s=0.5, detector=Blind())
    for index in range(10):
        frame = noise_frame(index)
        covered = anonymizer(frame, result_of(walking(index)))
        assert covered_share(frame, covered, walking(index)) > 0.95
    for index in range(10, 14):
        frame = noise_frame(index)
        assert covered_share(frame, anonymizer(frame, result_of()), walking(index)) > 0.95, index
    frame = noise_frame(16)
    assert (anonymizer(frame, result_of()) == frame.image).all()


def test_streams_are_kept_apart_and_images_have_no_past():
    anonymizer = Anonymizer('blur', detector=Blind())
    box = Box(100, 80, 40, 40)
    anonymizer(noise_frame(0, '/left'), result_of(box))
    anonymizer(noise_frame(0, name='a.png'), result_of(box))
    for frame in (noise_frame(1, '/right'), noise_frame(1, name='b.png')):
        assert (anonymizer(frame, result_of()) == frame.image).all()
    frame = noise_frame(1, '/left')
    assert covered_share(frame, anonymizer(frame, result_of()), box) > 0.95


def test_sinks_that_share_an_anonymizer_get_the_same_image():
    calls = []

    class Counting(Blind):
        def detect(self, image_bgr):
            calls.append(1)
            return [Detection(Box(10, 10, 20, 20), 0.4)]

    anonymizer = Anonymizer('pixelate', detector=Counting())
    frame = noise_frame(0)
    first = anonymizer(frame, result_of())
    assert anonymizer(frame, result_of()) is first and len(calls) == 1
    assert covered_share(frame, first, Box(10, 10, 20, 20)) > 0.95


def test_every_face_of_the_sample_is_covered_though_the_result_has_none():
    pytest.importorskip('skimage', reason='needs scikit-image (the extra demo) for the sample')
    scene = SampleScene(rate=15)
    anonymizer = Anonymizer('pixelate')
    seen = 0
    for index in range(0, 225, 3):
        frame = Frame(scene.frame(index), index, round(index * 1e9 / 15))
        covered = anonymizer(frame, FrameResult(640, 480))
        for box in scene.faces(index):
            seen += 1
            # Half of the box, as far as it lies in the image: eyes, nose and mouth.
            inner = Box(
                box.x + box.width / 4, box.y + box.height / 4, box.width / 2, box.height / 2
            ).clipped(640, 480)
            assert covered_share(frame, covered, inner) > 0.9, (index, box)
    assert seen > 80
