import cv2
import numpy as np
import pytest

from face_perception.media import video_writer as recording
from face_perception.media.video_writer import GifVideo, Recording


def flat(level, height=48, width=64):
    return np.full((height, width, 3), level, np.uint8)


def read_video(path):
    capture, levels = cv2.VideoCapture(str(path)), []
    while True:
        readable, image = capture.read()
        if not readable:
            return levels
        levels.append(int(image.mean()))


def test_without_images_nothing_is_written(tmp_path):
    assert Recording(tmp_path, 10).finish() == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('order', ['score first', 'image first'])
def test_the_image_with_the_best_score_is_kept(tmp_path, order):
    made = Recording(tmp_path, 10)
    for index, score in enumerate([(1, 0.9), (3, 0.5), (3, 0.8), (2, 0.99), (3, 0.8)]):
        if order == 'score first':
            made.add_score(index, score)
        made.add_image(index, flat(40 * index))
        if order == 'image first':
            made.add_score(index, score)
    image, video = made.finish()
    assert image == tmp_path / 'annotated.png'
    assert (cv2.imread(str(image)) == 80).all()
    assert video.exists()


def test_an_image_whose_result_got_lost_is_better_than_none(tmp_path):
    made = Recording(tmp_path, 10)
    made.add_image(1.0, flat(50))
    assert (cv2.imread(str(made.finish()[0])) == 50).all()


def test_the_video_keeps_time_when_results_are_missing(tmp_path):
    made = Recording(tmp_path, 10)
    for stamp in (5.0, 5.1, 5.2, 5.6, 5.7):  # three are missing
        made.add_image(stamp, flat(int(300 * (stamp - 5))))
    levels = read_video(made.finish()[1])
    assert len(levels) == 8
    assert levels == sorted(levels)


def test_results_faster_than_the_video_are_left_out(tmp_path):
    made = Recording(tmp_path, 10)
    for index in range(30):
        made.add_image(index / 30, flat(index))
    assert len(read_video(made.finish()[1])) == pytest.approx(10, abs=1)


def test_a_long_pause_and_a_long_run_do_not_fill_the_disk(tmp_path):
    made = Recording(tmp_path, 10)
    for stamp in (0.0, 20.0, 1000.0):
        made.add_image(stamp, flat(50))
    assert len(read_video(made.finish()[1])) <= 30


def test_where_mp4_cannot_be_written_it_is_a_gif(tmp_path, monkeypatch):
    pytest.importorskip('PIL.Image', reason='writes the GIF')

    class NoWriter:
        def __init__(self, *arguments):
            pass

        def isOpened(self):  # noqa: N802 (OpenCV's name)
            return False

    monkeypatch.setattr(recording.cv2, 'VideoWriter', NoWriter)
    made = Recording(tmp_path, 10)
    for index in range(20):
        made.add_image(index / 10, flat(10 * index, 480, 640))
    image, video = made.finish()
    assert video == tmp_path / 'annotated.gif'
    monkeypatch.undo()
    assert len(read_video(video)) == 10


def test_a_gif_has_an_end(tmp_path):
    pytest.importorskip('PIL.Image', reason='writes the GIF')
    video = GifVideo(tmp_path / 'long.gif', 5.0)
    for index in range(300):
        video.write(flat(index % 256))
    assert len(read_video(video.close())) < 80
