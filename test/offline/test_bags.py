"""Reading recordings: every form that rosbag2 writes, and what is left of broken ones."""

import shutil

import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from rosbags.rosbag2 import CompressionMode, StoragePlugin  # noqa: E402

from face_perception.media.bags.reader import Bag, storage_files  # noqa: E402
from face_perception.media.errors import SourceError  # noqa: E402
from face_perception.offline.readers import open_input  # noqa: E402

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
        difference = np.abs(frame.picture.astype(int) - scene[index])
        assert difference.max() == 0 if make is recorded.image else difference.mean() < 3


@pytest.mark.parametrize('storage', [MCAP, SQLITE3])
def test_a_lone_file_and_a_folder_without_metadata_are_bags_too(make_bag, recorded, scene, storage):
    path = make_bag(recorded.camera('/cam', scene), storage=storage)
    whole, _, _ = frames(path)
    (path / 'metadata.yaml').unlink()
    for source in (path, *path.iterdir()):
        found, skipped, fault = frames(source)
        assert (len(found), skipped, fault) == (10, [], '')
        assert all((one.picture == two.picture).all() for one, two in zip(found, whole))


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
        assert all((frame.picture == picture).all() for frame, picture in zip(found, noise))
        assert f"'{file.name}' is damaged or was not closed" in fault
        assert f'{len(found)} messages of it can be read' in fault


def test_a_damaged_chunk_ends_the_reading_with_its_reason(make_bag, recorded, scene):
    path = make_bag(recorded.camera('/cam', scene * 3), compression=CompressionMode.STORAGE)
    (file,) = storage_files(path)
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    file.write_bytes(data)
    found, _, fault = frames(path)
    assert 0 < len(found) < 30
    assert f'breaks off after {len(found)} of the messages' in fault


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
    def depth(picture, stamp_ns):
        return recorded.image(picture[:, :, 0].astype(np.uint16), stamp_ns, '16UC1')

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


def test_a_bag_whose_files_are_gone_says_which(make_bag, recorded):
    path = make_bag(recorded.chatter(3))
    (path / 'bag.mcap').unlink()
    with pytest.raises(SourceError, match=r'files are missing.*bag\.mcap'):
        open_input(path)
