"""Images that follow each other: who is who, whose turn it is, what is averaged."""

import numpy as np
import pytest

from face_perception.core.attributes.history import LabelHistory
from face_perception.core.attributes.mirror import Shown
from face_perception.core.errors import ImageError
from face_perception.core.networks import FaceNetworks
from face_perception.core.settings import DEFAULTS, PipelineSettings
from face_perception.core.stream import FaceStream
from face_perception.core.types import Box, Classification, Detection, Track

IMAGE = np.zeros((480, 640, 3), np.uint8)


class Detector:
    """Finds faces of different sizes that walk to the right, and counts its calls."""

    def __init__(self, *sides):
        self.sides, self.calls, self.time = sides, 0, 0.0
        self.faint_share = None

    def detect(self, image_bgr, faint_share=1.0):
        self.calls += 1
        self.faint_share = faint_share
        return [
            Detection(Box(10 + 100 * i + 60 * self.time, 100, side, side), 0.9)
            for i, side in enumerate(self.sides)
        ]


class Classifier:
    """Says what it is told to say, and notes which boxes it was shown."""

    def __init__(self, *labels, mirror=False):
        self.mirror = mirror
        self.labels, self.said, self.batches, self.shown = labels, [0.9, 0.1], [], []

    def classify(self, image_bgr, boxes, shown=None):
        self.batches.append([box.width for box in boxes])
        self.shown.append([] if shown is None else [how.value for how in shown])
        return [Classification(self.labels, np.array(self.said, np.float32)) for _ in boxes]


def play(stream, detector, images, rate=20.0, start=0):
    results = []
    for index in range(start, start + images):
        detector.time = index / rate
        results.append(stream(IMAGE, index / rate))
    return results


def make(*sides, **settings):
    detector, emotion = Detector(*sides), Classifier('happy', 'sad')
    stream = FaceStream(FaceNetworks(detector, emotion), PipelineSettings(**settings))
    return stream, detector, emotion


def test_faces_are_looked_at_followed_and_forgotten_also_where_the_clock_stands():
    stream, detector, emotion = make(40)
    for index in range(60):
        detector.time = index / 30
        (face,) = stream(IMAGE, 0.0).faces
    assert detector.calls > 20 and len(emotion.batches) > 10
    assert face.box.x == pytest.approx(10 + 60 * detector.time, abs=5) and face.track_id == '1'
    emotion.said = [0.1, 0.9]
    for _ in range(60):
        (face,) = stream(IMAGE, 0.0).faces
    assert face.emotion.label == 'sad'
    detector.sides = ()
    assert [stream(IMAGE, 0.0).tracks for _ in range(60)][-1] == 0


def test_a_time_that_is_none_does_not_spoil_those_after_it():
    stream, _, _ = make(40)
    stream(IMAGE, 0.0)
    with pytest.raises(ImageError, match='give the time of a clock'):
        stream(IMAGE, np.array([0.1, 0.2]))
    assert stream(IMAGE, 0.1).faces[0].track_id == '1'


def test_an_image_by_itself_has_no_ids_and_nothing_is_kept():
    stream, _, emotion = make(80, 60, classifier_interval=5, detector_interval=5)
    for said in ([0.9, 0.1], [0.2, 0.8]):
        emotion.said = said
        result = stream.networks(IMAGE)
        assert [face.track_id for face in result.faces] == ['', '']
        assert result.detected and result.classified == 2 and result.tracks == 2
        for face in result.faces:
            assert face.emotion.probabilities == pytest.approx(said)
            assert face.emotion_raw.probabilities == pytest.approx(said)


def test_of_an_image_by_itself_too_only_the_largest_are_classified():
    stream, _, emotion = make(50, 90, 70)
    result = stream.networks(IMAGE, max_faces=2)
    assert [face.emotion is None for face in result.faces] == [False, False, True]
    assert emotion.batches == [[90, 70]] and result.classified == 2


def test_the_detector_runs_on_every_nth_image_and_the_boxes_move_on():
    stream, detector, _ = make(80, detector_interval=3)
    results = play(stream, detector, 13)
    assert [result.detected for result in results] == [i % 3 == 0 for i in range(13)]
    assert detector.calls == 5
    for index, result in enumerate(results[6:], 6):
        (face,) = result.faces
        assert face.track_id == '1' and result.timings.track > 0
        assert face.box.x == pytest.approx(10 + 60 * index / 20, abs=3)
        assert face.box == face.box.clipped(640, 480)


