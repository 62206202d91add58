"""Annotated videos and images."""

import cv2
import numpy as np
import pytest

for name in ('mcap', 'pyarrow', 'rich', 'rosbags.rosbag2'):
    pytest.importorskip(name, reason='offline runs need the extra "offline"')

from face_perception.core.types import Box, Face, FrameResult  # noqa: E402
from face_perception.offline.errors import OutputError  # noqa: E402
from face_perception.offline.outputs import images  # noqa: E402
from face_perception.offline.outputs.images import AnnotatedVideos, check_video, open_video  # noqa: E402
from face_perception.offline.run import run_job  # noqa: E402
from face_perception.offline.types import Frame, Job  # noqa: E402


def describe(path):
    capture = cv2.VideoCapture(str(path))
    rate, count = capture.get(cv2.CAP_PROP_FPS), 0
    size = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    while capture.read()[0]:
        count += 1
    return pytest.approx(rate, rel=0.01), count, size


def make(source, folder):
    report = run_job(Job(source, folder, ('video',)))
    assert report.state == 'done', report.reason
    return report.files


def test_a_video_keeps_its_rate_size_and_count(tmp_path, make_video, scene):
    (path,) = make(make_video(scene), tmp_path / 'out')
    assert path.name == 'annotated.mp4' and describe(path) == (10, 10, (320, 240))


def test_a_skipped_image_leaves_the_others_their_places(tmp_path):
    videos = AnnotatedVideos(tmp_path, {'': 10.0})
    for index in (1, 2, 5):
        image = np.full((48, 64, 3), 40 * index, np.uint8)
        videos.add(Frame(image, index, 0), FrameResult(64, 48, []))
    (path,) = videos.close()
    capture, grays = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        grays.append(round(read[1].mean() / 40))
    assert grays == [1, 1, 2, 2, 2, 5]


def test_each_image_topic_becomes_a_video(tmp_path, make_bag, recorded, scene):
    files = make(
        make_bag(
            recorded.camera('/left/image', scene) + recorded.camera('/right/image', scene[:6])
        ),
        tmp_path / 'out',
    )
    assert [path.name for path in files] == [
        'annotated_left_image.mp4',
        'annotated_right_image.mp4',
    ]
    assert [describe(path) for path in files] == [(10, 10, (320, 240)), (10, 6, (320, 240))]


def test_images_become_images_of_the_same_names(tmp_path, scene):
    folder = tmp_path / 'people'
    folder.mkdir()
    for name, image in zip(('a.png', 'b.jpg', 'c.bmp'), scene):
        cv2.imwrite(str(folder / name), image)
    (folder / 'notes.txt').write_text('no image')
    files = make(folder, tmp_path / 'out')
    assert [path.name for path in files] == ['a.png', 'b.jpg', 'c.bmp.png']
    drawn = cv2.imread(str(files[0]))
    changed = (drawn != scene[0]).any(axis=2)
    assert drawn.shape == scene[0].shape and 0.001 < changed.mean() < 0.2


def test_images_too_wide_for_their_format_become_one_that_holds_them(tmp_path):
    drawn = images.AnnotatedImages(tmp_path)
    for name, width in (('a.webp', 17_000), ('b.JPG', 66_000), ('c.JPG', 90), ('d.png', 1_100_000)):
        image = np.full((2, width, 3), 90, np.uint8)
        drawn.add(Frame(image, 0, 0, name=name), FrameResult(width, 2, []))
    files = drawn.close()
    assert [path.name for path in files] == ['a.webp.png', 'b.JPG.png', 'c.JPG', 'd.png.tiff']
    assert [cv2.imread(str(path)).shape[1] for path in files[:3]] == [17_000, 66_000, 90]


def test_the_second_format_is_taken_where_the_first_cannot_be_written(tmp_path, monkeypatch, scene):
    monkeypatch.setattr(images, 'FORMATS', (('.mp4', 'none'), *images.FORMATS[1:]))
    videos = AnnotatedVideos(tmp_path, {'': 10.0})
    for index, image in enumerate(scene[:4]):
        videos.add(Frame(image, index, 0), FrameResult(320, 240, [Face(Box(9, 9, 50, 50), 1)]))
    (path,) = videos.close()
    assert path.name == 'annotated.avi' and describe(path) == (10, 4, (320, 240))
    assert [each.name for each in tmp_path.iterdir()] == ['annotated.avi']


def test_a_video_that_was_not_written_whole_is_noticed(tmp_path, make_video, scene):
    path = make_video(scene)
    check_video(path, 10)
    with pytest.raises(OutputError, match='10 of 11 images.*disk full'):
        check_video(path, 11)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(OutputError, match='0 of 10 images'):
        check_video(path, 10)


def test_where_no_video_can_be_written_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(images, 'FORMATS', (('.mp4', 'none'),))
    with pytest.raises(OutputError, match='no video of 64x48 px'):
        open_video(tmp_path / 'annotated', (64, 48), 10.0)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_while_a_video_is_written(
    tmp_path, monkeypatch, make_video, scene, visible
):
    monkeypatch.setattr(images, 'SMALLEST_SPACE', 1 << 60)
    with pytest.raises(OutputError, match='the disk is full'):
        run_job(Job(make_video(scene), tmp_path / 'out' / 'clip', ('video',)))
    assert visible(tmp_path / 'out') == []
