from dataclasses import replace

import numpy as np
import pytest

from face_perception.core.tracking.tracker import MOST_TRACKS, Tracker
from face_perception.core.types import Box, Detection

RATE = 30.0


def face(x, y=100.0, side=60.0, score=0.8):
    return Detection(Box(x - side / 2, y - side / 2, side, side), score)


class Walk:
    """Faces with a known way: index -> detections, of which some are missed."""

    def __init__(self, tracker, jitter=0.0, seed=0):
        self.tracker = tracker
        self.random = np.random.default_rng(seed)
        self.jitter = jitter

    def show(self, time, *faces):
        """Track faces whose boxes are as shaky as a detector's; return the ids."""
        shaken = [
            Detection(
                Box(
                    *(
                        np.array([f.box.x, f.box.y, f.box.width, f.box.height])
                        + self.jitter * f.box.width * self.random.normal(size=4)
                    )
                ),
                f.score,
            )
            for f in faces
        ]
        return [track.id for track in self.tracker.update(shaken, time)]


def test_a_face_keeps_its_id_and_each_gets_its_own():
    walk = Walk(Tracker(), jitter=0.03)
    ids = {tuple(walk.show(i / RATE, face(100 + 3 * i), face(400))) for i in range(60)}
    assert ids == {('1', '2')}


def test_tracks_have_the_detections_boxes_and_scores_in_their_order():
    tracker = Tracker()
    shown = [face(100, score=0.6), face(300, score=0.9)]
    tracker.update(shown, 0.0)
    tracks = tracker.update(shown[::-1], 0.1)
    assert [track.id for track in tracks] == ['2', '1']
    assert [(track.box, track.score) for track in tracks] == [
        (found.box, found.score) for found in shown[::-1]
    ]


def test_a_short_miss_is_survived_and_a_long_one_is_not():
    tracker = Tracker()
    walk = Walk(tracker, jitter=0.02)
    for i in range(15):
        assert walk.show(i / RATE, face(100 + 4 * i)) == ['1']
    for i in range(15, 30):  # half a second
        assert walk.show(i / RATE) == [] and len(tracker) == 1
    assert walk.show(30 / RATE, face(100 + 4 * 30)) == ['1']
    for i in range(31, 65):
        walk.show(i / RATE)
    assert len(tracker) == 0
    assert walk.show(65 / RATE, face(100 + 4 * 65)) == ['2']


@pytest.mark.parametrize('rate', [10.0, 15.0, 30.0])
@pytest.mark.parametrize('seed', range(5))
def test_crossing_faces_keep_their_ids_while_one_hides_the_other(rate, seed):
    walk = Walk(Tracker(), jitter=0.03, seed=seed)
    speed = 150.0  # px/s, towards each other: 2.5 faces a second
    for i in range(int(2 * rate)):
        left, right = 100 + speed * i / rate, 400 - speed * i / rate
        if abs(left - right) < 40:  # the one at the back is not found
            ids = walk.show(i / rate, face(left))
            assert ids == ['1']
        else:
            assert walk.show(i / rate, face(left), face(right, 110)) == ['1', '2']


def test_a_fast_face_at_a_low_rate_is_linked_by_nearness():
    walk = Walk(Tracker())
    # 45 px between images of a 60 px face at 5 Hz: the boxes overlap by a seventh or less.
    assert [walk.show(i / 5, face(100 + 45 * i, 100 + 20 * i)) for i in range(6)] == [['1']] * 6


def test_a_face_elsewhere_is_another():
    walk = Walk(Tracker())
    walk.show(0.0, face(100))
    assert walk.show(0.03, face(300)) == ['2']
    assert walk.show(0.06, face(100, side=200)) == ['3']


def test_between_detections_the_faces_move_on():
    tracker = Tracker()
    for i in range(20):
        tracker.update([face(100 + 5 * i, side=60 + i)], i / RATE)
    (track,) = tracker.predict(22 / RATE)
    assert track.id == '1' and track.score == 0.8
    assert track.box.center[0] == pytest.approx(100 + 5 * 22, abs=2)
    assert track.box.width == pytest.approx(60 + 22, abs=2)