@pytest.mark.parametrize('seldom', [{'detector_max_rate': 0.5}, {'detector_interval': 40}])
def test_a_detector_that_looks_less_often_than_faces_are_forgotten_keeps_identities(seldom):
    stream, *_ = make(80, tracker_max_age=1.0, **seldom)
    results = [stream(IMAGE, index / 20) for index in range(100)]  # of a face that stays
    assert sum(result.detected for result in results) == 3
    assert {face.track_id for result in results for face in result.faces} == {'1'}


def test_a_face_that_walks_out_between_detections_is_clipped_and_then_gone():
    stream, detector, _ = make(80, detector_interval=100)
    play(stream, detector, 1)
    stream.settings = PipelineSettings(detector_interval=1)
    for index in range(1, 10):
        detector.time = 6 * index / 20
        stream(IMAGE, index / 20)
    stream.settings = PipelineSettings(detector_interval=100)
    seen = [stream(IMAGE, 0.45 + i / 20).faces for i in range(1, 40)]
    assert all(face.box.x + face.box.width <= 640 for faces in seen for face in faces)
    assert len(seen[0]) == 1 and seen[-1] == []


def test_each_face_is_classified_on_every_nth_image_in_equal_shares():
    stream, detector, emotion = make(50, 60, 70, 80, 90, 99, classifier_interval=3)
    play(stream, detector, 31)
    assert len(emotion.batches[0]) == 6, 'new faces are classified at once'
    later = emotion.batches[4:]
    assert {len(batch) for batch in later} == {2}
    for side in detector.sides:
        seen = [index for index, batch in enumerate(later) if side in batch]
        assert set(np.diff(seen)) == {3}


def test_only_the_largest_are_classified_and_all_are_there():
    stream, detector, emotion = make(
        50, 90, 70, max_faces=2, classifier_interval=1, classifier_max_rate=0.0
    )
    result = play(stream, detector, 2)[-1]
    assert [face.box.width for face in result.faces] == [90, 70, 50]
    assert [face.emotion is None for face in result.faces] == [False, False, True]
    assert emotion.batches == [[90, 70], [90, 70]] and result.classified == 2


def test_who_is_no_longer_among_the_largest_does_not_keep_a_label_for_good():
    stream, detector, emotion = make(80, 60, max_faces=1, detector_max_rate=0.0)
    play(stream, detector, 10)
    detector.sides, emotion.said = (60, 80), [0.1, 0.9]
    short, *_, last = play(stream, detector, 40, start=10)
    assert {face.track_id: face.emotion.label for face in short.faces} == {'1': 'happy', '2': 'sad'}
    assert {face.track_id: face.emotion and face.emotion.label for face in last.faces} == {
        '2': 'sad',
        '1': None,
    }
    detector.sides = (80, 60)
    (first, _) = play(stream, detector, 1, start=50)[0].faces
    assert (first.track_id, first.emotion.label) == ('1', 'sad'), 'it is asked about at once'


def test_the_prediction_is_averaged_and_the_raw_one_is_there_too():
    stream, detector, emotion = make(80, smoothing_time_constant=0.5, classifier_max_rate=0.0)
    play(stream, detector, 40)
    emotion.said = [0.1, 0.9]
    results = play(stream, detector, 40, start=40)
    first, last = results[0].faces[0], results[-1].faces[0]
    assert first.emotion_raw.label == 'sad' and first.emotion.label == 'happy'
    assert last.emotion.label == 'sad'
    assert [result.faces[0].emotion.label for result in results].index('sad') in range(5, 9)


def test_reset_forgets_faces_and_predictions():
    stream, detector, emotion = make(80, detector_interval=10)
    play(stream, detector, 5)
    emotion.said = [0.0, 1.0]
    stream.reset()
    (result,) = play(stream, detector, 1)
    assert result.detected and result.faces[0].track_id == '2'
    assert result.faces[0].emotion.probabilities == pytest.approx([0, 1])


def test_time_that_is_set_back_begins_anew():
    stream, detector, _ = make(80)
    play(stream, detector, 5, start=60)
    assert [result.faces[0].track_id for result in play(stream, detector, 2)] == ['2', '2']


