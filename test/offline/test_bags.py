"""Reading recordings: every form that rosbag2 writes, and what is left of broken ones."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from rosbags.rosbag2 import CompressionMode, StoragePlugin  # noqa: E402

from face_perception.media.bags.images import ImageBag  # noqa: E402
from face_perception.media.bags.reader import Bag, is_bag, storage_files  # noqa: E402
from face_perception.media.errors import SourceError  # noqa: E402
from face_perception.offline.readers import open_input  # noqa: E402
from face_perception.offline.run import run_job  # noqa: E402
from face_perception.offline.types import Job  # noqa: E402

MCAP, SQLITE3 = StoragePlugin.MCAP, StoragePlugin.SQLITE3
FORMS = [
    (MCAP, None),
    (MCAP, CompressionMode.STORAGE),
    (MCAP, CompressionMode.FILE),
    (MCAP, CompressionMode.MESSAGE),
    (SQLITE3, None),
    (SQLITE3, CompressionMode.FILE),
    (SQLITE3, CompressionMode.MESSAGE),
]


def frames(path, topics=()):
    """Return the frames of an input, the reasons for those that are missing, and its fault."""
    reader = open_input(path, topics)
    try:
        items = list(reader.items())
    finally:
        reader.close()
    return (
        [item.frame for item in items if item.frame is not None],
        [item.skipped for item in items if item.frame is None],
        reader.fault,
    )


@pytest.mark.parametrize('make', ['image', 'jpeg'])
@pytest.mark.parametrize(('storage', 'compression'), FORMS)
def test_every_form_gives_the_same_frames(make_bag, recorded, scene, storage, compression, make):
    make = getattr(recorded, make)
    path = make_bag(
        recorded.camera('/cam', scene, make) + recorded.chatter(10),
        storage=storage,
        compression=compression,
    )
    found, skipped, fault = frames(path)
    assert (len(found), skipped, fault) == (10, [], '')
    for index, frame in enumerate(found):
        assert (frame.index, frame.topic, frame.frame_id) == (index, '/cam', 'camera')
        assert frame.stamp_ns == recorded.stamp(index)
        assert frame.received_ns == recorded.stamp(index) + 4_000_000
        difference = np.abs(frame.image.astype(int) - scene[index])
        assert difference.max() == 0 if make is recorded.image else difference.mean() < 3


@pytest.mark.parametrize('storage', [MCAP, SQLITE3])
def test_a_lone_file_and_a_folder_without_metadata_are_bags_too(make_bag, recorded, scene, storage):
    path = make_bag(recorded.camera('/cam', scene), storage=storage)
    whole, _, _ = frames(path)
    (path / 'metadata.yaml').unlink()
    for source in (path, *path.iterdir()):
        found, skipped, fault = frames(source)
        assert (len(found), skipped, fault) == (10, [], '')
        assert all((one.image == two.image).all() for one, two in zip(found, whole))
    (file,) = path.iterdir()
    capital = file.rename(file.with_suffix(file.suffix.upper()))  # as some file systems do
    assert [len(frames(source)[0]) for source in (path, capital)] == [10, 10]


def test_the_files_of_a_split_recording_come_in_their_order(tmp_path, make_bag, recorded, scene):
    folder = tmp_path / 'split'
    folder.mkdir()
    for number in (10, 9, 2):
        part = make_bag(recorded.camera('/cam', scene[:1], first=number), f'part{number}')
        shutil.copy(part / f'part{number}.mcap', folder / f'split_{number}.mcap')
    assert [path.name for path in storage_files(folder)] == [
        'split_2.mcap',
        'split_9.mcap',
        'split_10.mcap',
    ]
    found, _, _ = frames(folder)
    assert [frame.stamp_ns for frame in found] == [recorded.stamp(at) for at in (2, 9, 10)]


def test_a_folder_of_several_recordings_is_not_one(tmp_path, make_bag, recorded, scene):
    folder = tmp_path / 'recordings'
    folder.mkdir()
    for name in ('monday', 'tuesday'):
        part = make_bag(recorded.camera('/cam', scene[:1]), name)
        shutil.copy(part / f'{name}.mcap', folder)
    with pytest.raises(SourceError, match=r'several recordings.*recordings/\*\.mcap'):
        open_input(folder)


@pytest.mark.parametrize('share', [0.5, 0.98])
@pytest.mark.parametrize('storage', [MCAP, SQLITE3])
def test_of_a_truncated_bag_all_is_read_that_is_left(make_bag, recorded, storage, share):
    noise = np.random.RandomState(0).randint(0, 256, (40, 240, 320, 3)).astype(np.uint8)
    path = make_bag(recorded.camera('/cam', noise), storage=storage)
    (file,) = storage_files(path)
    size = file.stat().st_size
    with file.open('r+b') as opened:
        opened.truncate(int(share * size))
    for source in (path, file):
        found, skipped, fault = frames(source)
        # But for the chunk or the page of the database in which the cut is.
        assert share * 40 - 10 < len(found) <= share * 40
        assert all((frame.image == image).all() for frame, image in zip(found, noise))
        assert f"'{file.name}' is damaged or was not closed" in fault
        assert f'{len(found)} messages of it can be read' in fault


def damage(file, size=2000, fill=b'\0'):
    """Overwrite a part of a file's middle."""
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + size] = fill * size
    file.write_bytes(data)


