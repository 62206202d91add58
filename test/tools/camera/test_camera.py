import os
import signal
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rclpy.qos import QoSReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from face_perception.tools.camera.camera import parse_arguments
from support.messages import stamps


@pytest.fixture
def gray_image(tmp_path):
    path = tmp_path / 'gray.png'
    cv2.imwrite(str(path), np.full((480, 640, 3), 128, np.uint8))
    return path


def test_images_arrive_at_a_steady_rate_and_ctrl_c_ends_it(ros, start_tool):
    pytest.importorskip('skimage', reason='the sample needs scikit-image (the extra demo)')
    topic = f'/camera_{time.monotonic_ns()}/image'
    messages = ros.collect(Image, topic, qos_profile_sensor_data)
    camera = start_tool(
        'camera', '--rate', 20, '--frame-id', 'eye', '--ros-args', '-r', f'image:={topic}'
    )
    ros.spin_until(lambda: messages)
    ros.spin_for(2.5)
    publisher = ros.publisher_of(topic)
    assert publisher.node_name == 'face_perception_camera'
    assert publisher.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    assert camera.stop() == 0
    first = messages[0]
    assert (first.width, first.height, first.step) == (640, 480, 1920)
    assert (first.encoding, first.header.frame_id) == ('bgr8', 'eye')
    assert len(first.data) == 640 * 480 * 3
    assert np.frombuffer(first.data, np.uint8).std() > 20
    intervals = 1e-9 * np.diff(stamps(messages))
    assert (intervals > 0).all()
    assert np.median(intervals) == pytest.approx(0.05, rel=0.2)
    assert len(messages) > 25
    log = camera.log()
    assert log.count('publishing') == 1
    assert f"'sample' on '{topic}': 640x480 bgr8, 20 Hz, reliable" in log


@pytest.mark.parametrize(
    'arguments, encoding, size',
    [
        (['--encoding', 'nv12', '--reliability', 'best_effort'], 'nv12', (640, 480)),
        (['--encoding', 'mono16', '--size', '320x240'], 'mono16', (320, 240)),
    ],
)
def test_encoding_size_and_reliability_are_chosen(
    ros, start_tool, gray_image, arguments, encoding, size
):
    topic = f'/camera_{time.monotonic_ns()}/image'
    messages = ros.collect(Image, topic, qos_profile_sensor_data)
    camera = start_tool(
        'camera', '--source', gray_image, *arguments, '--ros-args', '-r', f'image:={topic}'
    )
    message = ros.spin_until(lambda: messages)[0]
    assert (message.encoding, message.width, message.height) == (encoding, *size)
    publisher = ros.publisher_of(topic)
    wanted = (
        QoSReliabilityPolicy.BEST_EFFORT
        if 'best_effort' in arguments
        else QoSReliabilityPolicy.RELIABLE
    )
    assert publisher.qos_profile.reliability == wanted
    assert camera.stop(signal.SIGTERM) == 0, camera.log()


#: The camera with other frames: those of the generator ``frames``, made of the source's ``images``.
OTHER_FRAMES = """
import ctypes, sys, time
from face_perception.tools.camera import camera, pace
def open_other(*options, given=camera.open_source):
    source = given(*options)
    images = source.frames()
    {}
    source.frames = frames
    return source
camera.open_source = open_other
sys.exit(camera.main(sys.argv[1:]))
"""
#: A camera whose driver keeps its reader waiting for the second image.
STUCK = OTHER_FRAMES.format(
    """
    def frames(loop):
        yield next(images)
        ctypes.CDLL(None).sleep(600)
"""
)


def test_a_camera_that_keeps_its_reader_waiting_does_not_keep_ctrl_c_waiting(
    start_program, tmp_path, gray_image
):
    camera = start_program(['-c', STUCK, '--source', str(gray_image)], tmp_path, 'stuck')
    camera.wait_for_log('publishing')
    assert camera.stop() == 0