def test_who_was_not_looked_for_meanwhile_is_not_forgotten():
    tracker = Tracker()
    for i in range(40):  # the detector looks every two seconds, at a camera of 5 Hz
        if i % 10:
            tracks = tracker.predict(i / 5)
        else:
            tracks = tracker.update([face(100)] if i < 30 else [], i / 5, max_age=1.0)
        assert [track.id for track in tracks] == (['1'] if i < 30 else [])
    (track,) = tracker.update([face(100)], 8.0, max_age=1.0)
    assert track.id == '2', 'it was looked for, and missed for longer than that'
    (track,) = tracker.update([face(100)], 9.5, max_age=1.0)
    assert track.id == '3', 'there was no image for longer than that'


@pytest.mark.parametrize('period', [1.05, 2.0])
def test_the_faces_of_a_slow_camera_keep_their_ids(period):
    tracker = Tracker()
    random = np.random.default_rng(4)
    times = np.arange(20) * period + random.normal(0, 0.05, 20)
    ids = [tracker.update([face(100)], time, max_age=1.0)[0].id for time in times.tolist()]
    assert set(ids[1:]) == {ids[-1]}, 'how slow it is shows with its second image'
    (track,) = tracker.update([face(100)], times[-1] + 4.0, max_age=1.0)
    assert track.id != ids[-1], 'that is no period'


def test_what_the_detector_missed_is_not_made_up():
    tracker = Tracker()
    tracker.update([face(100), face(300)], 0.0)
    tracker.update([face(100)], 0.1)
    assert [track.id for track in tracker.predict(0.15)] == ['1'] and len(tracker) == 2
    tracker.update([], 0.2)
    assert tracker.predict(0.25) == []


def test_missed_faces_are_said_to_be_where_they_were_heading():
    tracker = Tracker()
    for i in range(31):
        tracker.update([face(100 + 4 * i, score=0.7), face(500)], i / RATE)
    assert tracker.missed() == []
    tracker.update([face(500)], 36 / RATE)
    ((track, unseen_s),) = tracker.missed()
    assert (track.id, track.score) == ('1', 0.7)
    assert unseen_s == pytest.approx(6 / RATE)
    assert track.box.center[0] == pytest.approx(100 + 4 * 36, abs=5)
    tracker.update([face(500)], 70 / RATE)
    assert tracker.missed() == []


def test_time_that_is_set_back_forgets_all_and_ids_are_not_used_again():
    tracker = Tracker()
    tracker.update([face(100)], 50.0)
    assert [track.id for track in tracker.update([face(100)], 49.9)] == ['1']  # out of order
    assert [track.id for track in tracker.update([face(100)], 3.0)] == ['2']
    tracker.reset()
    assert len(tracker) == 0 and tracker.predict(3.1) == []
    assert [track.id for track in tracker.update([face(100)], 3.2)] == ['3']


def test_a_leap_in_time_is_survived():
    tracker = Tracker()
    for i in range(10):
        tracker.update([face(100 + 5 * i)], i / RATE)
    (track,) = tracker.update([face(100)], 1e9)
    assert track.id == '2' and len(tracker) == 1


