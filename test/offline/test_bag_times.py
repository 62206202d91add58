"""When the images of a recording were taken, with stamps that are missing or wrong."""

import pytest

from face_perception.offline.readers import open_input


def times(make_bag, recorded, scene, stamps):
    """Return when the frames of a bag with these stamps were taken."""
    entries = [
        recorded.entry('/camera', recorded.image(image, stamp), recorded.stamp(index) + 4_000_000)
        for index, (image, stamp) in enumerate(zip(scene, stamps))
    ]
    path = make_bag(entries)
    reader = open_input(path)
    found = [item.frame for item in reader.items()]
    reader.close()
    assert [frame.stamp_ns for frame in found] == stamps, 'they are told as they were recorded'
    return [frame.time_ns for frame in found]


@pytest.mark.parametrize('slip_s', [5, -5, 3600, None])
def test_one_wrong_stamp_among_good_ones_moves_no_time(make_bag, recorded, scene, slip_s):
    good = [recorded.stamp(index) for index in range(len(scene))]
    stamps = [*good]
    stamps[5] = 0 if slip_s is None else stamps[5] + slip_s * 10**9
    found = times(make_bag, recorded, scene, stamps)
    assert found[:5] + found[6:] == good[:5] + good[6:]
    assert found[5] == pytest.approx(good[5], abs=1000)


def test_a_clock_that_is_set_is_followed(make_bag, recorded, scene):
    stamps = [
        recorded.stamp(index) + (3600 * 10**9 if index >= 5 else 0) for index in range(len(scene))
    ]
    found = times(make_bag, recorded, scene, stamps)
    assert found[:5] + found[6:] == stamps[:5] + stamps[6:]