def test_an_attribute_that_is_switched_on_is_told_at_once_and_off_costs_nothing():
    stream, detector, emotion = make(80, classifier_interval=10)
    play(stream, detector, 3)
    gender = Classifier('female', 'male')
    stream.networks = FaceNetworks(detector, emotion, gender)
    (face,) = play(stream, detector, 1, start=3)[0].faces
    assert face.gender.label == 'female'
    stream.networks = FaceNetworks(detector)
    before = len(emotion.batches), len(gender.batches)
    (result,) = play(stream, detector, 1, start=4)
    assert result.classified == 0 and (len(emotion.batches), len(gender.batches)) == before
    assert result.faces[0].emotion is None and result.faces[0].gender is None


def test_another_network_begins_its_own_average():
    stream, detector, _ = make(80)
    play(stream, detector, 20)
    stream.networks = FaceNetworks(detector, Classifier('angry', 'fear'))
    (face,) = play(stream, detector, 1, start=20)[0].faces
    assert face.emotion.label == 'angry'
    assert face.emotion.probabilities == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize(
    'settings, then',
    [
        ({}, ['image', 'mirror', 'image']),
        ({'smoothing_time_constant': 0.0}, ['both'] * 3),
        ({'classifier_max_rate': 2.0}, ['both'] * 3),
    ],
    ids=['in turns', 'not averaged', 'seldom'],
)
def test_a_followed_face_shows_image_and_mirror_image_in_turns_where_time_averages_them(
    settings, then
):
    stream, detector, emotion = make(80, **settings)
    play(stream, detector, 60)
    shown = [images[0] for images in emotion.shown if images]
    assert shown[:4] == ['both', *then]


def test_what_image_and_mirror_image_say_in_turns_is_joined():
    history = LabelHistory()
    track, classifier = Track('1', Box(0, 0, 9, 9), 0.5), Classifier('happy', 'sad', mirror=True)
    turns = [(Shown.BOTH, 0.5), (Shown.IMAGE, 0.5), (Shown.MIRROR, 0.9), (Shown.IMAGE, 0.1)]
    raw = []
    for turn, (shown, happy) in enumerate(turns):
        said = Classification(classifier.labels, np.array([happy, 1 - happy], np.float32))
        history.add(track, 'emotion', classifier, said, turn / 10, 0.5, shown)
        raw.append(float(history.get('1', 'emotion', classifier).raw.probabilities[0]))
    assert raw == pytest.approx([0.5, 0.5, 0.75, 0.5])


@pytest.mark.parametrize('mirror, expected', [(True, 0.75), (False, 0.9)])
def test_only_networks_that_want_the_mirror_image_are_joined(mirror, expected):
    stream, detector, _ = make(80, classifier_interval=1, classifier_max_rate=0.0)
    emotion = Classifier('happy', 'sad', mirror=mirror)
    stream.networks = FaceNetworks(detector, emotion)
    for index, happy in enumerate((0.5, 0.5, 0.9)):
        emotion.said = [happy, 1 - happy]
        (result,) = play(stream, detector, 1, start=index)
    assert result.faces[0].emotion_raw.probabilities[0] == pytest.approx(expected)


def test_turns_do_not_delay_a_changed_prediction():
    shown_after = {}
    for mirror in (False, True):
        stream, detector, _ = make(80)
        emotion = Classifier('happy', 'sad', mirror=mirror)
        stream.networks = FaceNetworks(detector, emotion)
        play(stream, detector, 40)
        emotion.said = [0.1, 0.9]
        labels = [result.faces[0].emotion.label for result in play(stream, detector, 40, start=40)]
        shown_after[mirror] = labels.index('sad')
    assert shown_after[True] <= shown_after[False]


def test_a_face_that_is_asked_about_after_a_while_shows_both_again():
    history, classifier = LabelHistory(), Classifier('happy', 'sad')
    track = Track('1', Box(0, 0, 9, 9), 0.5)
    (said,) = classifier.classify(IMAGE, [track.box])
    shown = []
    for time_s in (0.0, 0.1, 0.2, 0.9, 1.0, 0.95):  # the last is out of order
        shown += history.shown([track], {'emotion': classifier}, time_s, 0.5)
        history.add(track, 'emotion', classifier, said, time_s, 0.5)
    assert [how.value for how in shown] == ['both', 'image', 'mirror', 'both', 'image', 'mirror']
    other = Classifier('happy', 'sad')
    (how,) = history.shown([track], {'emotion': other}, 1.1, 0.5)
    assert how.value == 'both'


