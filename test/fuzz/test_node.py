"""The real node among bytes and requests that no sane program sends: the good ones are answered."""

from array import array

import cv2
import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='the fuzzer needs hypothesis')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.msg import Parameter, ParameterValue  # noqa: E402
from rcl_interfaces.srv import SetParameters, SetParametersAtomically  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from face_perception.media.messages.encoding import image_message  # noqa: E402
from face_perception.ros.parameters import PARAMETERS  # noqa: E402
from support.mutations import examples  # noqa: E402

pytest_plugins = ['support.robots']

NAMES = st.sampled_from([parameter.name for parameter in PARAMETERS]) | st.text(max_size=40)
TEXT = st.text(
    st.characters(blacklist_categories=('Cs',), blacklist_characters='\x00'), max_size=200
)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.builds(
    ParameterValue,
    type=st.integers(0, 9) | st.integers(0, 255),
    bool_value=st.booleans(),
    integer_value=st.integers(-10, 5000) | INTEGERS,
    double_value=st.floats(),
    string_value=TEXT | st.sampled_from(['/dev/zero', '/etc/passwd', '..', 'haar', 'reliable']),
    byte_array_value=st.lists(st.binary(min_size=1, max_size=1), max_size=3),
    bool_array_value=st.lists(st.booleans(), max_size=3),
    integer_array_value=st.lists(INTEGERS, max_size=3).map(lambda values: array('q', values)),
    double_array_value=st.lists(st.floats(), max_size=3).map(lambda values: array('d', values)),
    string_array_value=st.lists(TEXT, max_size=3),
)
#: These would stop the images that this test waits for, as they should.
SWITCHES = ('use_sim_time', 'image_transport', 'max_rate', 'num_threads', 'target_latency')


def good(frame_id='good'):
    message = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))
    message.header.frame_id = frame_id
    return message


@st.composite
def damaged(draw, message_type):
    """Return a serialized message with a few bytes changed, cut off or put in."""
    if message_type is Image:
        message = Image(
            height=draw(st.integers(0, 50) | st.integers(0, 2**32 - 1)),
            width=draw(st.integers(0, 70) | st.integers(0, 2**32 - 1)),
            step=draw(st.integers(0, 300) | st.integers(0, 2**32 - 1)),
            encoding=draw(st.sampled_from(['bgr8', 'mono16', 'nv12', 'bayer_rggb8']) | TEXT),
            data=array('B', draw(st.binary(max_size=400))),
        )
    else:
        message = CompressedImage(format=draw(TEXT), data=array('B', draw(st.binary(max_size=400))))
    data = bytearray(serialize_message(message))
    for _ in range(draw(st.integers(0, 6))):
        offset = draw(st.integers(4, len(data) - 1))  # after what says how it is encoded
        data[offset] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(4, len(data)))])


def check(robot):
    assert robot.process.alive(), robot.process.log()
    assert robot.show_and_wait(good()).image_width == 64
    assert 'Traceback' not in robot.process.log()


@examples(15)
@given(batch=st.lists(damaged(Image), min_size=1, max_size=10))
def test_images(module_robot, batch):
    for data in batch:
        module_robot.camera.publish(data)
    check(module_robot)


@pytest.fixture
def compressed_robot(start_robot):
    """One node for all examples of a test."""
    return start_robot(compressed=True)


@examples(15)
@given(batch=st.lists(damaged(CompressedImage), min_size=1, max_size=10))
def test_compressed_images(compressed_robot, batch):
    robot = compressed_robot
    for data in batch:
        robot.camera.publish(data)
    assert robot.process.alive(), robot.process.log()
    data = cv2.imencode('.jpg', np.full((48, 64, 3), 80, np.uint8))[1].tobytes()
    fine = CompressedImage(format='jpeg', data=array('B', data))
    assert robot.show_and_wait(fine).image_width == 64


@pytest.mark.parametrize('service', [SetParameters, SetParametersAtomically])
@examples(15)
@given(data=st.data())
def test_parameters(module_robot, service, data):
    parameters = [
        Parameter(name=name.replace('\x00', ''), value=data.draw(VALUES))
        for name in data.draw(st.lists(NAMES, min_size=1, max_size=5))
        if name not in SWITCHES
    ]
    name = 'set_parameters' + ('_atomically' if service is SetParametersAtomically else '')
    answer = module_robot.ros.call_until_answered(
        service,
        f'/{module_robot.process.name}/{name}',
        service.Request(parameters=parameters),
    )
    results = answer.results if service is SetParameters else [answer.result]
    assert len(results) == (len(parameters) if service is SetParameters else 1)
    for result in results:
        assert result.successful or (result.reason.isprintable() and len(result.reason) < 1500)
    module_robot.set_defaults()
    check(module_robot)