def test_a_damaged_chunk_costs_its_own_messages_only(make_bag, recorded, scene):
    path = make_bag(recorded.camera('/cam', scene * 3), compression=CompressionMode.STORAGE)
    (file,) = storage_files(path)
    damage(file)
    found, _, fault = frames(path)
    assert 20 < len(found) < 30
    assert found[-1].stamp_ns == recorded.stamp(29), 'it goes on behind the damage'
    assert f'{30 - len(found)} messages in the midst of it cannot be read' in fault


def split(tmp_path, make_bag, recorded, images, **how):
    """Make a recording of three files, without metadata."""
    folder = tmp_path / 'split'
    folder.mkdir()
    for number in range(3):
        first = number * len(images)
        part = make_bag(recorded.camera('/cam', images, first=first), f'part_{number}', **how)
        (file,) = storage_files(part)
        file.rename(folder / f'split_{number}{"".join(file.suffixes)}')
    return folder


def with_metadata(folder):
    """Write the metadata of a split recording, as far as they say which files belong to it."""
    files = '\n'.join(f'  - {path.name}' for path in storage_files(folder))
    (folder / 'metadata.yaml').write_text(
        f'rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths:\n{files}\n'
    )


@pytest.mark.parametrize('metadata', [False, True])
@pytest.mark.parametrize(
    ('storage', 'compression'), [(MCAP, CompressionMode.STORAGE), (SQLITE3, None)]
)
def test_a_damaged_file_of_a_split_recording_costs_its_own_messages_only(
    tmp_path, make_bag, recorded, scene, storage, compression, metadata
):
    how = {'storage': storage, 'compression': compression}
    folder = split(tmp_path, make_bag, recorded, scene, **how)
    if metadata:
        with_metadata(folder)
        # The recorder noted its last file no more.
        (folder / 'metadata.yaml').write_text(
            (folder / 'metadata.yaml').read_text().rsplit('  - ', 1)[0]
        )
    damage(storage_files(folder)[0], 20_000, b'\xff')
    found, _, fault = frames(folder)
    numbers = [(frame.stamp_ns - recorded.stamp(0)) // 10**8 for frame in found]
    assert numbers[-20:] == list(range(10, 30)) and fault
    if storage == MCAP:
        storage_files(folder)[0].write_bytes(b'nonsense')
    else:
        storage_files(folder)[0].write_bytes(b'')
    found, _, fault = frames(folder)
    assert len(found) == 20 and 'split_0' in fault


@pytest.mark.parametrize('storage', [MCAP, SQLITE3])
def test_a_compressed_recording_that_was_killed_is_read_whole(
    tmp_path, make_bag, recorded, scene, storage
):
    folder = split(
        tmp_path, make_bag, recorded, scene, storage=storage, compression=CompressionMode.FILE
    )
    plain = make_bag(recorded.camera('/cam', scene, first=20), 'plain', storage=storage)
    (last,) = storage_files(plain)
    (folder / f'split_2{last.suffix}').write_bytes(last.read_bytes())
    # The recorder was at compressing the last file.
    packed = folder / f'split_2{last.suffix}.zstd'
    packed.write_bytes(packed.read_bytes()[:100])
    found, _, fault = frames(folder)
    assert (len(found), fault) == (30, '')
    last = folder / f'split_2{last.suffix}'
    last.unlink()
    found, _, fault = frames(folder)
    assert len(found) >= 20 and 'split_2' in fault and 'not complete' in fault


def test_what_was_edited_in_the_metadata_does_not_matter(make_bag, recorded, scene):
    path = make_bag(recorded.camera('/cam', scene))
    metadata = path / 'metadata.yaml'
    text = metadata.read_text()
    for old, new in (
        ('message_count: 10', 'message_count: ":4"'),
        ('depth: 7', 'depth: 9'),
        ('reliability: 2', 'reliability: 1'),
        ('serialization_format: cdr', 'serialization_format: json'),
        ('version: 8', 'version: 99'),
        ('sensor_msgs/msg/Image', 'their_msgs/msg/Other'),
    ):
        assert old in text
        metadata.write_text(text.replace(old, new))
        found, _, fault = frames(path)
        assert (len(found), fault) == (10, ''), new


@pytest.mark.parametrize(
    'text', ['', '{', 'a: b', '- 1', '[' * 5000, 'rosbag2_bagfile_information: 5', '\0', '&a [*a]']
)
def test_metadata_that_are_none_are_named_and_the_files_read(make_bag, recorded, scene, text):
    path = make_bag(recorded.camera('/cam', scene))
    (path / 'metadata.yaml').write_text(text)
    found, _, fault = frames(path)
    assert len(found) == 10 and "'metadata.yaml' cannot be read" in fault and '\n' not in fault


@pytest.mark.parametrize('name', ['run #3', 'is it?', '50%20', 'ä ö', "it's"])
@pytest.mark.parametrize('storage', [MCAP, SQLITE3])
def test_any_name_of_a_folder_will_do(tmp_path, make_bag, recorded, scene, storage, name):
    path = make_bag(recorded.camera('/cam', scene[:2]), storage=storage)
    (tmp_path / name).mkdir()
    path = path.rename(tmp_path / name / 'bag')
    found, _, fault = frames(path)
    assert (len(found), fault) == (2, '')


def write_mcap(path, messages, beside=(), profile='ros2', **how):
    """Write images with the library of MCAP, and channels ``beside`` them, each with a message."""
    from mcap.writer import Writer

    definition = b'uint32 height'
    with path.open('wb') as file:
        writer = Writer(file, **how)
        writer.start(profile=profile)
        schema = writer.register_schema('sensor_msgs/msg/Image', 'ros2msg', definition)
        channel = writer.register_channel('/cam', 'cdr', schema, {})
        others = [
            writer.register_channel(
                name, encoding, writer.register_schema(kind, language, text) if kind else 0, {}
            )
            for name, encoding, kind, language, text, _ in beside
        ]
        for received_ns, data in messages:
            for other, (*_, content) in zip(others, beside):
                writer.add_message(other, received_ns, content, received_ns)
            writer.add_message(channel, received_ns, data, received_ns)
        writer.finish()
    return path


BESIDE = [
    ('/log', 'json', 'foxglove.Log', 'jsonschema', b'{}', b'{"level": 1}'),
    ('/pose', 'protobuf', 'foxglove.Pose', 'protobuf', b'\xff\0', b'\x08\x01'),
    ('/grid', 'flatbuffer', 'foxglove.Grid', 'flatbuffer', b'\0\xfe', b'\x01'),
    ('/free', 'json', '', '', b'', b'[]'),
    ('/idl', 'cdr', 'their_msgs/msg/Bar', 'ros2idl', b'struct Bar', b'\0\1\0\0\1\0\0\0'),
]


@pytest.mark.parametrize('profile', ['ros2', '', 'something'])
@pytest.mark.parametrize('chunks', [True, False])
def test_what_lies_beside_the_images_of_an_mcap_does_not_matter(
    tmp_path, recorded, scene, profile, chunks
):
    entries = [
        (entry.received_ns, recorded.cdr(entry.message)) for entry in recorded.camera('/cam', scene)
    ]
    path = tmp_path / 'drive.mcap'
    how = {'use_chunking': chunks, 'use_summary_offsets': chunks}
    write_mcap(path, entries, BESIDE, profile, **how)
    found, skipped, fault = frames(path)
    assert (len(found), skipped, fault) == (10, [], '')
    with Bag(path) as bag:
        topics = {topic.name: topic for topic in bag.topics}
        for name, encoding, kind, language, text, content in BESIDE:
            topic = topics[name]
            assert (topic.encoding, topic.type, topic.schema) == (encoding, kind, language)
            assert topic.definition == text
            messages = list(bag.messages([topic]))
            assert [message.data for message in messages] == [content] * 10
            assert topic.count == 10


@pytest.mark.parametrize('name', ['NONE', 'LZ4', 'ZSTD'])
def test_every_compression_of_chunks_is_read(tmp_path, recorded, scene, name):
    from mcap.writer import CompressionType

    entries = [
        (entry.received_ns, recorded.cdr(entry.message)) for entry in recorded.camera('/cam', scene)
    ]
    path = write_mcap(tmp_path / 'a.mcap', entries, compression=CompressionType[name])
    found, skipped, fault = frames(path)
    assert (len(found), skipped, fault) == (10, [], '')


def test_a_topic_whose_name_is_no_utf8_costs_nothing(tmp_path, recorded, scene):
    entries = [
        (entry.received_ns, recorded.cdr(entry.message)) for entry in recorded.camera('/cam', scene)
    ]
    path = write_mcap(
        tmp_path / 'a.mcap', entries, [('/strange', *BESIDE[0][1:])], use_chunking=False
    )
    path.write_bytes(path.read_bytes().replace(b'/strange', b'/\xe9\xe8\xff\xfe\x80\x81\x82'))
    found, _, fault = frames(path)
    assert (len(found), fault) == (10, '')


def test_a_message_that_unpacks_to_more_than_any_memory_is_skipped(tmp_path, recorded, scene):
    import resource

    from face_perception.media.bags.compression import zstd

    entries = [
        (entry.received_ns, zstd.compress(recorded.cdr(entry.message)))
        for entry in recorded.camera('/cam', scene)
    ]
    packer = zstd.ZstdCompressor()  # it does not state the size
    bomb = packer.compress(bytes(1 << 29)) + packer.flush()
    entries[4] = entries[4][0], bomb
    path = write_mcap(tmp_path / 'a.mcap', entries)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found, skipped, _ = frames(path)
    assert (len(found), len(skipped)) == (9, 1) and 'damaged' in skipped[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000  # KB


@pytest.mark.parametrize('number', [0, 9])
def test_messages_of_no_topic_are_missed(tmp_path, recorded, scene, number):
    entries = [
        (entry.received_ns, recorded.cdr(entry.message)) for entry in recorded.camera('/cam', scene)
    ]
    path = write_mcap(tmp_path / 'a.mcap', entries, use_chunking=False)
    data = bytearray(path.read_bytes())
    offset = data.index(entries[3][1]) - 22
    data[offset : offset + 2] = bytes([number, 0])
    path.write_bytes(data)
    found, _, fault = frames(path)
    assert len(found) == 9 and 'of its 10 messages 9' in fault


@pytest.mark.parametrize('size', [0, 1, 21])
@pytest.mark.parametrize('chunks', [True, False])
def test_a_message_that_is_shorter_than_its_head_is_damage(tmp_path, recorded, scene, size, chunks):
    import struct

    from mcap.writer import CompressionType

    entries = [
        (entry.received_ns, recorded.cdr(entry.message)) for entry in recorded.camera('/cam', scene)
    ]
    how = {'use_chunking': chunks, 'compression': CompressionType.NONE}
    path = write_mcap(tmp_path / 'a.mcap', entries, enable_crcs=False, **how)
    data = bytearray(path.read_bytes())
    offset = data.index(entries[9][1]) - 22 - 8
    struct.pack_into('<Q', data, offset, size)
    path.write_bytes(data)
    found, _, fault = frames(path)
    # A chunk is of a megabyte, which five images fill.
    assert len(found) == (5 if chunks else 9) and 'is none' in fault


@pytest.mark.parametrize('change', ['timestamp = NULL', 'data = NULL', "data = 'text'"])
def test_a_row_of_nothing_is_missed(make_bag, recorded, scene, change):
    import sqlite3

    path = make_bag(recorded.camera('/cam', scene[:4]), storage=SQLITE3)
    (file,) = storage_files(path)
    with sqlite3.connect(file) as database:
        table = 'SELECT id, topic_id, timestamp, data FROM messages'
        database.execute(f'CREATE TABLE loose AS {table}')
        database.execute('DROP TABLE messages')
        database.execute('ALTER TABLE loose RENAME TO messages')
        database.execute(f'UPDATE messages SET {change} WHERE id = 2')
    database.close()
    found, _, fault = frames(path)
    assert len(found) == 3 and 'damaged' in fault
    with Bag(path) as bag:
        assert bag.span_ns


def test_messages_of_overlapping_chunks_come_by_their_time(tmp_path, recorded, scene):
    entries = [
        (entry.received_ns, recorded.cdr(entry.message)) for entry in recorded.camera('/cam', scene)
    ]
    path = tmp_path / 'drive.mcap'
    write_mcap(path, entries[::2] + entries[1::2], chunk_size=1)
    found, _, fault = frames(path)
    assert fault == ''
    assert [frame.received_ns for frame in found] == [received_ns for received_ns, _ in entries]


def test_messages_of_the_same_time_come_as_they_were_recorded(
    tmp_path, recorded, scene, monkeypatch
):
    from face_perception.media.bags.mcap_records import Chunk

    opened, records = [], Chunk.records
    monkeypatch.setattr(
        Chunk, 'records', lambda chunk, packed: opened.append(chunk) or records(chunk, packed)
    )
    entries = recorded.camera('/cam', scene)
    path = write_mcap(
        tmp_path / 'a.mcap', [(5, recorded.cdr(one.message)) for one in entries], chunk_size=1
    )
    found, _, fault = frames(path)
    assert fault == ''
    assert [frame.stamp_ns for frame in found] == [recorded.stamp(index) for index in range(10)]
    with Bag(path) as bag:
        opened.clear()
        next(bag.messages())
        assert len(opened) == 1, 'few are in memory at a time'


def test_a_chunk_that_goes_back_in_time_comes_before_others_of_its_end(tmp_path, recorded, scene):
    data = [recorded.cdr(entry.message) for entry in recorded.camera('/cam', scene[:4])]
    path = write_mcap(
        tmp_path / 'a.mcap', list(zip((5, 6, 3, 5), data)), chunk_size=2 * len(data[0])
    )
    found, _, _ = frames(path)
    assert [frame.stamp_ns for frame in found] == [recorded.stamp(at) for at in (2, 0, 3, 1)]


def test_a_bag_that_unpacks_to_more_than_any_memory_is_refused(tmp_path, recorded):
    import struct

    from face_perception.media.bags.compression import zstd

    packed = zstd.compress(bytes(1 << 30))
    head = struct.pack('<QQQI', 0, 1, 1 << 30, 0) + struct.pack('<I', 4) + b'zstd'
    chunk = head + struct.pack('<Q', len(packed)) + packed
    path = tmp_path / 'bomb.mcap'
    path.write_bytes(b'\x89MCAP0\r\n' + b'\x06' + struct.pack('<Q', len(chunk)) + chunk)
    with pytest.raises(SourceError, match='no topic|no bag'):
        open_input(path)


def test_a_packed_file_that_holds_no_bag_does_not_fill_the_disk(tmp_path):
    from face_perception.media.bags import compression

    packer = compression.zstd.ZstdCompressor()
    path, unpacked = tmp_path / 'bomb.mcap.zstd', tmp_path / 'unpacked'
    path.write_bytes(packer.compress(bytes(1 << 26)) + packer.flush())
    assert compression.unpack_file(path, unpacked) == 'what is compressed is no bag'
    assert unpacked.stat().st_size == 0
    with pytest.raises(SourceError, match='what is compressed is no bag'):
        Bag(path)


def test_times_that_are_no_numbers_lose_their_messages_only(make_bag, recorded):
    import sqlite3

    path = make_bag(recorded.chatter(10), storage=SQLITE3)
    (file,) = storage_files(path)
    with Bag(path) as bag:
        span = bag.span_ns
    with sqlite3.connect(file) as database:
        database.execute("UPDATE messages SET timestamp = 'noon' WHERE id = 4")
        database.execute('UPDATE messages SET timestamp = 0.5 WHERE id = 5')
    database.close()
    with Bag(path) as bag:
        assert len(list(bag.messages())) == 8
        assert bag.span_ns == span
        assert 'rows without data' in bag.fault or 'not all messages' in bag.fault


def test_an_sqlite_file_without_the_end_of_its_index_loses_nothing(make_bag, recorded):
    path = make_bag(recorded.chatter(10), storage=SQLITE3)
    (file,) = storage_files(path)
    data = file.read_bytes()
    # The index on the time is in the last page.
    for left, words in (
        (data[:-4000], 'shorter than it states'),
        (data[:-4096] + bytes(4096), 'was not closed'),
        (data[:-4096] + data[-4096:-4093] + bytes(4093), 'not all messages'),
    ):
        file.write_bytes(left)
        with Bag(path) as bag:
            assert len(list(bag.messages())) == 10
            assert words in bag.fault


@pytest.mark.parametrize('lost', [(5,), (5, 6), (0,), (9,), (2, 4, 6), range(10)])
def test_a_damaged_row_costs_no_other(make_bag, recorded, lost):
    images = [np.full((100, 100, 3), 10 * index + 7, np.uint8) for index in range(10)]
    path = make_bag(recorded.camera('/cam', images) + recorded.chatter(2), storage=SQLITE3)
    (file,) = storage_files(path)
    data = bytearray(file.read_bytes())
    for index in lost:
        # The second of an image's pages says that the next one is where there is none.
        page = data.index(bytes([10 * index + 7]) * 4000) // 4096 * 4096
        page += 4096 * (data[page + 4 : page + 8] != bytes([10 * index + 7]) * 4)
        data[page : page + 4] = (10**8).to_bytes(4, 'big')
    file.write_bytes(data)
    left = [index for index in range(10) if index not in lost]
    with Bag(path) as bag:
        (images,) = [topic for topic in bag.topics if topic.name == '/cam']
        found = [message.received_ns for message in bag.messages([images])]
        assert found == [recorded.stamp(index) + 4_000_000 for index in left]
        assert f'{len(left) + 2} messages of it can be read' in bag.fault


@pytest.mark.parametrize('link', [(), ('bag.db3',), ('bag.db3', 'bag.db3-wal')])
def test_the_newest_messages_of_a_killed_sqlite_recording_are_read(
    tmp_path, make_bag, recorded, scene, link
):
    import shutil as files
    import sqlite3

    path = make_bag(recorded.camera('/cam', scene[:5]), storage=SQLITE3)
    (file,) = storage_files(path)
    database = sqlite3.connect(file)
    database.execute('PRAGMA journal_mode = WAL')
    message = recorded.cdr(recorded.image(scene[5], recorded.stamp(5)))
    database.execute(
        'INSERT INTO messages (topic_id, timestamp, data) VALUES (1, ?, ?)',
        (recorded.stamp(5), message),
    )
    database.commit()
    copy = tmp_path / 'copy'
    files.copytree(path, copy)
    database.close()
    for number, name in enumerate(link):  # each to a place of its own
        kept = tmp_path / f'{number}' / f'{number}'
        kept.parent.mkdir()
        (copy / name).rename(kept)
        (copy / name).symlink_to(kept)
    if link == ('bag.db3',):
        (copy / 'bag.db3-wal').rename(tmp_path / '0' / '0-wal')
    found, _, fault = frames(copy)
    assert (len(found), fault) == (6, '')


def test_images_that_cannot_be_used_are_counted_and_named(make_bag, recorded, scene):
    entries = recorded.camera('/cam', scene[:6])
    entries[1].message.encoding = 'bgr9'
    entries[2].message.data = entries[2].message.data[:100]
    entries[4].message.width = 0
    found, skipped, fault = frames(make_bag(entries))
    assert [frame.index for frame in found] == [0, 3, 5] and fault == ''
    assert [
        "/cam: an image with the unknown encoding 'bgr9'" in skipped[0],
        '100 bytes of data' in skipped[1],
        '0x240 pixels' in skipped[2],
    ] == [True] * 3


def test_a_depth_topic_beside_the_camera_is_skipped(make_bag, recorded, scene):
    def depth(image, stamp_ns):
        return recorded.image(image[:, :, 0].astype(np.uint16), stamp_ns, '16UC1')

    path = make_bag(
        recorded.camera('/cam', scene[:3]) + recorded.camera('/depth', scene[:3], depth)
    )
    found, skipped, _ = frames(path)
    assert [frame.topic for frame in found] == ['/cam'] * 3
    assert len(skipped) == 3 and all('depth image' in reason for reason in skipped)
    found, skipped, _ = frames(path, ('/cam',))
    assert len(found) == 3 and not skipped


def test_topics_are_chosen_and_counted_apart(make_bag, recorded, scene):
    path = make_bag(
        recorded.camera('/left', scene[:4])
        + recorded.camera('/right', scene[4:7])
        + recorded.camera('/face_perception/image_annotated', scene[:2])
    )
    found, _, _ = frames(path)
    assert [(frame.topic, frame.index) for frame in found] == [
        ('/left', 0),
        ('/right', 0),
        ('/left', 1),
        ('/right', 1),
        ('/left', 2),
        ('/right', 2),
        ('/left', 3),
    ], 'what a node has drawn is no input'
    found, _, _ = frames(path, ('/right',))
    assert [frame.topic for frame in found] == ['/right'] * 3
    found, _, _ = frames(path, ('/face_perception/image_annotated',))
    assert len(found) == 2, 'unless it is asked for'


@pytest.mark.parametrize(
    ('topics', 'words'),
    [
        (('/nothing',), r"no images on the topic '/nothing'.*/cam \(sensor_msgs/msg/Image\)"),
        (('/chatter',), r"no images on the topic '/chatter'.*/chatter \(std_msgs/msg/String\)"),
    ],
)
def test_a_topic_that_cannot_be_had_is_named(make_bag, recorded, scene, topics, words):
    path = make_bag(recorded.camera('/cam', scene[:1]) + recorded.chatter(1))
    with pytest.raises(SourceError, match=words):
        open_input(path, topics)


def test_topics_are_those_of_bags_only(make_video, scene):
    found, _, _ = frames(make_video(scene[:2]), ('/cam',))
    assert len(found) == 2


def test_a_bag_without_images_is_refused(make_bag, recorded):
    with pytest.raises(SourceError, match='no topic of the type .*/chatter'):
        open_input(make_bag(recorded.chatter(3)))


def test_a_bag_of_drawings_only_says_how_they_are_looked_at_all_the_same(make_bag, recorded, scene):
    path = make_bag(recorded.camera('/face_perception/image_annotated', scene[:1]))
    with pytest.raises(SourceError, match=r'\(/face_perception/image_annotated\): name .* --topic'):
        open_input(path)


def test_the_rate_is_that_of_the_messages(make_bag, recorded, scene):
    path = make_bag(recorded.camera('/cam', scene))
    with Bag(path) as bag:
        assert bag.rate(bag.topics[0]) == pytest.approx(10)
        assert [message.received_ns for message in bag.messages()] == [
            recorded.stamp(index) + 4_000_000 for index in range(10)
        ], 'read again from the front'


@pytest.mark.parametrize(
    ('name', 'data', 'words'),
    [
        ('a.mcap', b'', 'is empty'),
        ('a.mcap', b'nonsense' * 9, 'File magic is invalid'),
        ('a.db3', b'nonsense' * 99, 'file is not a database'),
        ('a.mcap.zstd', b'data', 'give its folder'),
        ('a.bag', b'#ROSBAG V2.0\n', 'bag of ROS 1.*rosbags-convert'),
        ('a.mp4', b'', 'is empty'),
        ('a.mp4', b'nonsense', 'no video or image'),
        ('missing.mp4', None, 'does not exist'),
        ('no*thing', None, "nothing matches '.*no.thing'"),
    ],
)
def test_what_is_no_input_is_refused_with_its_reason(tmp_path, name, data, words):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=words) as caught:
        open_input(tmp_path / name)
    assert '\n' not in str(caught.value)


def test_a_folder_is_a_bag_whatever_its_ending(make_bag, recorded, scene):
    found, _, _ = frames(make_bag(recorded.camera('/cam', scene[:2]), 'run.bag'))
    assert len(found) == 2


@pytest.mark.parametrize('text', ['title: holidays\n', ''])
def test_images_beside_metadata_of_something_else_are_no_bag(tmp_path, text):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((20, 20, 3), np.uint8))
    (tmp_path / 'metadata.yaml').write_text(text)
    found, skipped, fault = frames(tmp_path)
    assert (len(found), skipped, fault) == (1, [], '')


