"""Bags of every storage and compression, and those that are none."""

import sys

import pytest

pytest.importorskip('rosbags', reason='needs rosbags, which comes with rosbags-image')

from face_perception.media.bags.images import ImageBag  # noqa: E402
from face_perception.media.errors import SourceError  # noqa: E402

STORAGES = [
    (storage, compression)
    for storage, compressions in (
        ('sqlite3', ('none', 'file', 'message')),
        ('mcap', ('none', 'file', 'message', 'storage')),
    )
    for compression in compressions
]


def refused(path, topics=()):
    """Return the sentence with which a bag is refused."""
    with pytest.raises(SourceError) as fault, ImageBag(path, topics) as bag:
        list(bag.images())
    sentence = str(fault.value)
    assert '\n' not in sentence
    return sentence


@pytest.mark.parametrize('storage, compression', STORAGES)
def test_images_come_as_recorded_from_every_storage(make_bag, storage, compression):
    bag = make_bag(storage=storage, compression=compression)
    with ImageBag(bag.path) as opened:
        assert opened.types == {
            '/camera/image_raw': 'sensor_msgs/msg/Image',
            '/other/image/compressed': 'sensor_msgs/msg/CompressedImage',
        }
        images = list(opened.images())
        assert [(image.topic, image.time_ns, image.data) for image in images] == bag.images
        assert opened.start_ns == bag.images[0][1]
        assert list(opened.images(bag.images[3][1], bag.images[6][1])) == images[3:6]
        assert list(opened.images()) == images, 'it can be read again'


@pytest.mark.parametrize('suffix, storage', [('db3', 'sqlite3'), ('mcap', 'mcap')])
def test_a_single_file_is_a_bag_too(make_bag, suffix, storage):
    bag = make_bag(storage=storage)
    with ImageBag(bag.path / f'{bag.path.name}.{suffix}') as opened:
        assert len(list(opened.images())) == len(bag.images)


def test_topics_limit_it(make_bag):
    bag = make_bag()
    with ImageBag(bag.path, ['/camera/image_raw']) as opened:
        assert {image.topic for image in opened.images()} == {'/camera/image_raw'}


def test_what_is_no_bag_is_said(tmp_path, make_bag):
    assert f"there is no bag '{tmp_path}/none'" in refused(tmp_path / 'none')
    assert 'it has no metadata.yaml' in refused(tmp_path)
    (tmp_path / 'old.bag').write_bytes(b'#ROSBAG V2.0\n')
    assert 'is a bag of ROS 1: convert it first' in refused(tmp_path / 'old.bag')
    (tmp_path / 'film.mp4').write_bytes(b'film')
    assert 'cannot be read' in refused(tmp_path / 'film.mp4')
    metadata = make_bag().path / 'metadata.yaml'
    for text in ('', '{', 'rosbag2_bagfile_information: {version: 99}', 'a: b'):
        metadata.write_text(text)
        assert 'cannot be read' in refused(metadata.parent)


def test_topics_that_are_missing_or_no_images_are_said_with_those_there_are(make_bag):
    path = make_bag().path
    images = 'its image topics are /camera/image_raw, /other/image/compressed'
    said = refused(path, ['/camera'])
    assert "has no topic '/camera'" in said and images in said
    said = refused(path, ['/camera/image_raw', '/words'])
    assert "'/words' of the bag" in said and 'std_msgs/msg/String' in said and images in said


def test_of_two_types_on_one_topic_the_images_are_given(tmp_path):
    pytest.importorskip('mcap', reason='the bag is written with it')
    from face_perception.media.bags.recorded import Topic
    from face_perception.media.bags.writer import BagWriter

    writer = BagWriter(tmp_path / 'bag')
    for kind in ('CompressedImage', 'Image', 'CompressedImage'):
        channel = writer.add_topic(Topic('/cam', f'sensor_msgs/msg/{kind}', schema='ros2msg'))
        writer.write(channel, 5, kind.encode())
    writer.close()
    with ImageBag(tmp_path / 'bag') as bag:
        assert bag.types == {'/cam': 'sensor_msgs/msg/Image'}
        assert [image.data for image in bag.images()] == [b'Image']
        assert len(bag.left_out) == 1 and '2 messages' in bag.left_out[0]


def test_a_bag_without_images_is_said(make_bag):
    assert 'has no image topic, only /words (std_msgs/msg/String)' in refused(
        make_bag(topics=['/words']).path
    )
    assert 'has no image on /camera/image_raw' in refused(
        make_bag(topics=['/camera/image_raw'], count=0).path
    )


@pytest.mark.parametrize('storage, compression', STORAGES)
def test_a_bag_that_was_cut_off_is_said(make_bag, storage, compression):
    bag = make_bag(storage=storage, compression=compression)
    (file,) = (path for path in bag.path.iterdir() if path.name != 'metadata.yaml')
    whole = file.read_bytes()
    for share in (0.9, 0.5, 0.02, 0.0):
        file.write_bytes(whole[: int(share * len(whole))])
        said = refused(bag.path)
        assert 'it is damaged or was cut off' in said
    file.unlink()
    assert 'cannot be read' in refused(bag.path)


def test_without_rosbags_it_says_what_to_install(make_bag, monkeypatch):
    """As on a robot whose distribution has none; the file itself could be read."""
    bag = make_bag()
    for name in [name for name in sys.modules if name.partition('.')[0] == 'rosbags']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'rosbags', None)
    assert refused(bag.path).startswith('rosbags is missing or too old')
