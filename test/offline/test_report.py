"""What is written down about a finished input is found again."""

from pathlib import Path

from face_perception.offline.report import Counts, read_report, write_report
from face_perception.offline.types import JobReport


def test_a_report_of_very_many_images_is_found_again(tmp_path):
    image = tmp_path / f'{"long" * 50}.jpg'
    image.write_bytes(b'image')
    files = (image,) * 100_000  # as long as half a million shorter names
    report = JobReport(Path('pictures'), 'done', '', frames=100_000, files=files)
    write_report(tmp_path, {'input': {'path': 'pictures'}}, Counts(), report)
    assert (tmp_path / 'report.json').stat().st_size > 2**24
    assert len(read_report(tmp_path)['files']) == 100_000
