"""What the tests of the tools share: videos made on the spot."""

import cv2
import pytest


@pytest.fixture
def make_video(tmp_path, pictures):
    """Write a video of the pictures, 10 per second."""

    def make(name='video.mp4', codec='mp4v'):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10.0, (64, 48))
        if not writer.isOpened():
            pytest.skip(f'this OpenCV writes no {codec}')
        for picture in pictures:
            writer.write(picture)
        writer.release()
        return path

    return make
