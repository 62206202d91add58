"""Bags that are played to other processes over DDS, and to the node."""

import signal
import struct
import time

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from face_perception.media.bags.reader import Bag
from face_perception.tools.player.play import parse_arguments
from support.messages import nanoseconds, stamps

CAMERA = '/camera/image_raw'


@pytest.fixture
def topic():
    """Return a topic that nobody else uses."""
    return f'/played_{time.monotonic_ns()}/image'


def stamp(data):
    """Return the stamp that a message as bytes begins with."""
    return struct.unpack_from('<iI', data, 4)


def test_images_and_time_come_as_they_were_recorded(ros, start_tool, make_bag, topic):
    bag = make_bag(storage='mcap', compression='file', count=20)
    events = []
    ros.node.create_subscription(Clock, '/clock', events.append, 1)  # as nodes do
    ticks = ros.collect(Clock, '/clock', 1000)  # of which a busy machine misses none
    for kind, name in ((Image, topic), (CompressedImage, f'{topic}/compressed')):
        ros.node.create_subscription(kind, name, events.append, 50, raw=True)
    player = start_tool(
        'play',
        bag.path,
        '--ros-args',
        '-r',
        f'{CAMERA}:={topic}',
        '-r',
        f'/other/image/compressed:={topic}/compressed',
    )
    assert player.wait_spinning(ros) == 0, player.log()
    images = [each for each in events if isinstance(each, bytes)]
    assert len(images) == len(bag.images)
    # Of two topics the one or the other is taken first.
    for came, (_, _, sent) in zip(sorted(images, key=stamp), bag.images):
        assert came[: len(sent)] == sent and len(came) - len(sent) < 4  # DDS fills up to words
    # No image comes before the time at which it was recorded.
    expected = iter(time_ns for _, time_ns, _ in bag.images)
    now = 0
    for event in events:
        if isinstance(event, Clock):
            assert nanoseconds(event.clock) >= now
            now = nanoseconds(event.clock)
        else:
            assert now >= next(expected)
    assert len(ticks) > 2 * len(images), 'time passes between the images too'
    assert f'{len(images)} images' in player.log() and not player.said()


def test_a_part_of_a_bag_of_one_topic_in_a_loop_until_ctrl_c(ros, start_tool, make_bag, topic):
    bag = make_bag(count=20)
    images = ros.collect(Image, topic, 50)
    player = start_tool(
        'play',
        bag.path,
        '--topic',
        CAMERA,
        '--start-offset',
        0.25,
        '--duration',
        0.2,
        '--loop',
        '--rate',
        2,
        '--ros-args',
        '-r',
        f'{CAMERA}:={topic}',
    )
    part = [time_ns - 2_000_000 for name, time_ns, _ in bag.images if name == CAMERA][5:9]
    ros.spin_until(lambda: len(images) >= 10)
    assert player.stop() == 0
    assert stamps(images)[:10] == (part * 3)[:10]
    assert ', pass ' in player.log() and not player.said()
    assert '/other' not in str(ros.node.get_topic_names_and_types())


def test_one_image_in_a_loop_is_shown_at_a_cameras_pace(ros, start_tool, make_bag, topic):
    bag = make_bag(count=20)
    images = ros.collect(Image, topic, 50)
    options = ('--start-offset', 0.25, '--duration', 0.001, '--loop')
    player = start_tool(
        'play', bag.path, '--topic', CAMERA, *options, '--ros-args', '-r', f'{CAMERA}:={topic}'
    )
    ros.spin_until(lambda: images)
    before, since = len(images), time.monotonic()
    ros.spin_for(2.0)
    assert 1 <= len(images) - before <= 1 + 15 * (time.monotonic() - since)
    assert player.stop() == 0


def test_without_a_listener_it_says_so_and_plays(start_tool, make_bag):
    player = start_tool('play', make_bag().path, '--topic', CAMERA)
    assert player.wait() == 0
    assert 'nobody subscribes to /camera/image_raw so far' in player.said()[0]
    assert '6 images' in player.log()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_ended_while_it_waits(start_tool, make_bag, number):
    player = start_tool('play', make_bag().path, '--lossless', '--timeout', 60)
    player.wait_to_catch(signal.SIGTERM)
    time.sleep(1.5)
    assert player.stop(number) == 0 and not player.said()


@pytest.mark.parametrize(
    'arguments, words',
    [
        ([], "there is no bag 'BAG'"),
        (
            ['--start-offset', '100'],
            'lasts 0.3 s and has no image in the chosen part from 100.0 s on',
        ),
        (
            ['--lossless', '--timeout', '0.5'],
            "nobody publishes on '/face_perception/faces': start ",
        ),
        # It cannot be listened to, or carries another type: Cyclone DDS allows two types.
        (['--lossless', '--wait-for', '/clock'], "'/clock' ca"),
        (['--lossless', '--wait-for', 'no name'], "'no name' cannot be listened to"),
        (['--ros-args', '-r', 'nonsense'], "Couldn't parse remap rule: '-r nonsense'"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_code_2(start_tool, make_bag, arguments, words):
    bag = make_bag().path if arguments else 'BAG'
    player = start_tool('play', bag, *arguments)
    assert player.wait() == 2
    (sentence,) = player.said()
    assert words in sentence


@pytest.mark.parametrize(
    'arguments, words',
    [
        ([], 'the following arguments are required: BAG'),
        (['bag', '--rate', '0'], "'0' is not a factor of 0.01 to 100"),
        (['bag', '--start-offset', '-1'], "'-1' is not an offset in seconds"),
        (['bag', '--duration', '0'], "'0' is not a duration in seconds"),
        (['bag', '--timeout', 'nan'], "'nan' is not a time in seconds"),
        (['bag', '--lossless', '--reliability', 'best_effort'], 'leave --reliability out'),
        (['bag', '--wait-for', '/faces'], '--wait-for goes with --lossless'),
        (['bag', '--timeout', '3'], '--timeout goes with --lossless'),
    ],
)
def test_mistakes_on_the_command_line_are_one_line_and_code_2(capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith('face_perception_play: ') and said.count('\n') == 1
    assert words in said


def test_a_bag_of_times_that_no_time_in_ros_can_be(start_tool, tmp_path):
    mcap = pytest.importorskip('mcap.writer', reason='needs mcap, which the extra "offline" has')
    path = tmp_path / 'bag.mcap'
    with path.open('wb') as file:
        writer = mcap.Writer(file)
        writer.start(profile='ros2')
        schema = writer.register_schema('sensor_msgs/msg/Image', 'ros2msg', b'')
        channel = writer.register_channel('/camera', 'cdr', schema)
        for time_ns in (2**64 - 2, 2**64 - 1):  # -2 and -1 with a sign
            writer.add_message(channel, time_ns, bytes(60), time_ns)
        writer.finish()
    with Bag(path) as bag:
        assert [message.received_ns for message in bag.messages()] == [-2, -1]
    player = start_tool('play', path)
    assert player.wait() == 2
    (sentence,) = player.said()
    assert 'recorded before 1970 or after 2038' in sentence
