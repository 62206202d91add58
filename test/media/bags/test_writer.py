"""What is written keeps the language and the encoding that it had."""

import pytest

for name in ('mcap', 'rosbags'):
    pytest.importorskip(name, reason='bags are written with the extra "offline"')

from mcap.reader import make_reader  # noqa: E402
from rosbags.rosbag2 import Reader  # noqa: E402

from face_perception.media.bags.reader import Bag  # noqa: E402
from face_perception.media.bags.recorded import Topic  # noqa: E402
from face_perception.media.bags.writer import BagWriter  # noqa: E402

TOPICS = [
    (Topic('/words', 'std_msgs/msg/String', definition=b'string data', schema='ros2msg'), b'\0\1'),
    (Topic('/bar', 'foo_msgs/msg/Bar', definition=b'struct Bar {};', schema='ros2idl'), b'\0\1\0'),
    (
        Topic('/log', 'foxglove.Log', definition=b'{}', schema='jsonschema', encoding='json'),
        b'{"level": 1}',
    ),
    (
        Topic('/pose', 'Pose', definition=b'\xff\0', schema='protobuf', encoding='protobuf'),
        b'\x08\x01',
    ),
    (Topic('/free', '', encoding='json'), b'[]'),
]


@pytest.fixture
def written(tmp_path):
    """Return a bag with a message of each topic."""
    writer = BagWriter(tmp_path / 'bag')
    for number, (topic, data) in enumerate(TOPICS):
        writer.write(writer.add_topic(topic), number + 5, data)
    files = writer.close()
    assert [path.name for path in files] == ['bag.mcap', 'metadata.yaml']
    return tmp_path / 'bag'


def test_languages_and_encodings_stay(written):
    with (written / 'bag.mcap').open('rb') as file:
        summary = make_reader(file).get_summary()
    found = {
        channel.topic: (channel.message_encoding, summary.schemas.get(channel.schema_id))
        for channel in summary.channels.values()
    }
    for topic, _ in TOPICS:
        encoding, schema = found[topic.name]
        assert encoding == topic.encoding
        if topic.type:
            assert (schema.name, schema.encoding) == (topic.type, topic.schema)
            assert schema.data == topic.definition
        else:
            assert schema is None


def test_it_reads_as_it_was_written(written):
    for path in (written, written / 'bag.mcap'):
        with Bag(path) as bag:
            assert {topic: topic.count for topic in bag.topics} == {topic: 1 for topic, _ in TOPICS}
            assert [(message.received_ns, message.data) for message in bag.messages()] == [
                (number + 5, data) for number, (_, data) in enumerate(TOPICS)
            ]
            assert (bag.span_ns, bag.fault) == ((5, 9), '')


def test_other_readers_of_metadata_see_what_they_understand(tmp_path):
    writer = BagWriter(tmp_path / 'bag')
    for topic, _ in TOPICS[:1]:
        writer.write(writer.add_topic(topic), 7, b'\0\1\0\0')
    writer.close()
    with Reader(tmp_path / 'bag') as reader:
        assert [(one.topic, one.msgcount) for one in reader.connections] == [('/words', 1)]
        assert (reader.start_time, reader.end_time) == (7, 8)


@pytest.mark.parametrize('published_ns', [None, -7])
def test_a_time_before_1970_is_its_beginning(tmp_path, published_ns):
    writer = BagWriter(tmp_path / 'bag')
    writer.write(writer.add_topic(TOPICS[0][0]), -5, b'\0\1', published_ns)
    writer.close()
    with Bag(tmp_path / 'bag') as bag:
        (message,) = bag.messages()
        assert (message.received_ns, message.published_ns) == (0, 0)


def test_when_it_was_published_and_its_number_stay(tmp_path):
    writer = BagWriter(tmp_path / 'bag')
    channel = writer.add_topic(TOPICS[0][0])
    writer.write(channel, 9, b'\0\1', 4, 70)
    writer.write(channel, 10, b'\0\1')
    writer.close()
    with Bag(tmp_path / 'bag') as bag:
        found = [
            (message.received_ns, message.published_ns, message.sequence)
            for message in bag.messages()
        ]
    assert found == [(9, 4, 70), (10, 10, 0)]
