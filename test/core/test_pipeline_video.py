"""The pipeline on images that follow each other: who is who, whose turn it is, what is averaged."""

import numpy as np
import pytest

from face_perception.core.attributes.history import AnswerBook
from face_perception.core.errors import DetectorError
from face_perception.core.stream import FAINT_SHARE, FacePipeline, PipelineSettings
from face_perception.core.types import Box, Classification, Detection, Track

IMAGE = np.zeros((480, 640, 3), np.uint8)


class Detector:
    """Finds faces of different sizes that walk to the right, and counts its calls."""

    def __init__(self, *sides):
        self.sides, self.calls, self.time = sides, 0, 0.0

    def detect(self, image_bgr):
        self.calls += 1
        return [
            Detection(Box(10 + 100 * i + 60 * self.time, 100, side, side), 0.9)
            for i, side in enumerate(self.sides)
        ]


class Classifier:
    """Says what it is told to say, and notes which boxes it was shown."""

    def __init__(self, *labels):
        self.labels, self.said, self.batches = labels, [0.9, 0.1], []

    def classify(self, image_bgr, boxes):
        self.batches.append([box.width for box in boxes])
        return [Classification(self.labels, np.array(self.said, np.float32)) for _ in boxes]


def play(pipeline, detector, images, rate=20.0, start=0):
    results = []
    for index in range(start, start + images):
        detector.time = index / rate
        results.append(pipeline(IMAGE, index / rate))
    return results


def make(*sides, **settings):
    detector, emotion = Detector(*sides), Classifier('happy', 'sad')
    return FacePipeline(detector, emotion, settings=PipelineSettings(**settings)), detector, emotion


def test_a_picture_by_itself_has_no_ids_and_nothing_is_kept():
    pipeline, _, emotion = make(80, 60, classifier_interval=5, detector_interval=5)
    for said in ([0.9, 0.1], [0.2, 0.8]):
        emotion.said = said
        result = pipeline(IMAGE)
        assert [face.track_id for face in result.faces] == ['', '']
        assert result.detected and result.classified == 2 and result.tracks == 2
        for face in result.faces:
            assert face.emotion.probabilities == pytest.approx(said)
            assert face.emotion_raw.probabilities == pytest.approx(said)


def test_the_detector_runs_on_every_nth_image_and_the_boxes_move_on():
    pipeline, detector, _ = make(80, detector_interval=3)
    results = play(pipeline, detector, 13)
    assert [result.detected for result in results] == [i % 3 == 0 for i in range(13)]
    assert detector.calls == 5
    for index, result in enumerate(results[6:], 6):
        (face,) = result.faces
        assert face.track_id == '1' and result.timings.track > 0
        assert face.box.x == pytest.approx(10 + 60 * index / 20, abs=3)
        assert face.box == face.box.clipped(640, 480)


def test_a_face_that_walks_out_between_detections_is_clipped_and_then_gone():
    pipeline, detector, _ = make(80, detector_interval=100)
    play(pipeline, detector, 1)
    pipeline.settings = PipelineSettings(detector_interval=1)
    for index in range(1, 10):
        detector.time = 6 * index / 20
        pipeline(IMAGE, index / 20)
    pipeline.settings = PipelineSettings(detector_interval=100)
    seen = [pipeline(IMAGE, 0.45 + i / 20).faces for i in range(1, 40)]
    assert all(face.box.x + face.box.width <= 640 for faces in seen for face in faces)
    assert len(seen[0]) == 1 and seen[-1] == []


def test_each_face_is_classified_on_every_nth_image_in_equal_shares():
    pipeline, detector, emotion = make(50, 60, 70, 80, 90, 99, classifier_interval=3)
    play(pipeline, detector, 31)
    assert len(emotion.batches[0]) == 6, 'new faces are classified at once'
    later = emotion.batches[4:]
    assert {len(batch) for batch in later} == {2}
    for side in detector.sides:
        seen = [index for index, batch in enumerate(later) if side in batch]
        assert set(np.diff(seen)) == {3}


def test_only_the_largest_are_classified_and_all_are_there():
    pipeline, detector, emotion = make(50, 90, 70, max_faces=2, classifier_interval=1)
    result = play(pipeline, detector, 2)[-1]
    assert [face.box.width for face in result.faces] == [90, 70, 50]
    assert [face.emotion is None for face in result.faces] == [False, False, True]
    assert emotion.batches == [[90, 70], [90, 70]] and result.classified == 2


def test_the_answer_is_averaged_and_the_raw_one_is_there_too():
    pipeline, detector, emotion = make(80, smoothing_time_constant=0.5)
    play(pipeline, detector, 40)
    emotion.said = [0.1, 0.9]
    results = play(pipeline, detector, 40, start=40)
    first, last = results[0].faces[0], results[-1].faces[0]
    assert first.emotion_raw.label == 'sad' and first.emotion.label == 'happy'
    assert last.emotion.label == 'sad'
    assert [result.faces[0].emotion.label for result in results].index('sad') in range(5, 9)


