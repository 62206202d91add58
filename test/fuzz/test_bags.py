"""Recordings with any bytes and any metadata: what is left of them, or one sentence."""

import shutil

import pytest

for name in ('hypothesis', 'mcap', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='needs hypothesis, and what reads and writes bags')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from mcap.writer import CompressionType, Writer  # noqa: E402
from rosbags.rosbag2 import StoragePlugin  # noqa: E402
from rosbags.rosbag2 import Writer as RosbagsWriter  # noqa: E402
from rosbags.typesys import Stores, get_typestore  # noqa: E402

from face_perception.media.bags.images import ImageBag  # noqa: E402
from face_perception.media.bags.reader import METADATA, Bag  # noqa: E402
from face_perception.media.errors import SourceError  # noqa: E402
from support.mutations import STEPS, damaged, examples  # noqa: E402

COUNT = 12
STORE = get_typestore(Stores.LATEST)
IMAGE = 'sensor_msgs/msg/Image'
MESSAGES = [bytes([0, 1, 0, 0, number]) * 40 for number in range(COUNT)]
START = 1_700_000_000 * 10**9


def mcap_file(path, **how):
    with path.open('wb') as file:
        writer = Writer(file, chunk_size=600, **how)
        writer.start(profile='ros2')
        schema = writer.register_schema(IMAGE, 'ros2msg', b'uint8[] data')
        channel = writer.register_channel('/cam', 'cdr', schema, {})
        other = writer.register_channel('/log', 'json', 0, {})
        for number, data in enumerate(MESSAGES):
            writer.add_message(other, START + number, b'{}', START + number)
            writer.add_message(channel, START + number, data, START + number)
        writer.finish()


def sqlite_file(path):
    folder = path.with_suffix('')
    with RosbagsWriter(folder, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        channel = writer.add_connection('/cam', IMAGE, typestore=STORE)
        for number, data in enumerate(MESSAGES):
            writer.write(channel, START + number, data)
    (folder / path.name).rename(path)
    shutil.rmtree(folder)


MAKERS = {
    'plain.mcap': lambda path: mcap_file(path, compression=CompressionType.NONE),
    'zstd.mcap': lambda path: mcap_file(path, compression=CompressionType.ZSTD),
    'lz4.mcap': lambda path: mcap_file(path, compression=CompressionType.LZ4),
    'loose.mcap': lambda path: mcap_file(path, use_chunking=False),
    'bare.mcap': lambda path: mcap_file(
        path,
        use_statistics=False,
        use_summary_offsets=False,
        repeat_channels=False,
        repeat_schemas=False,
    ),
    'sqlite.db3': sqlite_file,
}


class Samples(dict):
    """The bytes of whole files, which nobody wants to see when a test fails."""

    def __repr__(self):
        return 'samples'


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    """Return the bytes of whole files."""
    folder = tmp_path_factory.mktemp('samples')
    for name, make in MAKERS.items():
        make(folder / name)
    return Samples({name: (folder / name).read_bytes() for name in MAKERS})


@pytest.fixture(scope='module')
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp('bags')


def read(path):
    """Return the images of a bag and its fault, or None and why it is refused."""
    try:
        with Bag(path) as bag:
            images = [topic for topic in bag.topics if topic.name == '/cam']
            found = [message.data for message in bag.messages(images)] if images else []
            everything = list(bag.messages())
            assert len(everything) >= len(found)
            if images:
                assert bag.rate(images[0]) > 0
            span, fault = bag.span_ns, bag.fault
            assert span is None or span[0] <= span[1] or fault
    except SourceError as error:
        assert str(error) and '\n' not in str(error)
        return None, str(error)
    assert '\n' not in fault
    return found, fault


@pytest.mark.parametrize('name', MAKERS)
def test_whole_files_give_all(samples, scratch, name):
    path = scratch / name
    path.write_bytes(samples[name])
    assert read(path) == (MESSAGES, '')


@examples(50)
@given(st.sampled_from(sorted(MAKERS)), STEPS)
def test_damaged_files_give_what_is_left(samples, scratch, name, steps):
    path = scratch / name
    path.write_bytes(damaged(samples[name], steps))
    found, fault = read(path)
    if found is not None and len(found) < COUNT:
        assert fault, 'nothing is lost in silence'
    try:
        with ImageBag(path) as bag:
            list(bag.images())
    except SourceError as error:
        assert '\n' not in str(error)
    path.write_bytes(samples[name])
    assert read(path) == (MESSAGES, ''), 'the good one between'


@examples(20)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(MAKERS)), st.none() | STEPS), min_size=2, max_size=3)
)
def test_split_recordings_lose_the_damaged_files_only(samples, scratch, parts):
    folder = scratch / 'split'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    suffix = parts[0][0].rpartition('.')[2]
    whole = 0
    for number, (name, steps) in enumerate(parts):
        if not name.endswith(suffix):
            continue
        whole += steps is None
        data = samples[name] if steps is None else damaged(samples[name], steps)
        (folder / f'split_{number}.{suffix}').write_bytes(data)
    found, _ = read(folder)
    assert (0 if found is None else len(found)) >= whole * COUNT


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=4)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        name: TREES
        for name in (
            *('version', 'storage_identifier', 'duration', 'starting_time', 'message_count'),
            *('topics_with_message_count', 'compression_format', 'compression_mode', 'files'),
            *('custom_data', 'ros_distro'),
        )
    },
)


@examples(20)
@given(FIELDS, st.just(['plain.mcap']) | TREES)
def test_metadata_of_any_values_decide_nothing_but_the_files(samples, scratch, fields, names):
    yaml = pytest.importorskip('yaml')
    folder = scratch / 'described'
    folder.mkdir(exist_ok=True)
    (folder / 'plain.mcap').write_bytes(samples['plain.mcap'])
    information = {**fields, 'relative_file_paths': names}
    (folder / METADATA).write_text(yaml.dump({'rosbag2_bagfile_information': information}))
    found, fault = read(folder)
    if names == ['plain.mcap']:
        assert (found, fault) == (MESSAGES, '')
    else:
        assert found is None or found == MESSAGES or fault


@examples(20)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)), STEPS)
def test_metadata_of_any_bytes_are_read_over(samples, scratch, data, steps):
    folder = scratch / 'described'
    folder.mkdir(exist_ok=True)
    (folder / 'plain.mcap').write_bytes(samples['plain.mcap'])
    good = b'rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths: [plain.mcap]\n'
    for text in (data, good + data, damaged(good, steps)):
        (folder / METADATA).write_bytes(text)
        found, fault = read(folder)
        assert found is None or found == MESSAGES or fault
