import cv2
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Duration
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from face_perception.core.timing import SUMS
from face_perception.msg import Face, FaceArray, PipelineLatency
from face_perception.tools.demo.latency_plot import plot_latency
from face_perception.tools.demo.live_view import LiveView
from face_perception.tools.demo.monitor import Monitor, Statistics
from face_perception.tools.demo.summary import summary

ANNA = Face(
    track_id='7',
    score=0.9,
    roi=RegionOfInterest(x_offset=1, y_offset=2, width=30, height=40),
    gender=Face.GENDER_FEMALE,
    gender_confidence=0.8,
    emotion='happy',
    emotion_confidence=0.7,
)
BERT = Face(
    track_id='8',
    score=0.6,
    gender=Face.GENDER_MALE,
    gender_confidence=0.9,
    emotion='sad',
    emotion_confidence=0.5,
)


def milliseconds(value):
    return Duration(sec=int(value // 1000), nanosec=round(value % 1000 * 1e6))


def result(*faces):
    return FaceArray(header=Header(), image_width=640, image_height=480, faces=list(faces))


def latency(count, detect=20.0, received=None):
    return PipelineLatency(
        transport=milliseconds(2),
        decode=milliseconds(1),
        detect=milliseconds(detect),
        classify=milliseconds(3),
        publish=milliseconds(1),
        processing=milliseconds(detect + 5),
        end_to_end=milliseconds(detect + 7),
        frames_received=received or count,
        frames_processed=count,
    )


@pytest.fixture
def monitor(ros):
    made = Monitor('/nobody', lambda message: None, lambda message: None)
    yield made
    made.destroy_node()


def test_statistics_count_what_came(monitor):
    for number, faces in enumerate([[ANNA], [ANNA, BERT], [], [BERT]]):
        monitor.receive_faces(result(*faces))
        # The node was active for ten images before the monitor could listen.
        monitor.receive_latency(latency(11 + number, received=12 + number))
    statistics = monitor.statistics
    assert not statistics.half_known
    assert (statistics.results, statistics.results_with_faces, statistics.faces) == (4, 3, 4)
    assert statistics.most_faces == 2
    assert statistics.track_ids == {'7', '8'}
    assert statistics.emotions == {'happy': 2, 'sad': 2}
    assert (statistics.frames_received, statistics.frames_processed) == (5, 4)
    assert statistics.percentiles('detect', 50) == pytest.approx([20])
    text = summary(statistics, ['demo_output/annotated.png'])
    assert 'images   5 received, 4 with a result (80.0%), 0 dropped' in text
    assert 'faces    4 in 3 of 4 results, at most 2 at once, 2 tracks' in text
    assert 'emotion  happy 50%, sad 50%' in text
    assert 'written  demo_output/annotated.png' in text


def test_a_result_is_half_known_until_its_latency_came(monitor):
    monitor.receive_faces(result(ANNA))
    assert monitor.statistics.half_known
    monitor.receive_latency(latency(1))
    assert not monitor.statistics.half_known


def test_without_a_terminal_it_prints_plain_lines(monitor, capsys):
    with LiveView(monitor, 10) as view:
        monitor.receive_faces(result(ANNA, BERT))
        monitor.receive_latency(latency(1))
        view.update()
        view.update()  # too early for another line
    (line,) = capsys.readouterr().out.splitlines()
    assert '2 faces: happy 70% female 80%; sad 50% male 90%' in line
    assert 'processing p50 25.0 p95 25.0 ms' in line
    assert '\x1b' not in line


def test_in_a_terminal_it_shows_a_table(monitor):
    console = pytest.importorskip('rich.console', reason='draws the table')
    monitor.receive_faces(result(ANNA))
    monitor.receive_latency(latency(1))
    output = console.Console(width=100, record=True, file=open('/dev/null', 'w'))
    output.print(LiveView(monitor, 10)._table())
    text = output.export_text()
    for part in ('7', '1, 2, 30, 40', '0.90', 'happy 70%', 'female 80%', 'end to end p50 27.0'):
        assert part in text


@pytest.mark.parametrize('count', [1, 2, 100])
def test_the_plot_shows_every_stage(monitor, tmp_path, count):
    figures = pytest.importorskip('matplotlib.figure', reason='draws the plot')
    drawn = []
    original = figures.Figure.savefig

    def savefig(figure, path):
        drawn.append(figure)
        original(figure, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures.Figure, 'savefig', savefig)
        for number in range(count):
            monitor.receive_faces(result(ANNA))
            # One result of a hundred is very slow.
            monitor.receive_latency(latency(1 + number, 900.0 if number == 50 else 20.0))
        plot_latency(monitor.statistics, tmp_path / 'latency.png')
    image = cv2.imread(str(tmp_path / 'latency.png'))
    assert min(image.shape[:2]) > 500
    assert image.std() > 10
    over_time, per_stage = drawn[0].axes
    names = [label.get_text() for label in per_stage.get_yticklabels()]
    assert len(names) == 6 + len(SUMS)
    assert any('20.0 | 20.0' in text.get_text() for text in per_stage.texts)
    if count == 100:
        assert over_time.get_ylim()[1] < 100  # the slow one does not flatten the others
        assert over_time.texts[0].get_text().startswith('1 of 100 go beyond')


def test_an_image_without_stamp_has_no_end_to_end_and_is_plotted(monitor, tmp_path):
    pytest.importorskip('matplotlib', reason='draws the plot')
    monitor.receive_faces(result())
    message = latency(1)
    message.transport = message.end_to_end = Duration()
    monitor.receive_latency(message)
    plot_latency(monitor.statistics, tmp_path / 'latency.png')
    assert cv2.imread(str(tmp_path / 'latency.png')) is not None


def test_the_rate_is_of_intervals():
    assert Statistics().rate == 0
    assert Statistics(results=31, last_result=2.0).rate == 15
