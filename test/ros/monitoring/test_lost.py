import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros.monitoring.lost import LostImages

#: Of 300 images at 30 Hz each tenth is missing.
CAME = [index for index in range(300) if index % 10]


def lost(numbers):
    counter = LostImages()
    return sum(counter.add(index / 30, number) for index, number in zip(CAME, numbers))


def test_what_stamps_and_numbers_miss_was_lost():
    assert lost(1 + index for index in CAME) == pytest.approx(29, abs=2)


def test_what_the_camera_left_out_was_not_lost():
    assert lost(1 + index for index in range(len(CAME))) == 0


def test_without_numbers_the_stamps_count():
    assert lost(0 for _ in CAME) == pytest.approx(29, abs=2)


def test_a_camera_that_is_started_again_begins_to_count_anew():
    assert lost([*range(500, 600), *range(1, len(CAME) - 99)]) == 0
