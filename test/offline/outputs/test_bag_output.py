"""The bag that is written: the source's messages as they were, and ours beside them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from rosbags.highlevel import AnyReader  # noqa: E402
from rosbags.rosbag2 import Reader, StoragePlugin  # noqa: E402
from rosbags.typesys import get_types_from_msg  # noqa: E402

from face_perception import FacePipeline  # noqa: E402
from face_perception.core.resources import share_directory  # noqa: E402
from face_perception.core.types import FrameResult  # noqa: E402
from face_perception.media.bags.reader import Bag  # noqa: E402
from face_perception.media.bags.recorded import Topic  # noqa: E402
from face_perception.media.bags.writer import BagWriter  # noqa: E402
from face_perception.offline.outputs.bag_messages import (  # noqa: E402
    FACE,
    FACES,
    IMAGE,
    LATENCY,
    Messages,
)
from face_perception.offline.outputs.bag_output import BagOutput, free_name  # noqa: E402
from face_perception.offline.run import run_job  # noqa: E402
from face_perception.offline.types import Frame, Job  # noqa: E402


@pytest.fixture
def annotate(tmp_path):
    """Make the bag of a source; return its folder."""

    def run(source, **options):
        report = run_job(Job(source, tmp_path / 'out' / source.name, ('bag',), **options))
        assert report.state == 'done', report.reason
        return report.files[0].parent

    return run


def messages_of(path):
    """Return topic -> [(time of receipt, message)], and topic -> connection."""
    found, connections = {}, {}
    with AnyReader([Path(path)]) as reader:
        for connection in reader.connections:
            found[connection.topic], connections[connection.topic] = [], connection
        latest = 0
        for connection, received_ns, data in reader.messages():
            assert received_ns >= latest, 'in the order of their receipt'
            latest = received_ns
            found[connection.topic].append(
                (received_ns, reader.deserialize(data, connection.msgtype))
            )
    return found, connections


def raw_messages_of(path):
    with Reader(path) as reader:
        return [
            (connection.topic, received_ns, bytes(data))
            for connection, received_ns, data in reader.messages()
        ]


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_the_messages_of_the_source_are_copied_as_they_are(
    make_bag, recorded, scene, annotate, storage
):
    source = make_bag(recorded.camera('/cam', scene) + recorded.chatter(12), storage=storage)
    bag = annotate(source)
    copied = [
        message
        for message in raw_messages_of(bag)
        if not message[0].startswith('/face_perception/')
    ]
    assert copied == raw_messages_of(source)
    with Reader(source) as old, Reader(bag) as new:
        new = {connection.topic: connection for connection in new.connections}
        for connection in old.connections:
            copy = new[connection.topic]
            assert copy.ext.offered_qos_profiles == [recorded.qos]
            assert (copy.msgtype, copy.msgdef, copy.digest, copy.msgcount) == (
                connection.msgtype,
                connection.msgdef,
                connection.digest,
                connection.msgcount,
            )


def test_our_messages_say_what_the_pipeline_says(make_bag, recorded, scene, annotate):
    found, connections = messages_of(annotate(make_bag(recorded.camera('/cam', scene))))
    assert {topic: connection.msgtype for topic, connection in connections.items()} == {
        '/cam': 'sensor_msgs/msg/Image',
        '/face_perception/faces': FACES,
        '/face_perception/latency': LATENCY,
        '/face_perception/image_annotated/compressed': 'sensor_msgs/msg/CompressedImage',
    }
    pipeline = FacePipeline.load()
    latencies = found['/face_perception/latency']
    seen = 0
    for index, (received_ns, message) in enumerate(found['/face_perception/faces']):
        assert received_ns == found['/cam'][index][0]
        assert message.header == found['/cam'][index][1].header
        assert (message.image_width, message.image_height) == (320, 240)
        expected = pipeline(scene[index], recorded.stamp(index) / 1e9)
        assert len(message.faces) == len(expected.faces) == latencies[index][1].faces
        for face, wanted in zip(message.faces, expected.faces):
            seen += 1
            box = wanted.box
            assert (face.roi.x_offset, face.roi.y_offset, face.roi.width, face.roi.height) == (
                box.x,
                box.y,
                box.width,
                box.height,
            )
            assert (face.track_id, face.emotion) == (wanted.track_id, wanted.emotion.label)
            assert face.score == np.float32(wanted.score)
            assert face.gender == {'female': 1, 'male': 2, '': 0}[wanted.gender.label]
            assert np.array_equal(face.emotion_probabilities, wanted.emotion.probabilities)
            assert np.array_equal(face.emotion_probabilities_raw, wanted.emotion_raw.probabilities)
            assert np.array_equal(face.gender_probabilities_raw, wanted.gender_raw.probabilities)
        latency = latencies[index][1]
        assert latency.header == message.header and latency.frames_processed == index + 1
        stages = [
            getattr(latency, name).nanosec for name in ('decode', 'detect', 'track', 'classify')
        ]
        assert min(stages) > 0
        assert abs(sum(stages) - latency.processing.nanosec) < 10
    assert index == 9 and seen >= 8


def test_our_types_are_those_that_ros_generates():
    store = Messages().store
    for kind in (FACE, FACES, LATENCY):
        generated = share_directory() / 'msg' / f'{kind.rsplit("/", 1)[1]}.json'
        if not generated.is_file():
            pytest.skip('this ROS 2 generates no type hashes (Humble)')
        hashes = {
            entry['type_name']: entry['hash_string']
            for entry in json.loads(generated.read_text())['type_hashes']
        }
        assert store.hash_rihs01(kind) == hashes[kind]


def test_each_of_several_image_topics_has_its_own_results(make_bag, recorded, scene, annotate):
    source = make_bag(
        recorded.camera('/left/image', scene[:4])
        + recorded.camera('/right/image', scene[4:7], recorded.jpeg)
    )
    found, _ = messages_of(annotate(source))
    for topic, count in (('/left/image', 4), ('/right/image', 3)):
        faces = found[f'{topic}/face_perception/faces']
        assert len(faces) == len(found[f'{topic}/face_perception/latency']) == count
        assert [received_ns for received_ns, _ in faces] == [
            received_ns for received_ns, _ in found[topic]
        ]
        assert faces[0][1].faces[0].track_id == '1', 'faces are followed apart'


@pytest.mark.parametrize(
    ('kind', 'topic'),
    [
        ('jpeg', '/face_perception/image_annotated/compressed'),
        ('raw', '/face_perception/image_annotated'),
        ('none', None),
    ],
)
def test_the_annotated_images(make_bag, recorded, scene, annotate, kind, topic):
    found, _ = messages_of(annotate(make_bag(recorded.camera('/cam', scene[:3])), annotated=kind))
    assert [name for name in found if 'annotated' in name] == ([topic] if topic else [])
    for index, (_, message) in enumerate(found.get(topic, [])):
        assert message.header.frame_id == 'camera'
        image = (
            cv2.imdecode(message.data, cv2.IMREAD_COLOR)
            if kind == 'jpeg'
            else message.data.reshape(240, 320, 3)
        )
        changed = np.abs(image.astype(int) - scene[index]).max(axis=2) > 60
        assert 0.001 < changed.mean() < 0.2, 'a box and a label are drawn'


def test_results_that_a_node_recorded_stay_and_ours_have_another_name(
    make_bag, recorded, scene, annotate
):
    live = recorded.entry('/face_perception/faces', recorded.text('live'), recorded.stamp(0))
    found, _ = messages_of(annotate(make_bag([*recorded.camera('/cam', scene[:2]), live])))
    assert found['/face_perception/faces'][0][1].data == 'live'
    assert len(found['/face_perception_offline/faces']) == 2
    assert free_name(['/face_perception/faces', '/face_perception_offline/latency']) == (
        'face_perception_offline_offline'
    )


def test_a_topic_without_a_definition_is_copied_all_the_same(make_bag, recorded, scene, annotate):
    import sqlite3

    source = make_bag(
        recorded.camera('/cam', scene[:2]) + recorded.chatter(2), storage=StoragePlugin.SQLITE3
    )
    # As Humble writes: no definitions, no hashes, and here a type that nobody knows.
    with sqlite3.connect(source / 'bag.db3') as database:
        database.execute(
            "UPDATE topics SET type = 'their_msgs/msg/Thing', "
            "type_description_hash = '' WHERE name = '/chatter'"
        )
        database.execute('DELETE FROM message_definitions')
    metadata = (source / 'metadata.yaml').read_text()
    (source / 'metadata.yaml').write_text(
        metadata.replace('std_msgs/msg/String', 'their_msgs/msg/Thing')
    )
    bag = annotate(source)
    assert [data for topic, _, data in raw_messages_of(bag) if topic == '/chatter'] == [
        recorded.cdr(recorded.text(f'hello {index}')) for index in range(2)
    ]
    with Reader(bag) as reader:
        types = {connection.topic: connection for connection in reader.connections}
    assert types['/chatter'].msgtype == 'their_msgs/msg/Thing'
    assert 'uint8[] data' in types['/cam'].msgdef.data, 'a type of ROS 2 itself gets its own'


def test_anonymized_no_image_is_copied_as_it_was(tmp_path, make_bag, recorded, scene):
    video = 'foxglove_msgs/msg/CompressedVideo'
    recorded.store.register(get_types_from_msg('uint8[] data', video))
    source = make_bag(
        recorded.camera('/cam', scene[:4])
        + recorded.camera('/jpegs', scene[:4], recorded.jpeg)
        + recorded.camera('/other', scene[:4])
        + recorded.chatter(3)
        + [
            recorded.entry(
                '/video', recorded.store.types[video](np.ones(9, np.uint8)), recorded.stamp(0)
            )
        ]
    )
    folder = tmp_path / 'out'
    folder.mkdir()
    output = BagOutput(folder, ('/cam', '/jpegs'), Bag(source), 'none', anonymized=True)
    black = np.zeros_like(scene[0])
    for index in (0, 1, 3):  # the third could not be used
        for topic in ('/cam', '/jpegs'):
            output.add(
                Frame(
                    black,
                    index,
                    recorded.stamp(index),
                    topic,
                    'camera',
                    received_ns=recorded.stamp(index) + 4_000_000,
                ),
                FrameResult(320, 240),
            )
    output.close()
    found, connections = messages_of(folder / 'bag')
    assert not {'/other', '/video'} & set(connections), 'nobody looked at them for faces'
    assert len(found['/chatter']) == 3
    for topic in ('/cam', '/jpegs'):
        assert [message.header.stamp.nanosec for _, message in found[topic]] == [
            recorded.stamp(index) % 10**9 for index in (0, 1, 3)
        ]
    assert all(not message.data.any() for _, message in found['/cam'])
    assert all(
        cv2.imdecode(message.data, cv2.IMREAD_COLOR).max() < 8 for _, message in found['/jpegs']
    )


WITHIN = b'Inner[] one\n' + b'=' * 80 + b'\nMSG: their_msgs/Inner\nsensor_msgs/%s[<=3] some\n'


def described(definition, schema='ros2msg', **how):
    return Topic('/thing', 'their_msgs/msg/Thing', definition=definition, schema=schema, **how)


@pytest.mark.parametrize(
    ('topic', 'copied'),
    [
        (Topic('/info', 'sensor_msgs/msg/CameraInfo'), True),
        (Messages().topic('/recorded/faces', FACES), True),
        (described(b'# of an image\nuint32 image_width  # of the image'), True),
        (described(WITHIN % b'Imu'), True),
        (described(WITHIN % b'Image'), False),
        (described(WITHIN % b'CompressedImage'), False),
        (described(b'foxglove_msgs/CompressedVideo video'), False),
        (described(b'their_msgs/Unknown one'), False),
        (described(b'no definition'), False),
        (described(b''), False),
        (described(b'struct Thing { float x; };', 'ros2idl'), True),
        (described(b'struct Thing { sensor_msgs::msg::Image image; };', 'ros2idl'), False),
        (described(b'\xff\0foxglove.RawImage', 'protobuf', encoding='protobuf'), False),
        (described(b'{}', 'jsonschema', encoding='json'), True),
        (Topic('/free', '', encoding='json'), False),
        (Topic('/cam', 'foxglove_msgs/msg/CompressedVideo'), False),
        (Topic('/cam', IMAGE, encoding='json'), False),
    ],
)
def test_anonymized_what_may_hold_an_image_is_left_out(tmp_path, topic, copied):
    writer = BagWriter(tmp_path / 'source')
    for recorded in (Topic('/cam', IMAGE), topic):
        writer.write(writer.add_topic(recorded), 5, b'\0\1\0\0')
    writer.close()
    output = BagOutput(tmp_path, ('/cam',), Bag(tmp_path / 'source'), 'none', anonymized=True)
    output.close()
    with Bag(tmp_path / 'bag') as bag:
        assert (topic in bag.topics) is copied
        assert [message.topic for message in bag.messages()] == [topic] * copied


def test_what_cannot_be_copied_is_told(tmp_path, make_bag, recorded, scene):
    import sqlite3

    source = make_bag(
        recorded.camera('/cam', scene[:2]) + recorded.chatter(3), storage=StoragePlugin.SQLITE3
    )
    with sqlite3.connect(source / 'bag.db3') as database:
        # The last of '/chatter'.
        database.execute("UPDATE messages SET data = 'text' WHERE id = 5")
    database.close()
    report = run_job(Job(source, tmp_path / 'out' / 'images', ('table',)))
    assert (report.state, report.reason) == ('done', ''), 'the images are whole'
    report = run_job(Job(source, tmp_path / 'out' / 'all', ('bag', 'table')))
    assert (report.state, report.frames) == ('failed', 2)
    assert report.reason == "'bag.db3' is damaged: it has rows without data"
    copied = raw_messages_of(tmp_path / 'out' / 'all' / 'bag')
    assert [topic for topic, *_ in copied if topic in ('/cam', '/chatter')] == [
        '/chatter',
        '/cam',
        '/chatter',
        '/cam',
    ]


@pytest.mark.parametrize('anonymize', ['', 'blur'])
def test_when_a_message_was_published_and_its_number_stay(
    tmp_path, recorded, scene, annotate, anonymize
):
    writer = BagWriter(tmp_path / 'drive')
    for topic, kind, make in (
        ('/cam', IMAGE, lambda number: recorded.image(scene[number], recorded.stamp(number))),
        ('/words', 'std_msgs/msg/String', lambda number: recorded.text(str(number))),
    ):
        channel = writer.add_topic(Topic(topic, kind))
        for number in range(3):
            received_ns = recorded.stamp(number)
            data = recorded.cdr(make(number))
            writer.write(channel, received_ns, data, received_ns - 40 - number, 7 + number)
    writer.close()
    with Bag(annotate(tmp_path / 'drive', anonymize=anonymize)) as bag:
        for name in ('/cam', '/words'):
            assert [
                (message.received_ns - message.published_ns, message.sequence)
                for message in bag.messages()
                if message.topic.name == name
            ] == [(40, 7), (41, 8), (42, 9)]


def test_a_video_becomes_a_bag_with_results_only(make_video, scene, annotate):
    found, _ = messages_of(annotate(make_video(scene)))
    assert {topic: len(entries) for topic, entries in found.items()} == {
        f'/face_perception/{name}': 10
        for name in ('faces', 'latency', 'image_annotated/compressed')
    }
    assert [message.header.stamp.nanosec for _, message in found['/face_perception/faces']] == [
        pytest.approx(100_000_000 * index, abs=1_000_000) for index in range(10)
    ]
