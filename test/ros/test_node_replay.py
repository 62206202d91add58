"""Bags that are played to the node."""

from array import array

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message
from face_perception.msg import FaceArray
from face_perception.ros.conversions import seconds
from support.messages import stamps

CAMERA = '/camera/image_raw'


@pytest.fixture
def walk(portrait):
    """Return 18 small images of a face that moves to the left, as messages."""
    image, _ = portrait
    return [
        image_message(Header(), image[:240, 100 + 3 * step : 420 + 3 * step]) for step in range(18)
    ]


@pytest.fixture
def start_replayed(start_robot):
    """Start a node in simulated time that looks at a topic of its own, ready for a bag."""

    def start(**parameters):
        return start_robot(
            use_sim_time=True,
            detector__input_size=240,
            qos__image__reliability='reliable',
            **parameters,
        )

    return start


def replay(ros, start_tool, robot, bag, *arguments):
    """Play a bag to a node; return exit code, player, and the faces that came."""
    robot.faces.clear()
    robot.latency.clear()
    name = robot.process.name
    lossless = ['--wait-for', f'/{name}/faces'] if '--lossless' in arguments else []
    player = start_tool(
        'play', bag.path, *arguments, *lossless, '--ros-args', '-r', f'{CAMERA}:=/{name}/image'
    )
    return player.wait_spinning(ros), player, list(robot.faces)


def test_latency_is_right_at_every_rate(ros, start_tool, start_replayed, make_bag, walk):
    bag = make_bag(messages=walk, topics=[CAMERA])
    robot = start_replayed()
    for rate in (1, 0.5, 2):
        code, player, faces = replay(ros, start_tool, robot, bag, '--rate', rate)
        assert code == 0 and len(faces) >= 10, player.log()
        for latency in robot.latency:
            # Years would be a wrong clock; less than nothing, time that comes after its image.
            assert 0 <= seconds(latency.transport) < 2
            assert seconds(latency.transport) < seconds(latency.end_to_end) < 4
    level, text, values = robot.status()
    assert values['errors'] == '0' and 'stamp' not in robot.process.log(), (text, values)


def test_a_lossless_replay_gives_the_same_faces_every_time(
    ros, start_tool, start_replayed, make_bag, walk
):
    plain, packed = (
        make_bag(messages=walk, **how)
        for how in ({}, {'storage': 'mcap', 'compression': 'message'})
    )
    runs = []
    for bag in (plain, packed):
        robot = start_replayed()
        code, player, faces = replay(ros, start_tool, robot, bag, '--lossless')
        assert code == 0 and not player.said(), player.log()
        assert stamps(faces) == [
            time_ns - 2_000_000 for name, time_ns, _ in bag.images if name == CAMERA
        ]
        runs.append(faces)
    assert runs[0] == runs[1], 'another process, another storage: the very same messages'
    labels = {
        (face.track_id, face.emotion != '', face.gender > 0)
        for message in runs[0]
        for face in message.faces
    }
    assert labels == {('1', True, True)}
    assert sum(len(message.faces) for message in runs[0]) >= 15

    # The same node once more: time was set back, so it begins anew, with new names.
    code, player, again = replay(ros, start_tool, robot, packed, '--lossless')
    assert code == 0, player.log()
    assert {face.track_id for message in again for face in message.faces} == {'2'}
    for message in again:
        for face in message.faces:
            face.track_id = '1'
    assert again == runs[0]


def test_a_lossless_loop_sees_the_same_in_every_pass(
    ros, start_tool, start_replayed, make_bag, walk
):
    bag = make_bag(messages=walk[:6], topics=[CAMERA])
    robot = start_replayed()
    name = robot.process.name
    player = start_tool(
        'play',
        bag.path,
        '--loop',
        '--lossless',
        '--wait-for',
        f'/{name}/faces',
        '--ros-args',
        '-r',
        f'{CAMERA}:=/{name}/image',
    )
    ros.spin_until(lambda: len(robot.faces) >= 18)
    assert player.stop() == 0
    passes = [robot.faces[first : first + 6] for first in (0, 6, 12)]
    assert stamps(passes[0]) == stamps(passes[1]) == stamps(passes[2])
    identities = [{face.track_id for message in one for face in message.faces} for one in passes]
    assert identities == [{'1'}, {'2'}, {'3'}]
    boxes = [[[face.roi for face in message.faces] for message in one] for one in passes]
    assert boxes[0] == boxes[1] == boxes[2]


def test_images_that_are_refused_or_damaged_do_not_stop_a_lossless_replay(
    ros, start_tool, start_replayed, make_bag, walk
):
    depth = Image(height=2, width=2, step=8, encoding='32FC1', data=array('B', bytes(16)))
    messages = [*walk[:3], depth, walk[3], b'\0\1\0\0cut', walk[4], b'', depth, walk[5]]
    bag = make_bag(messages=messages, topics=[CAMERA])
    robot = start_replayed()
    code, player, faces = replay(ros, start_tool, robot, bag, '--lossless', '--timeout', 3)
    assert code == 1
    good = [
        time_ns - 2_000_000
        for number, (_, time_ns, _) in enumerate(bag.images)
        if number not in (3, 5, 7, 8)
    ]
    assert stamps(faces) == good
    refused, damaged = player.said()
    assert f"was not answered on '/{robot.process.name}/faces' within 3 s" in refused
    assert f"an image of '{CAMERA}' is damaged" in damaged
    assert '8 images, 4 skipped' in player.log()
    assert 'depth image' in robot.process.log()


def test_a_node_that_looks_elsewhere_or_ends_is_said(
    ros, start_tool, start_replayed, make_bag, walk
):
    bag = make_bag(messages=walk, topics=[CAMERA])
    robot = start_replayed()
    name = robot.process.name
    for topic, patience, words in (
        ('faces', 6, f"publishes on '/{name}/faces' subscribes to none of {CAMERA}"),
        ('latency', 60, f"'/{name}/latency' carries face_perception/msg/PipelineLatency, "),
    ):
        player = start_tool(
            'play', bag.path, '--lossless', '--wait-for', f'/{name}/{topic}', '--timeout', patience
        )
        assert player.wait_spinning(ros) == 2
        assert words in player.said()[0]

    player = start_tool(
        'play',
        bag.path,
        '--loop',
        '--lossless',
        '--wait-for',
        f'/{name}/faces',
        '--timeout',
        4,
        '--ros-args',
        '-r',
        f'{CAMERA}:=/{name}/image',
    )
    ros.spin_until(lambda: len(robot.faces) > 3)
    assert robot.process.stop() == 0
    assert player.wait_spinning(ros) == 2
    (sentence,) = player.said()
    assert f"the node that published on '/{name}/faces' has ended" in sentence
    assert isinstance(robot.faces[0], FaceArray)