def test_ten_shaky_faces_that_are_missed_at_times_keep_their_ids():
    random = np.random.default_rng(1)
    tracker, switches, known = Tracker(), 0, {}
    start = [(150 + 250 * (i % 5), 150 + 300 * (i // 5)) for i in range(10)]
    for i in range(300):
        shown = {
            number: face(
                x + 60 * np.sin(i / 20 + number) + random.normal(0, 2),
                y + 40 * np.cos(i / 15 + number) + random.normal(0, 2),
            )
            for number, (x, y) in enumerate(start)
            if random.random() > 0.15
        }
        tracks = tracker.update(list(shown.values()), i / RATE)
        for number, track in zip(shown, tracks):
            switches += known.setdefault(number, track.id) != track.id
    assert switches == 0 and len(set(known.values())) == 10


def faint(x, side=60.0):
    """Return a detection below the detector's threshold."""
    return replace(face(x, side=side, score=0.5), faint=True)


def test_a_faint_face_goes_on_with_a_track_but_begins_none():
    tracker = Tracker()
    assert tracker.update([faint(100)], 0.0) == []
    assert [track.id for track in tracker.update([face(100), faint(400)], 0.1)] == ['1']
    (track,) = tracker.update([faint(400), faint(104)], 0.2)
    assert track.id == '1' and track.score == 0.5
    assert track.box == faint(104).box
    assert tracker.missed() == []
    assert [track.id for track in tracker.update([faint(400), face(400)], 0.3)] == ['2']


def test_a_sure_face_comes_before_a_faint_one():
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    tracks = tracker.update([faint(101), face(112)], 0.05)
    assert [(track.id, track.score) for track in tracks] == [('1', 0.8)]


def test_a_faint_face_that_is_merely_near_is_another():
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    assert tracker.update([faint(150)], 0.05) == []


def test_a_faint_face_that_is_found_again_is_published_once_it_was_confirmed():
    tracker = Tracker()
    shown = [tracker.update([faint(100 + i)], i / RATE, confirmations=2) for i in range(4)]
    assert [[track.id for track in tracks] for tracks in shown] == [[], [], ['1'], ['1']]
    assert tracker.ids == {'1'} and len(tracker) == 1


def test_until_it_was_confirmed_a_face_is_nowhere():
    tracker = Tracker()
    tracker.update([faint(100)], 0.0, confirmations=2)
    assert tracker.ids == set() and len(tracker) == 0
    assert tracker.predict(0.1) == [] and tracker.missed() == []


def test_a_sure_detection_publishes_a_faint_face_at_once():
    tracker = Tracker()
    tracker.update([faint(100)], 0.0, confirmations=5)
    assert [one.id for one in tracker.update([face(101)], 0.1, confirmations=5)] == ['1']


def test_a_faint_face_that_is_missed_begins_anew():
    tracker = Tracker()
    ways = [[faint(100)], [faint(100)], [], [faint(100)], [faint(100)], [faint(100)]]
    shown = [tracker.update(found, i / RATE, confirmations=2) for i, found in enumerate(ways)]
    assert [len(tracks) for tracks in shown] == [0, 0, 0, 0, 0, 1]


def test_confirmed_faces_get_the_detections_before_unconfirmed_ones_do():
    tracker = Tracker()
    tracker.update([face(100)], 0.0, confirmations=3)
    tracker.update([face(100), faint(170)], 0.1, confirmations=3)
    shown = tracker.update([face(101), faint(171)], 0.2, confirmations=3)
    assert [track.id for track in shown] == ['1'] and tracker.ids == {'1'}


def test_noise_that_is_taken_for_faces_does_not_pile_up():
    tracker = Tracker()
    for index in range(8):
        crowd = [
            face(100.0 * column, 5000.0 * index + 100.0 * row, 9)
            for column in range(20)
            for row in range(20)
        ]
        tracker.update(crowd, index / RATE, max_age=60.0)
        assert len(tracker) <= MOST_TRACKS + len(crowd)
    assert len(tracker.update(crowd, 8 / RATE, max_age=60.0)) in (0, len(crowd))
    assert len(tracker) <= MOST_TRACKS


@pytest.mark.parametrize('start', [0.0, 5.0])
def test_an_image_out_of_order_does_not_turn_the_time_back(start):
    tracker = Tracker()
    tracker.update([face(100)], start)
    tracker.update([face(100)], start - 0.125)
    tracker.update([], start + 1.0, max_age=1.0)
    assert len(tracker) == 1


def test_half_a_face_that_goes_behind_another_does_not_shrink_what_is_followed():
    tracker = Tracker()
    for index in range(5):
        tracker.update([face(300 - 25 * index)], index / 10)
    half = Detection(Box(145, 70, 40, 60), 0.3, faint=True)  # its right third is hidden
    tracker.update([half], 0.5)
    tracker.update([], 1.0)
    ((track, _),) = tracker.missed()
    assert track.id == '1' and track.box.width > 45 and abs(track.box.center[0] - 50) < 25


def test_boxes_that_another_detector_draws_otherwise_are_no_motion():
    tracker = Tracker()
    for index in range(4):
        tracker.update([face(100 + 2 * index, side=86)], index / RATE)
    tracker.expect_other_boxes()
    tracker.update([face(108, side=120)], 4 / RATE)
    (track,) = tracker.predict(0.5)
    assert track.id == '1' and abs(track.box.width - 120) < 6
    # How the face moved is still known: two pixels an image to the right.
    assert 108 < track.box.center[0] < 108 + 2 * 2 * 11
