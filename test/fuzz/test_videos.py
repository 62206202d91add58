"""Videos with any bytes: their images, or one sentence."""

import cv2
import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='the fuzzer needs hypothesis')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from face_perception.media.containers import is_whole  # noqa: E402
from face_perception.media.errors import SourceError  # noqa: E402
from face_perception.media.file_sources import VideoSource, silence_opencv  # noqa: E402
from face_perception.media.video_files import VideoFile  # noqa: E402
from support.mutations import STEPS, damaged, examples  # noqa: E402

COUNT, SIZE, LIMIT = 8, (64, 48), 1 << 20
KINDS = {'.avi': 'MJPG', '.mp4': 'mp4v', '.mkv': 'mp4v', '.webm': 'VP80', '.gif': ''}


class Samples(dict):
    """The bytes of whole videos, which nobody wants to see when a test fails."""

    def __repr__(self):
        return 'samples'


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    """Return the bytes of whole videos."""
    silence_opencv()
    folder, found = tmp_path_factory.mktemp('samples'), Samples()
    noise = np.random.default_rng(0)
    images = [noise.integers(0, 255, (*SIZE[::-1], 3), np.uint8) for _ in range(COUNT)]
    for suffix, codec in KINDS.items():
        path = folder / f'clip{suffix}'
        if codec:
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, SIZE)
            for image in images:
                writer.write(image)
            writer.release()
        else:
            pillow = pytest.importorskip('PIL.Image', reason='GIFs are made with Pillow')
            first, *others = map(pillow.fromarray, images)
            first.save(path, save_all=True, append_images=others, duration=100)
        if path.exists():
            found[suffix] = path.read_bytes()
    return found


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('videos')


def watch(path):
    """Return how many images a video gives, and its fault; None and why for none."""
    is_whole(path)
    try:
        video = VideoFile(path, LIMIT)
        assert 0 < video.rate < float('inf') and video.count >= 0
        images = list(video.images())
        last_s = max(each.position_s for each in images)
        fault = video.missing(last_s, 1 / video.rate)
        whole = [each.image for each in images if each.image is not None]
        assert len(list(VideoSource(path, None, lambda text: None).frames(loop=False))) == len(
            whole
        )
    except SourceError as error:
        assert str(error) and '\n' not in str(error)
        return None, str(error)
    for image in whole:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    return len(whole), fault


@pytest.mark.parametrize('suffix', KINDS)
def test_whole_videos_give_all(samples, folder, suffix):
    if suffix not in samples:
        pytest.skip('this OpenCV cannot write it')
    path = folder / f'clip{suffix}'
    path.write_bytes(samples[suffix])
    assert watch(path) == (COUNT, '')


@examples(20)
@given(st.sampled_from(sorted(KINDS)), STEPS)
def test_damaged_videos_give_what_is_left(samples, folder, suffix, steps):
    if suffix not in samples:
        return
    path = folder / f'clip{suffix}'
    path.write_bytes(damaged(samples[suffix], steps))
    watch(path)
    path.write_bytes(samples[suffix])
    assert watch(path) == (COUNT, ''), 'the good one between'