def test_the_predictions_of_faces_that_are_gone_are_forgotten():
    history = LabelHistory()
    tracks = [Track(str(i), Box(0, 0, 9, 9), 0.5) for i in range(3)]
    classifier = Classifier('happy', 'sad')
    history.due(tracks, {'emotion': classifier})
    (prediction,) = classifier.classify(IMAGE, [tracks[0].box])
    history.add(tracks[0], 'emotion', classifier, prediction, 0.0, 0.5)
    history.keep({'1'})
    assert history.get('0', 'emotion', classifier).raw is None
    assert history.due(tracks[:1], {'emotion': classifier}) == tracks[:1]


def test_another_detector_takes_over_the_faces():
    stream, _, emotion = make(80)
    assert stream(IMAGE, 1.0).faces[0].track_id == '1'
    stream.networks = FaceNetworks(Detector(82), emotion)
    (face,) = stream(IMAGE, 1.1).faces
    assert (face.track_id, face.box.width) == ('1', 82)


def test_a_box_that_another_detector_draws_larger_does_not_grow_on():
    stream, detector, emotion = make(80, detector_max_rate=1.0)
    play(stream, detector, 3)
    other = {'detector_model': 'other.onnx', 'detector_max_rate': 1.0}
    stream.settings, detector.sides = PipelineSettings(**other), (110,)
    first, *_, last = play(stream, detector, 10, start=3)
    assert first.detected and not last.detected
    assert first.faces[0].box.width == 110 and abs(last.faces[0].box.width - 110) < 6
    assert last.faces[0].track_id == '1'


class ScaledDetector(Detector):
    """Finds the same faces in images of any size."""

    def detect(self, image_bgr, faint_share=1.0):
        share = image_bgr.shape[1] / 640
        return [
            Detection(Box(*(share * side for side in vars(found.box).values())), found.score)
            for found in super().detect(image_bgr, faint_share)
        ]