@pytest.mark.parametrize('text', ['title: holidays\n', 'rosbag2_bagfile_information: ', ''])
def test_metadata_of_which_alone_is_left_are_said_to_be_none(tmp_path, text):
    (tmp_path / 'metadata.yaml').write_text(text)
    with pytest.raises(SourceError, match=r"no bag that can be read: 'metadata\.yaml' cannot"):
        open_input(tmp_path)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, 'Permission denied', str(folder))

    monkeypatch.setattr(Path, 'iterdir', refuse)  # the superuser may read all
    assert not is_bag(tmp_path)
    monkeypatch.setattr(os, 'access', lambda path, mode: not mode & os.X_OK)
    for opened in (open_input, ImageBag):
        with pytest.raises(
            SourceError, match=f"folder '{tmp_path}' cannot be read: check its perm"
        ):
            opened(tmp_path)
    report = run_job(Job(tmp_path, tmp_path / 'out', ('table',)))
    assert report.state == 'failed' and 'check its permissions' in report.reason


def test_a_bag_whose_files_are_gone_says_which(make_bag, recorded):
    path = make_bag(recorded.chatter(3))
    (path / 'bag.mcap').unlink()
    with pytest.raises(SourceError, match=r'files are missing.*bag\.mcap'):
        open_input(path)