def test_reset_forgets_faces_and_answers():
    pipeline, detector, emotion = make(80, detector_interval=10)
    play(pipeline, detector, 5)
    emotion.said = [0.0, 1.0]
    pipeline.reset()
    (result,) = play(pipeline, detector, 1)
    assert result.detected and result.faces[0].track_id == '2'
    assert result.faces[0].emotion.probabilities == pytest.approx([0, 1])


def test_time_that_is_set_back_begins_anew():
    pipeline, detector, _ = make(80)
    play(pipeline, detector, 5, start=60)
    assert [result.faces[0].track_id for result in play(pipeline, detector, 2)] == ['2', '2']


def test_a_question_that_is_switched_on_is_answered_at_once_and_off_costs_nothing():
    pipeline, detector, emotion = make(80, classifier_interval=10)
    play(pipeline, detector, 3)
    pipeline.gender = gender = Classifier('female', 'male')
    (face,) = play(pipeline, detector, 1, start=3)[0].faces
    assert face.gender.label == 'female'
    pipeline.gender = pipeline.emotion = None
    before = len(emotion.batches), len(gender.batches)
    (result,) = play(pipeline, detector, 1, start=4)
    assert result.classified == 0 and (len(emotion.batches), len(gender.batches)) == before
    assert result.faces[0].emotion is None and result.faces[0].gender is None


def test_another_network_begins_its_own_average():
    pipeline, detector, _ = make(80)
    play(pipeline, detector, 20)
    pipeline.emotion = Classifier('angry', 'fear')
    (face,) = play(pipeline, detector, 1, start=20)[0].faces
    assert face.emotion.label == 'angry'
    assert face.emotion.probabilities == pytest.approx([0.9, 0.1])


def test_the_answers_of_faces_that_are_gone_are_forgotten():
    book = AnswerBook()
    tracks = [Track(str(i), Box(0, 0, 9, 9), 0.5) for i in range(3)]
    classifier = Classifier('happy', 'sad')
    book.due(tracks, {'emotion': classifier})
    (answer,) = classifier.classify(IMAGE, [tracks[0].box])
    book.add(tracks[0], 'emotion', classifier, answer, 0.0, 0.5)
    book.keep({'1'})
    assert book.get('0', 'emotion', classifier).raw is None
    assert book.due(tracks[:1], {'emotion': classifier}) == tracks[:1]


def test_a_new_pipeline_shares_what_did_not_change(make_model):
    path = str(make_model())
    old = FacePipeline.load(PipelineSettings(emotion_model=path, gender_model=''))
    result = old(IMAGE, 1.0)
    assert result.faces == []
    new = FacePipeline.load(PipelineSettings(emotion_model=path, gender_model='', max_faces=3), old)
    assert new.detector is old.detector and new.emotion is old.emotion
    assert new.settings.max_faces == 3
    newer = FacePipeline.load(
        PipelineSettings(emotion_model='', gender_model='', detector_score_threshold=0.9), new
    )
    assert newer.emotion is None and newer.detector is not new.detector


def test_another_detector_takes_over_the_faces(monkeypatch):
    def make_detector(kind, *_):
        if kind == 'third':
            raise DetectorError('no such detector')
        return Detector({'first': 80, 'second': 82}[kind])

    monkeypatch.setattr('face_perception.core.stream.make_detector', make_detector)
    off = {'emotion_model': '', 'gender_model': ''}
    pipeline = FacePipeline.load(PipelineSettings(detector_type='first', **off))
    assert pipeline(IMAGE, 1.0).faces[0].track_id == '1'
    pipeline = FacePipeline.load(PipelineSettings(detector_type='second', **off), pipeline)
    (face,) = pipeline(IMAGE, 1.1).faces
    assert (face.track_id, face.box.width) == ('1', 82)
    with pytest.raises(DetectorError):
        FacePipeline.load(PipelineSettings(detector_type='third', **off), pipeline)
    assert pipeline(IMAGE, 1.2).faces[0].track_id == '1', 'what it had is as it was'


def test_the_detectors_size_changes_without_loading_it_again():
    off = {'emotion_model': '', 'gender_model': ''}
    pipeline = FacePipeline.load(PipelineSettings(**off))
    pipeline.detector.input_size = 200
    changed = FacePipeline.load(PipelineSettings(max_faces=1, **off), pipeline)
    assert changed.detector is pipeline.detector and changed.detector.input_size == 200
    resized = FacePipeline.load(PipelineSettings(detector_input_size=300, **off), changed)
    assert resized.detector is pipeline.detector and resized.detector.input_size == 300


def test_faint_faces_are_asked_for_only_where_faces_are_followed():
    pipeline, detector, _ = make(80)
    asked = []
    detect = detector.detect
    detector.detect = lambda image: (asked.append(detector.faint_share), detect(image))[1]
    pipeline(IMAGE)
    pipeline(IMAGE, 0.0)
    pipeline.detect(IMAGE)
    assert asked == [1.0, FAINT_SHARE, 1.0] and FAINT_SHARE < 1
