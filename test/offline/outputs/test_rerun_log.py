import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view)')

from face_perception.core.detectors import make_detector  # noqa: E402
from face_perception.core.types import EMOTIONS, Box  # noqa: E402
from face_perception.offline.outputs.anonymize import Anonymizer  # noqa: E402
from face_perception.offline.outputs.rerun_log import RerunLog  # noqa: E402
from face_perception.visuals.rerun_writer import RerunError, RerunWriter  # noqa: E402
from support.recordings import rerun, rows_per_entity  # noqa: E402


def write(made, folder, frames, anonymizer=None):
    sink = RerunLog(folder, 'input.mp4')
    for frame, faces in frames:
        result = made.result(*faces)
        if anonymizer:  # as a run does, before any sink has it
            frame = replace(frame, image=anonymizer(frame, result))
        sink.add(frame, result)
    (path,) = sink.close()
    assert path == folder / 'results.rrd'
    return path


def test_without_a_frame_nothing_is_written(tmp_path):
    assert RerunLog(tmp_path, 'nothing').close() == []
    assert not list(tmp_path.iterdir())


def test_all_that_was_seen_can_be_read_back(made, tmp_path):
    frames = [
        (made.frame(index), [made.face('1'), *[made.face('2', 'sad')] * (5 <= index < 15)])
        for index in range(20)
    ]
    path = write(made, tmp_path, frames)
    rerun('verify', path)
    assert rows_per_entity(path) == {
        ('/camera/image', 'EncodedImage'): 20,
        ('/camera/image/faces', 'Boxes2D'): 20,
        ('/camera/latency', 'SeriesLines'): 1,
        ('/camera/latency', 'Scalars'): 20,
        ('/camera/tracks/1', 'SeriesLines'): 1,
        ('/camera/tracks/1', 'Scalars'): 20,
        ('/camera/tracks/2', 'SeriesLines'): 1,
        ('/camera/tracks/2', 'Scalars'): 10,
        ('/camera/tracks/2', 'Clear'): 1,
    }
    printed = rerun('print', '-vvv', path)
    assert f'[{", ".join(EMOTIONS)}]' in printed
    assert '[#1 | happy 80% | female 80%, #2 | sad 80% | female 80%]' in printed
    assert '[decode [ms], detect [ms], track [ms], classify [ms]]' in printed
    assert '[2.0, 10.0, 0.4, 5.0]' in printed
    assert 'Duration(ns)' in printed and 'index_name: frame' in printed
    # The layout, with a plot per track.
    assert 'emotions of #1' in printed and 'emotions of #2' in printed


def test_streams_and_dates_of_a_bag(made, tmp_path):
    frames = [
        (made.frame(index, topic=topic, begin_ns=1_700_000_000 * 10**9), [])
        for index in range(3)
        for topic in ('/left/image_raw', '/right/image raw')
    ]
    path = write(made, tmp_path, frames)
    rows = rows_per_entity(path)
    assert rows['/left/image_raw/image', 'EncodedImage'] == 3
    assert rows['/right/image raw/image', 'EncodedImage'] == 3
    assert '2023-11-14' in rerun('print', '-vvv', path)


def test_images_of_a_folder_have_names_and_no_tracks(made, tmp_path):
    frames = [(made.frame(index, name=f'image {index}.jpg'), [made.face('')]) for index in range(3)]
    path = write(made, tmp_path, frames)
    rows = rows_per_entity(path)
    assert rows['/camera/file', 'TextLog'] == 3
    assert not [entity for entity, _ in rows if 'tracks' in entity]
    assert 'image 2.jpg' in rerun('print', '-vvv', path)


def test_faces_that_were_not_asked_have_a_box_only(made, tmp_path):
    path = write(made, tmp_path, [(made.frame(0), [made.face('1', '', '')])])
    assert ('/camera/tracks/1', 'Scalars') not in rows_per_entity(path)
    assert '[#1]' in rerun('print', '-vvv', path)


def test_with_an_anonymizer_no_face_is_in_the_images(made, portrait, tmp_path, monkeypatch):
    detector = make_detector('onnx', 480, None)
    written = []
    monkeypatch.setattr(RerunWriter, 'image', lambda self, stream, it: written.append(it))
    image, (x, y, size) = portrait
    frames = [(made.frame(0, image), [made.face(box=Box(x, y, size, size))])]
    write(made, tmp_path, frames)
    write(made, tmp_path, frames, Anonymizer('pixelate'))
    assert [len(detector.detect(it)) for it in written] == [1, 0]


def resident_bytes():
    with open('/proc/self/status') as status:
        return 1024 * int(re.search(r'VmRSS:\s+(\d+)', status.read())[1])


def test_it_goes_to_the_file_and_not_to_memory(made, tmp_path):
    random = np.random.default_rng(3)
    sink = RerunLog(tmp_path, 'long')

    def add(begin, end):
        for index in range(begin, end):
            noise = random.integers(0, 256, (240, 320, 3), np.uint8)
            sink.add(made.frame(index, noise), made.result(made.face()))

    add(0, 500)
    before, size_before = resident_bytes(), (tmp_path / 'results.rrd').stat().st_size
    add(500, 1500)
    written = (tmp_path / 'results.rrd').stat().st_size - size_before
    assert written > 40e6
    assert resident_bytes() - before < written / 3
    assert rows_per_entity(sink.close()[0])['/camera/image', 'EncodedImage'] == 1500


def test_a_file_that_was_not_completed_can_be_read(made, tmp_path):
    code = (
        'import os, sys, time, pathlib, numpy\n'
        'from face_perception.visuals.rerun_writer import RerunWriter\n'
        'writer = RerunWriter(pathlib.Path(sys.argv[1]), "cut off")\n'
        'for index in range(40):\n'
        '    writer.at(index * 10**8, index)\n'
        '    writer.image("camera", numpy.zeros((48, 64, 3), numpy.uint8))\n'
        '    time.sleep(0.06)\n'
        'os._exit(9)\n'
    )
    path = tmp_path / 'cut.rrd'
    done = subprocess.run([sys.executable, '-c', code, str(path)], cwd=tmp_path, timeout=60)
    assert done.returncode == 9
    assert 5 < rows_per_entity(path)['/camera/image', 'EncodedImage'] <= 40
    assert 'latency [ms]' in rerun('print', '-vvv', path)  # it has a layout


def test_a_folder_that_cannot_be_written_to_is_named(made, tmp_path):
    sink = RerunLog(tmp_path / 'missing', 'input.mp4')
    with pytest.raises(RerunError, match='missing/results.rrd. cannot be written to'):
        sink.add(made.frame(0), made.result())