def test_a_camera_that_changes_its_size_shows_the_same_faces_where_they_are_now():
    detector, emotion = ScaledDetector(80), Classifier('happy', 'sad')
    settings = PipelineSettings(detector_max_rate=5.0, smoothing_time_constant=10.0)
    stream = FaceStream(FaceNetworks(detector, emotion), settings)
    images = [np.zeros((height, 4 * height // 3, 3), np.uint8) for height in (480, 1440, 240)]
    for index in range(66):
        image, detector.time = images[index // 22], index / 20
        result = stream(image, index / 20)
        (face,), share = result.faces, image.shape[1] / 640
        assert face.track_id == '1'
        if index < 10:  # until it is known how fast it walks
            continue
        assert result.detected or index % 22
        assert face.box.x / share == pytest.approx(10 + 60 * index / 20, abs=6)
        assert face.box.width / share == pytest.approx(80, abs=8)


def test_faint_faces_are_asked_for_only_where_faces_are_followed():
    stream, detector, _ = make(80)
    asked = []
    for ask in (
        lambda: stream.networks(IMAGE),
        lambda: stream(IMAGE, 0.0),
        lambda: stream.networks.detect(IMAGE),
    ):
        ask()
        asked.append(detector.faint_share)
    assert asked == [1.0, DEFAULTS['tracker_faint_share'], 1.0]
    assert DEFAULTS['tracker_faint_share'] < 1


def test_images_that_come_out_of_order_change_nobodys_identity():
    stream, _, _ = make(80, smoothing_time_constant=0.5)
    ids = {
        stream(IMAGE, time_s).faces[0].track_id for time_s in (0.1, 0.3, 0.2, 0.5, 0.4, 0.7, 0.6)
    }
    assert ids == {'1'}


def test_after_time_was_set_back_the_detector_runs_at_once():
    stream, detector, _ = make(80, detector_interval=5)
    play(stream, detector, 3, start=200)
    results = play(stream, detector, 6)
    assert [result.detected for result in results] == [True, False, False, False, False, True]
    assert [len(result.faces) for result in results] == [1] * 6


def test_after_a_gap_in_which_faces_are_forgotten_the_detector_runs_at_once():
    stream, detector, _ = make(80, detector_interval=5, tracker_max_age=2.0)
    assert [stream(IMAGE, time_s).detected for time_s in (0.0, 0.1, 2.0, 4.5, 4.6)] == [
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize('time_s', [float('nan'), float('inf'), 1e300, 10**400, '1.0', None])
def test_a_time_that_is_none_is_refused_and_changes_nothing(time_s):
    stream, _, _ = make(80)
    assert stream(IMAGE, 1.0).faces[0].track_id == '1'
    with pytest.raises(ImageError, match='time of a clock'):
        stream(IMAGE, time_s)
    assert stream(IMAGE, 1.1).faces[0].track_id == '1'


@pytest.mark.parametrize('rate', [15.0, 30.0, 50.0, 60.0])
def test_detections_are_limited_in_time_whatever_the_cameras_rate(rate):
    stream, detector, _ = make(80, detector_max_rate=10.0)
    results = play(stream, detector, round(4 * rate), rate)
    assert detector.calls == pytest.approx(40, abs=1)
    assert all(len(result.faces) == 1 for result in results)


def test_a_slow_camera_loses_no_detection_and_no_prediction():
    stream, detector, emotion = make(
        80, 60, detector_max_rate=10.0, classifier_max_rate=7.5, classifier_interval=1
    )
    results = play(stream, detector, 10, rate=5.0)
    assert all(result.detected and result.classified == 2 for result in results)


@pytest.mark.parametrize('rate', [15.0, 30.0, 60.0])
def test_each_face_is_classified_at_its_rate_and_no_image_bears_all(rate):
    sides = (50, 60, 70, 80)
    stream, detector, emotion = make(*sides, classifier_max_rate=5.0, classifier_interval=1)
    results = play(stream, detector, round(4 * rate), rate)
    for side in sides:
        assert sum(side in batch for batch in emotion.batches) == pytest.approx(20, abs=2)
    assert max(result.classified for result in results[1:]) <= np.ceil(4 * 5.0 / rate) + 1


def test_a_jittering_camera_keeps_the_rates():
    stream, detector, emotion = make(
        80, detector_max_rate=15.0, classifier_max_rate=7.5, classifier_interval=1
    )
    jitter = np.random.default_rng(0).uniform(-0.01, 0.01, 300)
    for index, late in enumerate(jitter):
        stream(IMAGE, index / 30 + late)
    assert detector.calls == pytest.approx(150, abs=8)
    assert sum(len(batch) for batch in emotion.batches) == pytest.approx(75, abs=4)


def test_rates_may_change_between_images():
    stream, detector, _ = make(80, detector_max_rate=1.0)
    play(stream, detector, 10)
    assert detector.calls == 1
    stream.settings = PipelineSettings(detector_max_rate=0.0)
    play(stream, detector, 5, start=10)
    assert detector.calls == 6


def test_after_time_was_set_back_rates_count_anew():
    stream, detector, _ = make(80, detector_max_rate=10.0)
    play(stream, detector, 20, start=2000)
    results = play(stream, detector, 4)
    assert [result.detected for result in results] == [True, False, True, False]


def test_a_face_that_is_missed_is_followed_until_it_is_too_old():
    stream, detector, _ = make(80, tracker_max_age=1.0, detector_max_rate=0.0)
    (seen,) = play(stream, detector, 1)
    detector.sides = ()
    missed, *_, gone = play(stream, detector, 30, start=1)
    name = seen.faces[0].track_id
    assert (missed.faces, missed.followed, missed.tracks) == ([], {name}, 1)
    assert (gone.followed, gone.tracks) == (frozenset(), 0)


@pytest.mark.parametrize(
    'change', [{'detector_input_size': 320}, {'detector_score_threshold': 0.4}]
)
def test_a_detector_that_was_changed_looks_at_the_next_image(change):
    stream, detector, _ = make(80, detector_max_rate=1.0)
    play(stream, detector, 3)
    assert detector.calls == 1
    stream.settings = PipelineSettings(detector_max_rate=1.0, **change)
    play(stream, detector, 3, start=3)
    assert detector.calls == 2


def test_what_was_said_last_is_judged_without_the_doubt_about_a_followed_face():
    stream, _, emotion = make(
        80, emotion_min_confidence=0.6, smoothing_time_constant=0.0, classifier_interval=1
    )
    emotion.said = [0.5, 0.5]
    (face,) = stream(IMAGE, 0.0).faces
    assert (face.emotion.label, face.emotion_raw.label) == ('', '')
    emotion.said = [0.65, 0.35]
    (face,) = stream(IMAGE, 1.0).faces
    # The label comes back only when it is surer than asked.
    assert (face.emotion.label, face.emotion_raw.label) == ('', 'happy')
