"""When images were taken, with slips among their stamps and clocks that are set."""

import pytest

from face_perception.media.messages.taken import MOST_ODD, TakenTimes

PERIOD = 0.1


def taken(stamps, receipts=None):
    times = TakenTimes()
    receipts = receipts or [index * PERIOD for index in range(len(stamps))]
    return [times.of(stamp, 5000 + receipt, receipt) for stamp, receipt in zip(stamps, receipts)]


def regular(count=20, start=1000.0):
    return [start + index * PERIOD for index in range(count)]


def test_stamps_of_any_clock_are_taken_as_they_are():
    for start in (0.0, -5.0, 1.7e9):
        assert taken(regular(start=start)) == regular(start=start)


@pytest.mark.parametrize('slip', [3600, -3600, 5, -5, 0.5, -0.5, -(2**31), 1e9, None])
def test_one_wrong_stamp_moves_the_time_by_no_more_than_a_slip(slip):
    stamps = regular()
    stamps[10] = None if slip is None else stamps[10] + slip
    times = taken(stamps)
    assert times[:10] + times[11:] == regular()[:10] + regular()[11:]
    assert abs(times[10] - regular()[10]) <= 0.6


def test_two_slips_in_a_row_that_have_nothing_to_do_with_each_other():
    stamps = regular()
    stamps[10], stamps[11] = stamps[10] + 3600, stamps[11] - 3600
    assert max(abs(a - b) for a, b in zip(taken(stamps), regular())) < 0.1


@pytest.mark.parametrize('jump', [3600, -3600])
def test_a_clock_that_was_set_is_followed_from_the_second_image_on(jump):
    stamps = regular() + [stamp + jump for stamp in regular(start=1002.0)]
    times = taken(stamps)
    assert times[21:] == stamps[21:] and abs(times[20] - 1002.0) < 1e-6


@pytest.mark.parametrize('rate', [0.1, 5])
def test_a_bag_at_another_rate_keeps_the_times_of_its_images(rate):
    receipts = [index * PERIOD / rate for index in range(20)]
    assert taken(regular(), receipts) == regular()


def test_stamps_that_fit_nothing_are_followed_in_the_end():
    stamps = [1000.0 + 100 * index for index in range(20)]
    times = taken(stamps)
    assert times[MOST_ODD] == stamps[MOST_ODD] and times == sorted(times)


def test_without_stamps_the_receipt_is_what_there_is():
    assert taken([None, None]) == [5000.0, 5000.1]