def test_compressed_images_are_published_beside_the_raw_topic(ros, start_tool, gray_image):
    topic = f'/camera_{time.monotonic_ns()}/image'
    messages = ros.collect(CompressedImage, f'{topic}/compressed', qos_profile_sensor_data)
    camera = start_tool(
        'camera',
        '--source',
        gray_image,
        '--compressed',
        'jpeg',
        '--ros-args',
        '-r',
        f'image:={topic}',
    )
    message = ros.spin_until(lambda: messages)[0]
    assert message.format == 'bgr8; jpeg compressed bgr8'
    image = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (480, 640, 3)
    assert camera.stop() == 0


#: A webcam that gives ten images a second, whatever it is asked for; they are counted for half a
#: second.
DIM = OTHER_FRAMES.format(
    """
    pace.COUNTED_S = 0.5
    source.live = True
    def frames(loop):
        while True:
            time.sleep(0.1)
            yield next(images)
"""
)


def test_a_webcam_that_gives_fewer_images_than_were_asked_for_is_said_once(
    start_program, tmp_path, gray_image
):
    arguments = ['--source', str(gray_image), '--rate', '30', '--count', '60']
    camera = start_program(['-c', DIM, *arguments], tmp_path, 'dim')
    assert camera.wait() == 0
    assert camera.log().count('instead of 30: a webcam gives fewer in dim light') == 1


@pytest.mark.parametrize('arguments', [['--count', '1'], ['--no-loop']])
def test_who_listens_already_gets_all_of_few_images(ros, start_tool, gray_image, arguments):
    topic = f'/few_{time.monotonic_ns()}'
    messages = ros.collect(Image, topic)
    camera = start_tool(
        'camera', '--source', gray_image, *arguments, '--ros-args', '-r', f'image:={topic}'
    )
    assert camera.wait_spinning(ros) == 0
    assert len(messages) == 1


@pytest.mark.parametrize('arguments', [['--count', '3'], ['--no-loop']])
def test_it_ends_after_the_last_image(start_tool, gray_image, arguments):
    remapping = f'image:=/nobody_{time.monotonic_ns()}'
    camera = start_tool('camera', '--source', gray_image, *arguments, '--ros-args', '-r', remapping)
    assert camera.wait() == 0
    assert 'publishing' in camera.log() and 'nobody subscribes to' in camera.log()


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--source', 'nothing.mp4'], "the source 'nothing.mp4' does not exist"),
        (['--source', '63'], 'there is no webcam /dev/video63'),
        (['--source', 'gray.png', '--encoding', 'nv12', '--size', '641x481'], 'needs even sizes'),
        (['--ros-args', '-r', 'nonsense'], "Couldn't parse remap rule: '-r nonsense'"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_code_2(start_tool, gray_image, arguments, words):
    camera = start_tool('camera', *arguments)
    assert camera.wait() == 2
    said = [line for line in camera.log().splitlines() if line.startswith('face_perception_camera')]
    assert len(said) == 1
    assert words in said[0]


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--size', '640'], "'640' is no size"),
        (['--size', '0x480'], "'0x480' is no size"),
        (['--size', '99999x99999'], 'is no size'),
        (['--rate', '0'], "'0' is not a rate"),
        (['--rate', 'nan'], "'nan' is not a rate"),
        (['--rate', 'fast'], "'fast' is not a rate"),
        (['--count', '0'], "'0' is not a number of images"),
        (['--count', '1.5'], "'1.5' is not a number"),
        (['--encoding', 'bgr9'], "invalid choice: 'bgr9'"),
        (['--compressed', 'gif'], "invalid choice: 'gif'"),
        (['--compressed', 'png', '--encoding', 'rgb8'], 'leave --encoding out'),
        (['--reliability', 'sometimes'], "invalid choice: 'sometimes'"),
        (['--frame-id', os.fsdecode(b'caf\xe9')], r"'caf\xe9' is no UTF-8"),
        (['--nonsense'], 'unrecognized arguments: --nonsense'),
    ],
)
def test_mistakes_on_the_command_line_are_one_line_and_code_2(capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith('face_perception_camera: ')
    assert said.count('\n') == 1
    assert words in said
